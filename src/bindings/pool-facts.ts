import type { Product } from '../domain/call.ts'
import type { Sql } from '../platform/sql.ts'

/** How X is chosen when a bind names none: see `AssignmentMode` of the pools. */
export type AssignmentMode = 'default' | 'strict' | 'smart'

/** What decides how a bind is written. The last two may change, so every statement checks them. */
export type PoolFacts = {
  readonly accountId: string
  readonly product: Product
  readonly mode: AssignmentMode
  readonly cools: boolean
}

/** Where numbers are looked for: those of the city that is wanted, of its provincial capital, or any. */
export type Scope = 'city' | 'capital' | 'pool'

export type Pools = {
  /** As it was when it was last read; undefined: there is no such pool. */
  factsOf(poolKey: string): Promise<PoolFacts | undefined>
  /** As it is now. */
  readFacts(poolKey: string): Promise<PoolFacts | undefined>
  /** Where the last bind that wanted this city found its X. Only a guess for the next. */
  scopeOf(poolKey: string, city: string): Scope | undefined
  noteScope(poolKey: string, city: string, scope: Scope): void
}

/** More pools, or cities in pools, than are in use at a time; beyond it the oldest are found out again. */
const keptMax = 20_000

/** What one process remembers of the pools. A pool is never removed and stays of its product. */
export function createPools(sql: Sql): Pools {
  const facts = new Map<string, PoolFacts>()
  const scopes = new Map<string, Scope>()

  async function readFacts(poolKey: string): Promise<PoolFacts | undefined> {
    const [row] = await sql.rows<{
      account_id: string
      product: string
      assignment_mode: string
      cools: boolean
    }>({
      name: 'bindings.facts-of-pool',
      text: `
        select account_id, product, assignment_mode, cooling_days > 0 as cools
          from pool where key = $1`,
      values: [poolKey],
    })
    if (row === undefined) return undefined
    const read: PoolFacts = {
      accountId: row.account_id,
      product: row.product as Product,
      mode: row.assignment_mode as AssignmentMode,
      cools: row.cools,
    }
    keep(facts, poolKey, read)
    return read
  }

  return {
    factsOf: async (poolKey) => facts.get(poolKey) ?? readFacts(poolKey),
    readFacts,
    scopeOf: (poolKey, city) => scopes.get(`${poolKey} ${city}`),
    noteScope: (poolKey, city, scope) => keep(scopes, `${poolKey} ${city}`, scope),
  }
}

function keep<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  const [oldest] = kept.keys()
  if (kept.size >= keptMax && oldest !== undefined && !kept.has(key)) kept.delete(oldest)
  kept.set(key, value)
}
