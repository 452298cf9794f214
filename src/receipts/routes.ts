import type { AccountId, PoolKey } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { MessageType } from './receipt-types.ts'
import {
  defaultHasNoPools,
  extraQueuesMax,
  poolTied,
  poolUnknown,
  queuesTooMany,
  queueTaken,
  queueUnknown,
  stillWaiting,
} from './refusals.ts'

/** Where receipts of one type wait until somebody pulls them. */
export type QueueRoute = {
  readonly name: string
  readonly type: MessageType
  /** Takes what comes from pools that no other queue of the type is tied to. */
  readonly isDefault: boolean
  /** Off: nothing new is put in; what is in can still be pulled. */
  readonly enabled: boolean
  readonly poolKeys: readonly PoolKey[]
  readonly visibilitySeconds: number
  readonly retentionSeconds: number
  readonly createdAt: Date
}

export type QueueSettings = {
  readonly enabled?: boolean | undefined
  readonly visibilitySeconds?: number | undefined
  readonly retentionSeconds?: number | undefined
}

export type NewQueue = QueueSettings & {
  readonly accountId: AccountId
  readonly type: MessageType
  /** Undefined: the default queue of the type. */
  readonly suffix: string | undefined
  readonly poolKeys: readonly PoolKey[]
}

type Ref = { readonly accountId: AccountId; readonly name: string }
type QueueFilter = {
  readonly accountId: AccountId
  readonly type?: MessageType | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Changes hold for whatever is made into receipts after they have resolved. */
export type QueueRoutes = {
  /** The name is `Alicom-Queue-<account>-<type>`, and `-<suffix>` for one that is tied to pools. */
  create(queue: NewQueue): Promise<QueueRoute>
  get(ref: Ref): Promise<QueueRoute>
  /** By name. */
  list(filter: QueueFilter): Promise<{ items: QueueRoute[]; nextCursor: string | undefined }>
  /** `poolKeys` takes the place of all that there were. */
  change(
    ref: Ref,
    change: QueueSettings & { poolKeys?: readonly PoolKey[] | undefined },
  ): Promise<QueueRoute>
  /** One that holds messages is deleted only with `discard`. */
  remove(ref: Ref, options: { discard: boolean }): Promise<void>
}

export function createQueueRoutes({ sql }: { sql: Sql }): QueueRoutes {
  async function get({ accountId, name }: Ref): Promise<QueueRoute> {
    const [row] = await sql.rows<QueueRow>({
      name: 'queue-routes.get',
      text: `select ${columns} from receipt_queue q where q.name = $1 and q.account_id = $2`,
      values: [name, accountId],
    })
    if (row === undefined) throw queueUnknown()
    return routeFrom(row)
  }

  return {
    async create(queue) {
      const { accountId, type, suffix, poolKeys } = queue
      if (suffix === undefined && poolKeys.length > 0) throw defaultHasNoPools()
      const base = `Alicom-Queue-${accountId}-${type}`
      const name = suffix === undefined ? base : `${base}-${suffix}`
      await sql.transaction(async (session) => {
        if (suffix !== undefined) await needRoom(session, queue)
        await insertQueue(session, { ...queue, name }).catch((err: unknown) => {
          throw violatedConstraint(err) === undefined ? err : queueTaken()
        })
        await tie(session, { accountId, name, type }, poolKeys)
      })
      return get({ accountId, name })
    },

    get,

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<QueueRow>({
        name: 'queue-routes.list',
        text: `
          select ${columns} from receipt_queue q
           where q.account_id = $1 and ($2::text is null or q.message_type = $2)
             and ($3::text is null or q.name > $3)
           order by q.name limit $4`,
        values: [filter.accountId, filter.type, placeIn(filter.cursor, namePattern), limit + 1],
      })
      return pageFrom(rows, limit, { item: routeFrom, place: ({ name }) => name })
    },

    async change(ref, { poolKeys, ...settings }) {
      await sql.transaction(async (session) => {
        const queue = await changeQueue(session, ref, settings)
        if (queue === undefined) throw queueUnknown()
        if (poolKeys === undefined) return
        if (queue.isDefault && poolKeys.length > 0) throw defaultHasNoPools()
        await tie(session, { ...ref, type: queue.type }, poolKeys)
      })
      return get(ref)
    },

    async remove(ref, { discard }) {
      await get(ref)
      if (discard) await empty(sql, ref)
      await sql.transaction((session) => removeQueue(session, ref, discard))
    },
  }
}

const namePattern = /^[0-9A-Za-z-]{1,120}$/

const columns = `
  q.name, q.message_type, q.is_default, q.enabled, q.visibility_seconds, q.retention_seconds,
  q.created_at,
  (select coalesce(array_agg(p.pool_key order by p.pool_key), '{}') from receipt_queue_pool p
    where p.queue_name = q.name) as pool_keys`

type QueueRow = {
  readonly name: string
  readonly message_type: string
  readonly is_default: boolean
  readonly enabled: boolean
  readonly visibility_seconds: number
  readonly retention_seconds: number
  readonly created_at: Date
  readonly pool_keys: readonly string[]
}

