import { createHash } from 'node:crypto'
import type { Product } from '../domain/call.ts'
import { type AccountId, type PoolKey, parsePoolKey } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Tones } from '../domain/tones.ts'
import { pageFrom, pageLimit, placeBy } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Page } from './number.ts'
import type { ChangePool, CreatePool, Pool, PoolFilter, PoolUsage } from './pool.ts'
import { createPoolRefresh } from './pool-refresh.ts'
import { checkNewPool, checkPool } from './pool-rules.ts'
import { createPoolUsage } from './pool-usage.ts'
import { keyReused, poolUnknown } from './refusals.ts'

export type Pools = {
  create(pool: CreatePool): Promise<Pool>
  get(accountId: AccountId, key: PoolKey): Promise<Pool>
  /** When it resolves, the next call to any X of the pool goes by it. */
  change(accountId: AccountId, key: PoolKey, change: ChangePool): Promise<Pool>
  list(filter: PoolFilter): Promise<Page<Pool>>
  /** How many pools of each product there are; products without one are left out. */
  countByProduct(accountId: AccountId): Promise<ReadonlyMap<Product, number>>
}

type PoolRow = {
  readonly key: string
  readonly account_id: string
  readonly name: string
  readonly product: string
  readonly assignment_mode: string
  readonly callback_mode: string
  readonly sms_mode: string
  readonly tones: Tones
  readonly recording: boolean
  readonly ring_seconds_max: number
  readonly talk_seconds_max: number
  readonly alarm_percent: number | null
  readonly cooling_days: number
  readonly control_url: string | null
  readonly group_count: number
  readonly blocked_callers: number
  readonly blocked_pairs: number
  readonly created_at: Date
}

const columns = `
  p.key, p.account_id, p.name, p.product, p.assignment_mode, p.callback_mode, p.sms_mode, p.tones,
  p.recording, p.ring_seconds_max, p.talk_seconds_max, p.alarm_percent, p.cooling_days,
  p.control_url, p.group_count, p.blocked_callers, p.blocked_pairs, p.created_at`

export function createPools(deps: {
  sql: Sql
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
  /** For pools that do not say. */
  defaults?: { readonly ringSecondsMax: number; readonly talkSecondsMax: number }
  /** Whether a control URL may lead into this network. */
  privateHosts?: boolean
}): Pools {
  const { sql } = deps
  const refresh = createPoolRefresh(deps)
  const defaults = deps.defaults ?? { ringSecondsMax: 60, talkSecondsMax: 14_400 }
  const options = { privateHosts: deps.privateHosts ?? false }
  const usageOf = createPoolUsage({ sql })

  async function get(accountId: AccountId, key: PoolKey): Promise<Pool> {
    const [row] = await sql.rows<PoolRow>({
      name: 'pools.get',
      text: `select ${columns} from pool p where p.key = $1 and p.account_id = $2`,
      values: [key, accountId],
    })
    if (row === undefined) throw poolUnknown()
    return poolFrom(row, (await usageOf([key]))(key))
  }

  return {
    async create(pool) {
      checkNewPool(pool, options)
      // Of what was said: the defaults may be others when it is said again.
      const requestHash = hashOf(pool)
      const key = await insertOnce(sql, { ...defaults, ...given(pool) }, requestHash)
      return get(pool.accountId, key)
    },

    get,

    async change(accountId, key, change) {
      const { product } = await get(accountId, key)
      checkPool(product, change, options)
      const [row] = await sql.rows<PoolRow & { generation: string | null }>(
        changeQuery(accountId, key, change),
      )
      if (row === undefined) throw poolUnknown()
      // Also when nothing is new: somebody may have said the same and died before calls saw it.
      if (row.generation === null) await refresh.settle(key)
      else await refresh.run(key, row.generation)
      return poolFrom(row, (await usageOf([key]))(key))
    },

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<PoolRow>(listQuery(filter, limit))
      const usage = await usageOf(rows.slice(0, limit).map(({ key }) => key as PoolKey))
      const item = (row: PoolRow) => poolFrom(row, usage(row.key as PoolKey))
      return pageFrom(rows, limit, { item, place: ({ key }) => key })
    },

    async countByProduct(accountId) {
      const rows = await sql.rows<{ product: string; pools: number }>({
        name: 'pools.count-by-product',
        text: 'select product, count(*)::int as pools from pool where account_id = $1 group by product',
        values: [accountId],
      })
      return new Map(rows.map(({ product, pools }) => [product as Product, pools]))
    },
  }
}

/** Two requests with one key at the same time: the constraint lets one through, the other finds its pool. */
async function insertOnce(sql: Sql, pool: CreatePool, requestHash: string): Promise<PoolKey> {
  const [row] = await sql.rows<{ key: string }>(insertQuery(pool, requestHash))
  if (row !== undefined) return row.key as PoolKey
  const [made] = await sql.rows<{ key: string; request_hash: string }>({
    name: 'pools.find-by-key',
    text: 'select key, request_hash from pool where account_id = $1 and idempotency_key = $2',
    values: [pool.accountId, pool.idempotencyKey],
  })
  if (made === undefined) throw new Error('a pool has gone')
  if (made.request_hash !== requestHash) throw keyReused()
  return made.key as PoolKey
}

