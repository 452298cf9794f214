import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createSql } from '../../../src/platform/sql.ts'
import { createKafkaSink } from '../../../src/receipts/kafka.ts'
import { createKafkaClient } from '../../../src/receipts/kafka-client.ts'
import { createTopicOf } from '../../../src/receipts/kafka-topic.ts'
import { testVault } from '../../support/data-rooms.ts'

/** A worker for the tests: sends to Kafka until it is killed. */
async function sendUntilKilled(
  databaseUrl: string,
  brokers: string,
  template: string,
): Promise<never> {
  const log = createLogger({ level: 'silent' })
  const sql = createSql({ url: databaseUrl, log })
  const sink = createKafkaSink({
    ...{ sql, vault: testVault, clock: systemClock, log, topicOf: createTopicOf(template) },
    client: createKafkaClient({ brokers: brokers.split(','), sasl: undefined, tls: undefined }),
    counts: { tried: () => undefined, delivered: () => undefined },
    onMore: () => undefined,
  })
  for (;;) {
    await sink.step()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const [, , databaseUrl = '', brokers = '', template = ''] = process.argv
await sendUntilKilled(databaseUrl, brokers, template)
