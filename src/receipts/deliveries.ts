import type { AccountId, CallId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit, placeIn, serialPattern } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { MessageType } from './receipt-types.ts'
import { kafkaUnknown, pushUnknown, queueUnknown } from './refusals.ts'
import { tableOf, type Way } from './waiting.ts'

export type DeliveryState = 'due' | 'sent' | 'dead'

/** What became of one receipt that is, or was, to be pushed, or sent to Kafka. */
export type Delivery = {
  readonly id: string
  readonly type: MessageType
  readonly eventId: string
  readonly callId: CallId | undefined
  readonly state: DeliveryState
  readonly attempts: number
  /** HTTP status of the last answer, or Kafka's error code, and what was wrong with it. */
  readonly lastStatus: number | undefined
  readonly lastFault: string | undefined
  /** How long the last try took. */
  readonly answeredMs: number | undefined
  readonly triedAt: Date | undefined
  /** When it is tried next, at the earliest. */
  readonly dueAt: Date | undefined
  readonly happenedAt: Date
  readonly createdAt: Date
}

/** Receipts of one account that were made in `[since, until)`. */
type Span = {
  /** Undefined: push. */
  readonly way?: Way | undefined
  readonly accountId: AccountId
  readonly type?: MessageType | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

export type DeliveryFilter = Span & {
  readonly state?: DeliveryState | undefined
  readonly callId?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type Resend = Span & {
  readonly ids?: readonly string[] | undefined
  /** Undefined: the dead ones; of those with `ids` all that are not due. */
  readonly state?: 'sent' | 'dead' | undefined
}

export type Replay = {
  readonly accountId: AccountId
  readonly type: MessageType
  readonly since: Date
  readonly until?: Date | undefined
  /** Where to: a queue of the type by its name; undefined: on this way, by push unless given. */
  readonly queue?: string | undefined
  readonly way?: Way | undefined
}

export type Deliveries = {
  /** Newest first. */
  list(filter: DeliveryFilter): Promise<{ items: Delivery[]; nextCursor: string | undefined }>
  /** Puts what was sent, or died, in line again, with all its tries. Resolves to how many. */
  resend(which: Resend): Promise<number>
  /** Puts all that is kept in line again, also what never was in this one. Resolves to how many. */
  replay(what: Replay): Promise<number>
}

export function createDeliveries({ sql, clock }: { sql: Sql; clock: Clock }): Deliveries {
  return {
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<DeliveryRow>(listQuery(filter, limit))
      return pageFrom(rows, limit, { item: deliveryFrom, place: ({ id }) => id })
    },

    async resend(which) {
      const { way = 'push', accountId, type, since, until, ids } = which
      const table = tableOf[way]
      const state = which.state ?? (ids === undefined ? 'dead' : undefined)
      return inParts(async (after) => {
        return sql.rows<{ id: string }>({
          name: `deliveries.resend-${way}`,
          text: `
            with chosen as (
              select t.receipt_id
                from ${table} t join receipt r on r.id = t.receipt_id
               where t.account_id = $1 and t.receipt_id > $2 and t.state <> 'due'
                 and ($3::text is null or t.message_type = $3)
                 and ($4::text is null or t.state = $4)
                 and ($5::bigint[] is null or t.receipt_id = any ($5))
                 and ($6::timestamptz is null or r.created_at >= $6)
                 and ($7::timestamptz is null or r.created_at < $7)
               order by t.receipt_id limit ${atOnce}
               for update of t
            ), again as (
              update ${table} t set state = 'due', due_at = $8, attempts = 0
                from chosen where t.receipt_id = chosen.receipt_id
            )
            select receipt_id as id from chosen order by receipt_id`,
          values: [accountId, after, type, state, ids, since, until, clock.now()],
        })
      })
    },

    async replay(what) {
      await needTarget(sql, what)
      return inParts((after) => sql.rows<{ id: string }>(replayQuery(what, after, clock.now())))
    },
  }
}

/** A statement has to end within seconds, and a request within some more. */
const atOnce = 2_000
const partsMax = 200

/** From the first id on; each part tells which it did. */
async function inParts(part: (after: string) => Promise<readonly { id: string }[]>) {
  let done = 0
  let after = '0'
  for (let at = 0; at < partsMax; at += 1) {
    const rows = await part(after)
    done += rows.length
    if (rows.length < atOnce) break
    after = rows.at(-1)?.id ?? after
  }
  return done
}

const targets = {
  push: { text: 'select 1 from receipt_push', unknown: pushUnknown },
  kafka: { text: 'select 1 from receipt_kafka', unknown: kafkaUnknown },
}

async function needTarget(sql: Sql, { accountId, type, queue, way = 'push' }: Replay) {
  const whose = 'where account_id = $1 and message_type = $2'
  if (queue !== undefined) {
    const text = `select 1 from receipt_queue ${whose} and name = $3`
    const values = [accountId, type, queue]
    const rows = await sql.rows({ name: 'deliveries.need-queue', text, values })
    if (rows.length === 0) throw queueUnknown()
    return
  }
  const target = targets[way]
  const text = `${target.text} ${whose}`
  const rows = await sql.rows({ name: `deliveries.need-${way}`, text, values: [accountId, type] })
  if (rows.length === 0) throw target.unknown()
}

/** What waits in the line already stays where it is. A queue gets what went, or would go, into it. */
function replayQuery(replay: Replay, after: string, now: Date) {
  const { accountId, type, since, until, queue, way = 'push' } = replay
  const chosen = `
    with chosen as (
      select r.id, r.call_id from receipt r
       where r.account_id = $1 and r.message_type = $2 and r.id > $3
         and r.created_at >= $4 and ($5::timestamptz is null or r.created_at < $5)
       order by r.id limit ${atOnce}
    ), again as (`
  const values = [accountId, type, after, since, until]
  if (queue !== undefined) {
    return {
      name: 'deliveries.replay-to-queue',
      text: `${chosen}
        insert into receipt_in_queue as m (queue_name, receipt_id) select $6, id from chosen
        on conflict (queue_name, receipt_id) do nothing
      )
      select id from chosen order by id`,
      values: [...values, queue],
    }
  }
  return {
    name: `deliveries.replay-to-${way}`,
    text: `${chosen}
        insert into ${tableOf[way]} as t (receipt_id, account_id, message_type, call_id, due_at)
        select id, $1, $2, call_id, $6 from chosen
        on conflict (receipt_id) do update set state = 'due', due_at = $6, attempts = 0
         where t.state <> 'due'
      )
      select id from chosen order by id`,
    values: [...values, now],
  }
}

type DeliveryRow = {
  readonly id: string
  readonly message_type: string
  readonly event_id: string
  readonly call_id: string | null
  readonly state: string
  readonly attempts: number
  readonly last_status: number | null
  readonly last_fault: string | null
  readonly answered_ms: number | null
  readonly tried_at: Date | null
  readonly due_at: Date
  readonly happened_at: Date
  readonly created_at: Date
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(filter: DeliveryFilter, limit: number) {
  const values: unknown[] = [filter.accountId, limit + 1]
  const conditions = ['t.account_id = $1']
  const way = filter.way ?? 'push'
  let name = `deliveries.list-${way}`
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  add('type', filter.type, (at) => `t.message_type = ${at}`)
  add('state', filter.state, (at) => `t.state = ${at}`)
  add('call', filter.callId, (at) => `t.call_id = ${at}`)
  add('since', filter.since, (at) => `r.created_at >= ${at}`)
  add('until', filter.until, (at) => `r.created_at < ${at}`)
  add('after', placeIn(filter.cursor, serialPattern), (at) => `t.receipt_id < ${at}::bigint`)
  return {
    name,
    text: `
      select t.receipt_id as id, t.message_type, r.event_id, t.call_id, t.state, t.attempts,
             t.last_status, t.last_fault, t.answered_ms, t.tried_at, t.due_at, r.happened_at,
             r.created_at
        from ${tableOf[way]} t join receipt r on r.id = t.receipt_id
       where ${conditions.join(' and ')}
       order by t.receipt_id desc limit $2`,
    values,
  }
}

function deliveryFrom(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    type: row.message_type as MessageType,
    eventId: row.event_id,
    callId: (row.call_id ?? undefined) as CallId | undefined,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    lastStatus: row.last_status ?? undefined,
    lastFault: row.last_fault ?? undefined,
    answeredMs: row.answered_ms ?? undefined,
    triedAt: row.tried_at ?? undefined,
    dueAt: row.state === 'due' ? row.due_at : undefined,
    happenedAt: row.happened_at,
    createdAt: row.created_at,
  }
}