function hashOf({ accountId: _, idempotencyKey: _key, ...pool }: CreatePool): string {
  const asked = Object.entries(given(pool)).sort(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url')
}

/** Without what is undefined, so that it does not cover a default. */
function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}

/** Makes none when the idempotency key was used. */
function insertQuery(pool: CreatePool, requestHash: string): Query {
  return {
    name: 'pools.create',
    text: `
      insert into pool as p (account_id, name, product, assignment_mode, callback_mode, sms_mode,
                             tones, recording, ring_seconds_max, talk_seconds_max, alarm_percent,
                             cooling_days, control_url, idempotency_key, request_hash)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
      on conflict on constraint pool_key_once do nothing
      returning key`,
    values: [
      pool.accountId,
      pool.name,
      pool.product,
      pool.assignmentMode ?? 'default',
      pool.callbackMode ?? 'default-b',
      pool.smsMode ?? 'off',
      JSON.stringify(pool.tones ?? {}),
      pool.recording ?? false,
      pool.ringSecondsMax,
      pool.talkSecondsMax,
      pool.alarmPercent === 'none' ? undefined : pool.alarmPercent,
      pool.coolingDays ?? 0,
      pool.controlUrl,
      pool.idempotencyKey,
      requestHash,
    ],
  }
}

/** `generation` not null: calls see something of it, and the pool's numbers are to be told. */
function changeQuery(accountId: AccountId, key: PoolKey, change: ChangePool): Query {
  return {
    name: 'pools.change',
    text: `
      with before as materialized (
        select p.key, pool_settings(p)::text as settings from pool p
         where p.key = $1 and p.account_id = $2 for no key update
      ), p as (
        update pool
           set name = coalesce($3, name),
               assignment_mode = coalesce($4, assignment_mode),
               callback_mode = coalesce($5, callback_mode),
               sms_mode = coalesce($6, sms_mode),
               tones = coalesce($7::jsonb, tones),
               recording = coalesce($8::boolean, recording),
               ring_seconds_max = coalesce($9::integer, ring_seconds_max),
               talk_seconds_max = coalesce($10::integer, talk_seconds_max),
               alarm_percent = case when $11::boolean then $12::smallint else alarm_percent end,
               cooling_days = coalesce($13::smallint, cooling_days),
               control_url = coalesce($14, control_url)
          from before
         where pool.key = before.key
        returning pool.*, pool_settings(pool)::text as settings, before.settings as settings_before
      ), queued as (
        insert into pool_refresh (pool_key) select key from p where settings <> settings_before
        on conflict (pool_key) do update
           set next_position = 0, generation = nextval('route_version'),
               touched_at = clock_timestamp()
        returning generation
      )
      select ${columns}, (select generation from queued) as generation from p`,
    values: [
      key,
      accountId,
      change.name,
      change.assignmentMode,
      change.callbackMode,
      change.smsMode,
      change.tones === undefined ? undefined : JSON.stringify(change.tones),
      change.recording,
      change.ringSecondsMax,
      change.talkSecondsMax,
      change.alarmPercent !== undefined,
      change.alarmPercent === 'none' ? undefined : change.alarmPercent,
      change.coolingDays,
      change.controlUrl,
    ],
  }
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(filter: PoolFilter, limit: number): Query {
  const values: unknown[] = [filter.accountId, limit + 1]
  const conditions = ['p.account_id = $1']
  let name = 'pools.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  const oldest = filter.order === 'oldest'
  const after = placeBy(filter.cursor, parsePoolKey)
  add('product', filter.product, (at) => `p.product = ${at}`)
  add(
    'search',
    filter.search,
    (at) => `(p.key = upper(${at}) or strpos(lower(p.name), lower(${at})) > 0)`,
  )
  add('after', after, (at) => `p.key ${oldest ? '>' : '<'} ${at}`)
  return {
    name: oldest ? `${name}-oldest` : name,
    text: `
      select ${columns} from pool p
       where ${conditions.join(' and ')}
       order by p.key ${oldest ? 'asc' : 'desc'} limit $2`,
    values,
  }
}

function poolFrom(row: PoolRow, usage: PoolUsage): Pool {
  return {
    key: row.key as PoolKey,
    accountId: row.account_id as AccountId,
    name: row.name,
    product: row.product as Product,
    assignmentMode: row.assignment_mode as Pool['assignmentMode'],
    callbackMode: row.callback_mode as Pool['callbackMode'],
    smsMode: row.sms_mode as Pool['smsMode'],
    tones: row.tones,
    recording: row.recording,
    ringSecondsMax: row.ring_seconds_max,
    talkSecondsMax: row.talk_seconds_max,
    alarmPercent: row.alarm_percent ?? undefined,
    coolingDays: row.cooling_days,
    controlUrl: row.control_url ?? undefined,
    groups: row.group_count,
    blockedCallers: row.blocked_callers,
    blockedPairs: row.blocked_pairs,
    usage,
    createdAt: row.created_at,
  }
}
