import { randomBytes } from 'node:crypto'
import type { AccountId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import { recordOf } from './kafka.ts'
import type { KafkaAnswer, KafkaClient } from './kafka-client.ts'
import { recordSent } from './kafka-outcomes.ts'
import { type TopicOf, typesWith } from './kafka-topic.ts'
import { exampleOf } from './receipt-example.ts'
import type { MessageType } from './receipt-types.ts'
import { kafkaUnknown, kafkaUnset, stillWaiting } from './refusals.ts'
import { discardWaiting, hasWaiting } from './waiting.ts'

type Key = { readonly accountId: AccountId; readonly type: MessageType }

/** Receipts of one type that go to Kafka. */
export type KafkaRoute = Key & {
  readonly topic: string
  /** Off: nothing is sent or taken on; what waits is kept. */
  readonly enabled: boolean
  readonly createdAt: Date
  /** Since when nothing has arrived, and what was wrong the last time. */
  readonly failingSince: Date | undefined
  readonly lastFault: string | undefined
}

/** Changes hold for whatever is made into receipts, or sent, after they have resolved. */
export type KafkaRoutes = {
  /** `enabled` undefined: on, or as it was. Refused where there is no Kafka. */
  put(
    key: Key,
    settings: { enabled?: boolean | undefined },
  ): Promise<{ route: KafkaRoute; isNew: boolean }>
  get(key: Key): Promise<KafkaRoute>
  /** By type. */
  list(accountId: AccountId): Promise<readonly KafkaRoute[]>
  /** One with receipts that wait is removed only with `discard`. */
  remove(key: Key, options: { discard: boolean }): Promise<void>
  /** Sends one example and tells how it was answered. A topic that takes it is not held up any more. */
  test(key: Key): Promise<KafkaAnswer>
}

export function createKafkaRoutes(deps: {
  sql: Sql
  clock: Clock
  topicOf: TopicOf
  /** Undefined: there is no Kafka. */
  client: Pick<KafkaClient, 'send'> | undefined
}): KafkaRoutes {
  const { sql, clock, topicOf, client } = deps

  function routeFrom(row: KafkaRow): KafkaRoute {
    return {
      accountId: row.account_id,
      type: row.message_type,
      topic: topicOf(row.account_id, row.message_type),
      enabled: row.enabled,
      createdAt: row.created_at,
      failingSince: row.failing_since ?? undefined,
      lastFault: row.last_fault ?? undefined,
    }
  }

  async function get({ accountId, type }: Key): Promise<KafkaRoute> {
    const [row] = await sql.rows<KafkaRow>({
      name: 'kafka-routes.get',
      text: `select ${columns} from receipt_kafka where account_id = $1 and message_type = $2`,
      values: [accountId, type],
    })
    if (row === undefined) throw kafkaUnknown()
    return routeFrom(row)
  }

  return {
    async put(key, { enabled }) {
      if (client === undefined) throw kafkaUnset()
      return sql.transaction(async (session) => {
        const [row] = await session.rows<KafkaRow & { is_new: boolean }>({
          name: 'kafka-routes.put',
          text: `
            insert into receipt_kafka as k (account_id, message_type, enabled)
            values ($1, $2, coalesce($3, true))
            on conflict (account_id, message_type) do update set enabled = coalesce($3, k.enabled)
            returning ${columns}, xmax = 0 as is_new`,
          values: [key.accountId, key.type, enabled],
        })
        if (row === undefined) throw kafkaUnknown()
        if (row.enabled) return { route: routeFrom(row), isNew: row.is_new }
        await forgetFaults(session, key)
        const well = { ...row, failing_since: null, last_fault: null }
        return { route: routeFrom(well), isNew: row.is_new }
      })
    },

    get,

    async list(accountId) {
      const rows = await sql.rows<KafkaRow>({
        name: 'kafka-routes.list',
        text: `select ${columns} from receipt_kafka where account_id = $1 order by message_type`,
        values: [accountId],
      })
      return rows.map(routeFrom)
    },

    async remove(key, { discard }) {
      await get(key)
      if (discard) await discardWaiting(sql, { ...key, way: 'kafka' })
      await sql.transaction((session) => removeKafka(session, key, discard))
    },

    async test(key) {
      const { topic } = await get(key)
      if (client === undefined) throw kafkaUnset()
      const now = clock.now()
      const eventId = `test:${randomBytes(8).toString('hex')}`
      const told = { message_type: key.type, call_id: null, event_id: eventId, revision: 1 }
      const value = JSON.stringify(exampleOf(key.type))
      const record = recordOf(key.accountId, { ...told, happened_at: now }, value)
      const answer = await client.send(topic, [record])
      if (answer.fault === undefined) {
        const types = typesWith(topicOf, key.accountId, key.type)
        await recordSent(sql, { accountId: key.accountId, types, ids: [], ms: answer.ms, now })
      }
      return answer
    },
  }
}

const columns = 'account_id, message_type, enabled, created_at, failing_since, last_fault'

type KafkaRow = {
  readonly account_id: AccountId
  readonly message_type: MessageType
  readonly enabled: boolean
  readonly created_at: Date
  readonly failing_since: Date | null
  readonly last_fault: string | null
}

/** What is off, or gone, fails no more. */
async function forgetFaults(session: Sql, { accountId, type }: Key): Promise<void> {
  await session.rows({
    name: 'kafka-routes.forget-faults',
    text: `
      with well as (
        update receipt_kafka set failing_since = null, last_fault = null, retry_at = null
         where account_id = $1 and message_type = $2 and failing_since is not null
      )
      update alarm set cleared_at = now()
       where account_id = $1 and kind = 'push-failing' and subject = 'kafka ' || $2::text
         and cleared_at is null`,
    values: [accountId, type],
  })
}

async function removeKafka(session: Sql, key: Key, discard: boolean): Promise<void> {
  await forgetFaults(session, key)
  const removed = await session.rows({
    name: 'kafka-routes.remove',
    text: 'delete from receipt_kafka where account_id = $1 and message_type = $2 returning 1',
    values: [key.accountId, key.type],
  })
  if (removed.length === 0) throw kafkaUnknown()
  const line = { ...key, way: 'kafka' as const }
  if (!(await hasWaiting(session, line))) return
  if (!discard) throw stillWaiting('The Kafka topic')
  await discardWaiting(session, line)
}
