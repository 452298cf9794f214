import type { Product } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import { type AccountId, type PoolKey, parsePoolKey } from '../domain/ids.ts'
import { areTones, type Tones } from '../domain/tones.ts'
import type { Sql } from '../platform/sql.ts'
import type { CreatePool, Page, Pool, PoolFilter } from './number.ts'
import { cursorFor, illegal, pageLimit, readCursor } from './pages.ts'
import { poolUnknown } from './refusals.ts'

export type Pools = {
  create(pool: CreatePool): Promise<Pool>
  get(accountId: AccountId, key: PoolKey): Promise<Pool>
  /** Newest first. */
  list(filter: PoolFilter): Promise<Page<Pool>>
}

type PoolRow = {
  readonly key: string
  readonly account_id: string
  readonly name: string
  readonly product: string
  readonly tones: Tones
  readonly recording: boolean
  readonly ring_seconds_max: number
  readonly talk_seconds_max: number
  readonly numbers: number
  readonly bound: number
  readonly created_at: Date
}

const columns = `
  p.key, p.account_id, p.name, p.product, p.tones, p.recording, p.ring_seconds_max,
  p.talk_seconds_max, p.created_at`
const counts = `
  (select count(*)::int from number n where n.pool_key = p.key) as numbers,
  (select count(*)::int from number n where n.pool_key = p.key and n.bound > 0) as bound`

export function createPools(deps: {
  sql: Sql
  /** For pools that do not say. */
  defaults?: { readonly ringSecondsMax: number; readonly talkSecondsMax: number }
}): Pools {
  const { sql } = deps
  const defaults = deps.defaults ?? { ringSecondsMax: 60, talkSecondsMax: 14_400 }

  return {
    async create(pool) {
      const fault = faultOf(pool)
      if (fault !== undefined) throw fault
      const [row] = await sql.rows<PoolRow>({
        name: 'pools.create',
        text: `
          insert into pool as p (account_id, name, product, tones, recording,
                                 ring_seconds_max, talk_seconds_max)
          values ($1, $2, $3, $4, $5, $6, $7)
          returning ${columns}, 0 as numbers, 0 as bound`,
        values: [
          pool.accountId,
          pool.name,
          pool.product,
          JSON.stringify(pool.tones ?? {}),
          pool.recording ?? false,
          pool.ringSecondsMax ?? defaults.ringSecondsMax,
          pool.talkSecondsMax ?? defaults.talkSecondsMax,
        ],
      })
      if (row === undefined) throw new Error('insert returned nothing')
      return poolFrom(row)
    },

    async get(accountId, key) {
      const [row] = await sql.rows<PoolRow>({
        name: 'pools.get',
        text: `select ${columns}, ${counts} from pool p where p.key = $1 and p.account_id = $2`,
        values: [key, accountId],
      })
      if (row === undefined) throw poolUnknown()
      return poolFrom(row)
    },

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const after =
        filter.cursor === undefined ? undefined : readCursor(filter.cursor, parsePoolKey)
      const rows = await sql.rows<PoolRow>({
        name: 'pools.list',
        text: `
          select ${columns}, ${counts} from pool p
           where p.account_id = $1 and ($2::text is null or p.key < $2)
           order by p.key desc limit $3`,
        values: [filter.accountId, after, limit + 1],
      })
      const items = rows.slice(0, limit).map((row) => poolFrom(row))
      return { items, nextCursor: cursorFor(rows.length > limit, items.at(-1)?.key) }
    },
  }
}

function faultOf(pool: CreatePool): DomainError | undefined {
  const length = [...pool.name].length
  if (length < 1 || length > 16 || pool.name.includes('\0')) {
    return illegal('The name of a pool has 1 to 16 characters.')
  }
  // The others are in the model, and their rules are not built yet.
  if (pool.product !== 'AXB') {
    return new DomainError('product-not-offered', 422, 'Only pools of product AXB can be made.', {
      vendorCode: 'isv.PRODUCT_UN_SUBSCRIPT',
    })
  }
  if (pool.tones !== undefined && !areTones(pool.tones)) {
    return illegal('The code of a tone has 1 to 32 letters, digits, hyphens or underscores.')
  }
  if (!within(pool.ringSecondsMax, 5, 180)) return illegal('The ring limit is 5 to 180 seconds.')
  if (!within(pool.talkSecondsMax, 60, 86_400)) {
    return illegal('The talk limit is 60 to 86400 seconds.')
  }
  return undefined
}

function within(value: number | undefined, min: number, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max)
}

function poolFrom(row: PoolRow): Pool {
  return {
    key: row.key as PoolKey,
    accountId: row.account_id as AccountId,
    name: row.name,
    product: row.product as Product,
    tones: row.tones,
    recording: row.recording,
    ringSecondsMax: row.ring_seconds_max,
    talkSecondsMax: row.talk_seconds_max,
    numbers: row.numbers,
    bound: row.bound,
    createdAt: row.created_at,
  }
}
