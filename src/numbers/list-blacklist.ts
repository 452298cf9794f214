import type { PoolKey } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn, serialPattern } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { BlacklistFilter, BlockedCaller, BlockedPair } from './blacklist-entry.ts'
import type { Page } from './number.ts'

export type CallerRow = {
  readonly id: string
  readonly pool_key: string
  readonly sealed: string
  readonly remark: string | null
  readonly created_at: Date
}

export type PairRow = {
  readonly id: string
  readonly pool_key: string
  readonly first_sealed: string
  readonly second_sealed: string
  readonly way: string
  readonly remark: string | null
  readonly created_at: Date
}

export async function listCallers(
  sql: Sql,
  vault: Vault,
  filter: BlacklistFilter,
): Promise<Page<BlockedCaller>> {
  const list = { name: 'blacklist.callers', table: 'blocked_caller', party: 'b.party = $4' }
  const rows = await sql.rows<CallerRow>(
    listQuery(filter, vault, { ...list, columns: 'b.id, b.pool_key, b.sealed' }),
  )
  return pageOf(rows, filter, (row) => callerFrom(row, vault))
}

export async function listPairs(
  sql: Sql,
  vault: Vault,
  filter: BlacklistFilter,
): Promise<Page<BlockedPair>> {
  const party = '(b.first_party = $4 or b.second_party = $4)'
  const list = { name: 'blacklist.pairs', table: 'blocked_pair', party }
  const rows = await sql.rows<PairRow>(
    listQuery(filter, vault, {
      ...list,
      columns: 'b.id, b.pool_key, b.first_sealed, b.second_sealed, b.way',
    }),
  )
  return pageOf(rows, filter, (row) => pairFrom(row, vault))
}

function listQuery(
  filter: BlacklistFilter,
  vault: Vault,
  list: { name: string; table: string; columns: string; party: string },
): Query {
  const after = placeIn(filter.cursor, serialPattern)
  const party = filter.number === undefined ? undefined : vault.blindIndex(filter.number)
  return {
    name: party === undefined ? list.name : `${list.name}-of`,
    text: `
      select ${list.columns}, b.remark, b.created_at from ${list.table} b
       where b.pool_key = $1 and ($2::bigint is null or b.id < $2)
         ${party === undefined ? '' : `and ${list.party}`}
       order by b.id desc limit $3`,
    values: [
      filter.poolKey,
      after,
      pageLimit(filter.limit) + 1,
      ...(party === undefined ? [] : [party]),
    ],
  }
}

function pageOf<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  filter: BlacklistFilter,
  item: (row: Row) => Item,
): Page<Item> {
  return pageFrom(rows, pageLimit(filter.limit), { item, place: ({ id }) => id })
}

export function callerFrom(row: CallerRow, vault: Vault): BlockedCaller {
  return {
    id: row.id,
    poolKey: row.pool_key as PoolKey,
    number: vault.open(row.sealed),
    remark: row.remark ?? undefined,
    createdAt: row.created_at,
  }
}

export function pairFrom(row: PairRow, vault: Vault): BlockedPair {
  return {
    id: row.id,
    poolKey: row.pool_key as PoolKey,
    first: vault.open(row.first_sealed),
    second: vault.open(row.second_sealed),
    way: row.way as BlockedPair['way'],
    remark: row.remark ?? undefined,
    createdAt: row.created_at,
  }
}
