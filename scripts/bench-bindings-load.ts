import pg from 'pg'
import type { PoolSettings } from '../src/domain/call.ts'
import type { PhoneNumber } from '../src/domain/phone-number.ts'
import type { RouteChange } from '../src/domain/route-change.ts'
import type { Vault } from '../src/platform/vault.ts'
import type { RouteCache } from '../src/resolve/route-cache.ts'
import { built } from './bench-built.ts'
import { aAt, bAt, xAt } from './bench-people.ts'

export type LoadedProduct = 'AXB' | 'AXN' | 'AXN_EXTENSION'

/** Bindings of one X: an AXB X could carry 200; fewer make more keys. */
const perX: Readonly<Record<LoadedProduct, number>> = { AXB: 10, AXN: 1, AXN_EXTENSION: 1000 }
const capacities: Readonly<Record<LoadedProduct, number>> = {
  AXB: 200,
  AXN: 1,
  AXN_EXTENSION: 1000,
}
const bindingsAtOnce = 5_000
const firstId = 1_000_000_000_000_001

export const xOfBinding = (product: LoadedProduct, at: number) =>
  xAt(Math.floor(at / perX[product]))

type Row = {
  readonly id: string
  readonly x: string
  readonly aIndex: string
  readonly aSealed: string
  readonly bIndex: string
  readonly bSealed: string
  readonly extension: string | undefined
}

type Deps = {
  readonly sql: pg.Client
  readonly cache: Pick<RouteCache, 'write'>
  readonly vault: Vault
  readonly numberFrom: (e164: string) => PhoneNumber
  readonly changeWith: typeof import('../src/bindings/published.ts').changeWith
}

/**
 * Makes so many live bindings as a bind would have left them, in Postgres by the thousand and in
 * Redis by the engine's own writer. Foreign keys are not looked at meanwhile: they hold by
 * construction. Indexes grow as they do in life, row by row, in no order.
 */
export async function loadBindings(given: {
  databaseUrl: string
  cache: Pick<RouteCache, 'write'>
  vault: Vault
  product: LoadedProduct
  count: number
}): Promise<void> {
  const { PhoneNumber } = await built.phoneNumber()
  const { changeWith } = await built.published()
  const numberFrom = (e164: string) => {
    const number = PhoneNumber.fromE164(e164)
    if (number === undefined) throw new Error('not E.164')
    return number
  }
  const sql = new pg.Client({ connectionString: given.databaseUrl })
  await sql.connect()
  const deps: Deps = { sql, cache: given.cache, vault: given.vault, numberFrom, changeWith }
  try {
    await sql.query('set session_replication_role = replica')
    await sql.query('set synchronous_commit = off')
    const pool = await createPool(sql, given.product)
    for (let from = 0; from < given.count; from += bindingsAtOnce) {
      const count = Math.min(bindingsAtOnce, given.count - from)
      await loadPart(deps, pool, given.product, { from, count })
    }
    await sql.query('vacuum analyze')
  } finally {
    await sql.end()
  }
}

type Pool = { readonly key: string; readonly settings: PoolSettings }

async function createPool(sql: pg.Client, product: LoadedProduct): Promise<Pool> {
  const { rows } = await sql.query<Pool>(
    `insert into pool as p (account_id, name, product) values ('main', 'bench', $1)
     returning p.key, pool_settings(p) as settings`,
    [product],
  )
  if (rows[0] === undefined) throw new Error('the pool was not made')
  return rows[0]
}

async function loadPart(
  deps: Deps,
  pool: Pool,
  product: LoadedProduct,
  part: { from: number; count: number },
): Promise<void> {
  const expiresAt = new Date(Math.floor(Date.now() / 1000) * 1000 + 24 * 3_600_000)
  const rows = Array.from({ length: part.count }, (_, place) =>
    rowAt(deps, product, part.from + place),
  )
  await Promise.all([
    insertRows(deps, pool, product, rows, { from: part.from, expiresAt }),
    ...changesOf(deps, pool, product, rows, expiresAt).map((change) => deps.cache.write(change)),
  ])
}

function rowAt({ vault, numberFrom }: Deps, product: LoadedProduct, at: number): Row {
  const a = numberFrom(aAt(at))
  const b = numberFrom(bAt(at))
  return {
    id: String(firstId + at),
    x: xOfBinding(product, at),
    aIndex: vault.blindIndex(a),
    aSealed: vault.seal(a),
    bIndex: vault.blindIndex(b),
    bSealed: vault.seal(b),
    extension:
      product === 'AXN_EXTENSION' ? String(at % perX.AXN_EXTENSION).padStart(3, '0') : undefined,
  }
}

async function insertRows(
  { sql, vault, numberFrom }: Deps,
  pool: Pool,
  product: LoadedProduct,
  rows: readonly Row[],
  { from, expiresAt }: { from: number; expiresAt: Date },
): Promise<void> {
  const numbers = [...new Set(rows.map(({ x }) => x))]
  await sql.query(
    `insert into number (x, x_index, account_id, pool_key, capacity, bound, position, version)
     select x, x_index, 'main', $3, $4, $5, $6 + place, 1
       from unnest($1::text[], $2::text[]) with ordinality as each (x, x_index, place)
     on conflict do nothing`,
    [
      numbers,
      numbers.map((x) => vault.blindIndex(numberFrom(x))),
      ...[pool.key, capacities[product], perX[product], Math.floor(from / perX[product])],
    ],
  )
  const column = (name: keyof Row) => rows.map((row) => row[name])
  const columns = (['id', 'x', 'aSealed', 'aIndex', 'bSealed', 'bIndex', 'extension'] as const).map(
    column,
  )
  await sql.query(
    `with given as (
       select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         as each (id, x, a_sealed, a_index, b_sealed, b_index, extension)
     ), bound as (
       insert into binding (id, account_id, pool_key, x, product, a_sealed, a_index, b_sealed,
                            b_index, extension, expires_at)
       select id, 'main', $8, x, $9, a_sealed, a_index, b_sealed, b_index, extension, $10 from given
     )
     insert into binding_leg (x, party, binding_id, role, slot, expires_at)
     select x, a_index, id, 'A',
            case $9 when 'AXB' then null when 'AXN' then '*' else extension end, $10 from given
     union all
     select x, b_index, id, 'B', null, $10 from given where $9 = 'AXB'`,
    [...columns, pool.key, product, expiresAt],
  )
}

/** One change per X, with all that calls see of it. */
function changesOf(
  { changeWith }: Deps,
  pool: Pool,
  product: LoadedProduct,
  rows: readonly Row[],
  expiresAt: Date,
): RouteChange[] {
  const byX = new Map<string, RouteChange>()
  for (const row of rows) {
    const number = {
      ...{ invalidationId: '0', version: '1', accountId: 'main', poolKey: pool.key, x: row.x },
      ...{ product, state: 'normal', city: null, settings: pool.settings },
    }
    const terms = {
      ...{ groupId: undefined, restriction: undefined, outId: undefined, recording: undefined },
      ...{ tones: undefined, ringSecondsMax: undefined, talkSecondsMax: undefined },
    }
    const change = changeWith(number, { ...row, ...terms, product, expiresAt })
    const before = byX.get(row.x)
    const parties = [...(before?.parties ?? []), ...change.parties]
    byX.set(row.x, { ...change, parties })
  }
  return [...byX.values()]
}
