import type { Sql } from '../platform/sql.ts'
import type { CallRecordRow } from './call-record-row.ts'

/** What of a call is known from its X alone. */
type Owned = Pick<CallRecordRow, 'account_id' | 'pool_key' | 'product' | 'city'>

type OwnerRow = {
  readonly x: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly city: string | null
  readonly created_at: Date
}

type Owner = { readonly since: Date; readonly owned: Owned }

/** By X. Those that are nobody's are left out. */
export async function findOwners(
  sql: Sql,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, Owner>> {
  if (numbers.length === 0) return new Map()
  const rows = await sql.rows<OwnerRow>({
    name: 'cdr.owners',
    text: `
      select n.x, n.account_id, n.pool_key, p.product, n.city, n.created_at
        from number n join pool p on p.key = n.pool_key
       where n.x = any($1::text[])`,
    values: [[...new Set(numbers)]],
  })
  return new Map(
    rows.map(({ x, created_at: since, city, ...owned }) => [
      x,
      { since, owned: { ...owned, city: city ?? undefined } },
    ]),
  )
}

/**
 * A call that was refused before its X was looked up, as when Redis and Postgres were away, names no
 * account. Its X does, if whoever has it now had it already when the call came in.
 */
export async function withOwners(
  sql: Sql,
  rows: readonly CallRecordRow[],
): Promise<readonly CallRecordRow[]> {
  const unowned = rows.filter((row) => row.account_id === undefined)
  const owners = await findOwners(
    sql,
    unowned.map(({ x }) => x),
  )
  return rows.map((row) => {
    const owner = row.account_id === undefined ? owners.get(row.x) : undefined
    const isOwners = owner !== undefined && +owner.since <= Date.parse(row.call_time)
    return isOwners ? { ...row, ...owner.owned } : row
  })
}
