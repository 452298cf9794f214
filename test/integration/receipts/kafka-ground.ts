import { pino } from 'pino'
import { expect } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import { createKafkaSink, type KafkaSink } from '../../../src/receipts/kafka.ts'
import { createKafkaClient, type KafkaOptions } from '../../../src/receipts/kafka-client.ts'
import { createKafkaRoutes } from '../../../src/receipts/kafka-routes.ts'
import { createTopicOf } from '../../../src/receipts/kafka-topic.ts'
import { mainAccount, testVault } from '../../support/data-rooms.ts'
import type { KafkaRead } from '../../support/kafka.ts'
import type { ReceiptGiven } from './push-ground.ts'

type Given = Partial<KafkaOptions> & { brokers: readonly string[]; template?: string }

/** A worker that sends to Kafka with a clock that can be put forward, and what it has told. */
export function kafkaGround(sql: Sql, { template = 'axbridge.{account}.{type}', ...given }: Given) {
  let aheadMs = 0
  const clock = { now: () => new Date(systemClock.now().getTime() + aheadMs) }
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const tried: Record<string, number> = { sent: 0, retry: 0, dead: 0 }
  const lags: number[] = []
  const counts = {
    tried(_type: string, outcome: string, receipts: number) {
      tried[outcome] = (tried[outcome] ?? 0) + receipts
    },
    delivered: (_type: string, seconds: number) => void lags.push(seconds),
  }
  const topicOf = createTopicOf(template)
  const clients: ReturnType<typeof createKafkaClient>[] = []
  const newClient = () => {
    const client = createKafkaClient({ sasl: undefined, tls: undefined, ...given })
    clients.push(client)
    return client
  }
  const worker = (): KafkaSink =>
    createKafkaSink({
      ...{ sql, vault: testVault, clock, client: newClient(), topicOf, counts, log },
      onMore: () => undefined,
    })
  const routes = createKafkaRoutes({ sql, clock, topicOf, client: newClient() })
  const usual = worker()

  return {
    ...{ routes, worker, lines, tried, lags, clock },
    /** Everything that is due now is tried; several rounds, until nothing changes. */
    async work(rounds = 3): Promise<void> {
      for (let round = 0; round < rounds; round += 1) {
        await usual.step()
        await usual.settled()
      }
    },
    pass(seconds: number): void {
      aheadMs += seconds * 1000
    },
    turnOn: (type: Parameters<typeof routes.put>[0]['type'] = 'SecretReport') =>
      routes.put({ accountId: mainAccount, type }, {}),
    close() {
      for (const each of clients) each.close()
      const left = lines.filter((line) => line.includes('was left off'))
      if (left.length > 0) throw new Error(left.join(''))
    },
  }
}

type State = {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly status: number | null
  readonly fault: string | null
}

export async function kafkaStates(sql: Sql): Promise<readonly State[]> {
  return sql.rows<State>({
    name: 'test.kafka-states',
    text: `select r.event_id as id, t.state, t.attempts, t.last_status as status,
                  t.last_fault as fault
             from receipt_to_kafka t join receipt r on r.id = t.receipt_id order by r.id`,
    values: [],
  })
}

/** Receipts of calls that take turns. */
export function ofCalls(calls: number, each: number): ReceiptGiven[] {
  return Array.from({ length: calls * each }, (_, at) => ({
    id: `${at % calls}:${Math.floor(at / calls)}`,
    callId: `call-${at % calls}`,
  }))
}

/** Of each call its receipts in the order of the topic, without those that came again. */
export function expectInOrder(given: readonly KafkaRead[], calls: number, each: number) {
  for (let call = 0; call < calls; call += 1) {
    const own = given.filter((one) => one.key === `call-${call}`)
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1)
    const wanted = Array.from({ length: each }, (_, at) => `${call}:${at}`)
    expect([...new Set(own.map(({ body }) => body['id']))]).toEqual(wanted)
  }
}