function routeFrom(row: QueueRow): QueueRoute {
  return {
    name: row.name,
    type: row.message_type as MessageType,
    isDefault: row.is_default,
    enabled: row.enabled,
    poolKeys: row.pool_keys as readonly PoolKey[],
    visibilitySeconds: row.visibility_seconds,
    retentionSeconds: row.retention_seconds,
    createdAt: row.created_at,
  }
}

/** One after the other adds queues to an account, so that they can be counted. */
async function needRoom(session: Sql, { accountId, type }: NewQueue): Promise<void> {
  await session.rows({
    name: 'queue-routes.lock-account',
    text: 'select 1 from account where id = $1 for no key update',
    values: [accountId],
  })
  const [row] = await session.rows<{ queues: number }>({
    name: 'queue-routes.count',
    text: `
      select count(*)::int as queues from receipt_queue
       where account_id = $1 and message_type = $2 and not is_default`,
    values: [accountId, type],
  })
  if ((row?.queues ?? 0) >= extraQueuesMax) throw queuesTooMany()
}

async function insertQueue(session: Sql, queue: NewQueue & { name: string }): Promise<void> {
  await session.rows({
    name: 'queue-routes.insert',
    text: `
      insert into receipt_queue (name, account_id, message_type, is_default, enabled,
                                 visibility_seconds, retention_seconds)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      ...[queue.name, queue.accountId, queue.type, queue.suffix === undefined],
      ...[queue.enabled ?? true, queue.visibilitySeconds ?? 30],
      queue.retentionSeconds ?? 259_200,
    ],
  })
}

async function changeQueue(session: Sql, ref: Ref, change: QueueSettings) {
  const [row] = await session.rows<{ message_type: string; is_default: boolean }>({
    name: 'queue-routes.change',
    text: `
      update receipt_queue
         set enabled = coalesce($3, enabled),
             visibility_seconds = coalesce($4, visibility_seconds),
             retention_seconds = coalesce($5, retention_seconds)
       where name = $1 and account_id = $2
      returning message_type, is_default`,
    values: [
      ...[ref.name, ref.accountId, change.enabled],
      ...[change.visibilitySeconds, change.retentionSeconds],
    ],
  })
  if (row === undefined) return undefined
  return { type: row.message_type as MessageType, isDefault: row.is_default }
}

/** The pools of a queue, instead of those that there were. */
async function tie(
  session: Sql,
  { accountId, name, type }: Ref & { type: MessageType },
  poolKeys: readonly PoolKey[],
): Promise<void> {
  const wanted = [...new Set(poolKeys)].sort()
  await session.rows({
    name: 'queue-routes.untie',
    text: 'delete from receipt_queue_pool where queue_name = $1 and pool_key <> all ($2)',
    values: [name, wanted],
  })
  if (wanted.length === 0) return
  const [own] = await session.rows<{ pools: number }>({
    name: 'queue-routes.own-pools',
    text: 'select count(*)::int as pools from pool where key = any ($1) and account_id = $2',
    values: [wanted, accountId],
  })
  if (own?.pools !== wanted.length) throw poolUnknown()
  const tied = await session.rows<{ pool_key: string; queue_name: string }>({
    name: 'queue-routes.tie',
    text: `
      insert into receipt_queue_pool as t (message_type, pool_key, queue_name)
      select $2, key, $1 from unnest($3::text[]) as key order by key
      on conflict (message_type, pool_key) do update set queue_name = t.queue_name
      returning pool_key, queue_name`,
    values: [name, type, wanted],
  })
  const elsewhere = tied.find((each) => each.queue_name !== name)
  if (elsewhere !== undefined) throw poolTied(elsewhere.pool_key)
}

/** A statement has to end within seconds. */
const deletedAtOnce = 5_000

async function empty(sql: Sql, ref: Ref): Promise<void> {
  let deleted = deletedAtOnce
  while (deleted === deletedAtOnce) {
    const [row] = await sql.rows<{ deleted: number }>({
      name: 'queue-routes.empty',
      text: `
        with gone as (
          delete from receipt_in_queue
           where (queue_name, receipt_id) in (
             select m.queue_name, m.receipt_id
               from receipt_in_queue m join receipt_queue q on q.name = m.queue_name
              where m.queue_name = $1 and q.account_id = $2
              order by m.receipt_id limit ${deletedAtOnce})
          returning 1
        )
        select count(*)::int as deleted from gone`,
      values: [ref.name, ref.accountId],
    })
    deleted = row?.deleted ?? 0
  }
}

/** With the lock nothing is put in any more: whoever is about to waits, and then routes anew. */
async function removeQueue(session: Sql, ref: Ref, discard: boolean): Promise<void> {
  const locked = await session.rows({
    name: 'queue-routes.lock',
    text: 'select 1 from receipt_queue where name = $1 and account_id = $2 for update',
    values: [ref.name, ref.accountId],
  })
  if (locked.length === 0) throw queueUnknown()
  const waiting = await session.rows({
    name: 'queue-routes.waiting',
    text: 'select 1 from receipt_in_queue where queue_name = $1 limit 1',
    values: [ref.name],
  })
  if (waiting.length > 0 && !discard) throw stillWaiting('The queue')
  await session.rows({
    name: 'queue-routes.remove',
    text: 'delete from receipt_queue where name = $1',
    values: [ref.name],
  })
}
