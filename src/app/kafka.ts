import { startLoop } from '../cdr/loop.ts'
import { systemClock } from '../platform/clock.ts'
import { within } from '../platform/within.ts'
import { createKafkaSink } from '../receipts/kafka.ts'
import { createKafkaClient, type KafkaClient } from '../receipts/kafka-client.ts'
import { type KafkaSettings, kafkaOptions } from '../receipts/kafka-options.ts'
import { createTopicOf } from '../receipts/kafka-topic.ts'
import type { Closers } from './closers.ts'
import type { Shared } from './shared.ts'

const idleMs = 200
const settleMsMax = 3_000

/** The worker's part, where there is a Kafka: receipts to its topics. Call `wake` when there may be new ones. */
export function startKafka(shared: Shared): { wake(): void } {
  const { settings, sql, vault, log, metrics, closers } = shared
  const client = openKafka(settings, closers)
  if (client === undefined) return { wake: () => undefined }
  const sink = createKafkaSink({
    ...{ sql, vault, clock: systemClock, client, log },
    topicOf: createTopicOf(settings.KAFKA_TOPIC),
    counts: {
      tried: (type, outcome, receipts) => metrics.receiptKafka.inc({ type, outcome }, receipts),
      delivered: (type, seconds) => metrics.receiptKafkaDelay.observe({ type }, seconds),
    },
    onMore: () => loop.wake(),
  })
  const loop = startLoop({
    async step() {
      await sink.step()
      return false
    },
    ...{ idleMs, retryMsMin: 50, retryMsMax: 2_000 },
    onFailure(err, first) {
      if (first) log.warn({ err }, 'receipts for Kafka wait for the database')
    },
    onRecovery: () => log.info('receipts are sent to Kafka again'),
  })
  closers.push({
    name: 'kafka',
    async close() {
      await loop.stop()
      // What is cut off is sent again later.
      await within(settleMsMax, 'sending to Kafka', sink.settled()).catch(() => undefined)
      client.close()
      await sink.settled()
    },
  })
  return loop
}

/** Undefined: there is no Kafka. Connects when there is something to send. */
export function openKafka(settings: KafkaSettings, closers: Closers): KafkaClient | undefined {
  const options = kafkaOptions(settings)
  if (options === undefined) return undefined
  const client = createKafkaClient(options)
  closers.push({ name: 'kafka connections', close: () => client.close() })
  return client
}
