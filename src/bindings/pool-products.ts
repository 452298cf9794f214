import type { Product } from '../domain/call.ts'
import type { Sql } from '../platform/sql.ts'

/** More pools than an account has; beyond it the oldest are asked for again. */
const keptMax = 10_000

/**
 * Of which product a pool is, and undefined when this account has no such pool. Neither that nor
 * its account ever changes and pools are not removed, so what is known stays known.
 */
export function createPoolProducts(sql: Sql) {
  const known = new Map<string, { accountId: string; product: Product }>()

  return async (accountId: string, poolKey: string): Promise<Product | undefined> => {
    const held = known.get(poolKey)
    if (held !== undefined) return held.accountId === accountId ? held.product : undefined
    const [row] = await sql.rows<{ account_id: string; product: string }>({
      name: 'bindings.product-of-pool',
      text: 'select account_id, product from pool where key = $1',
      values: [poolKey],
    })
    if (row === undefined) return undefined
    const [oldest] = known.keys()
    if (known.size >= keptMax && oldest !== undefined) known.delete(oldest)
    const product = row.product as Product
    known.set(poolKey, { accountId: row.account_id, product })
    return row.account_id === accountId ? product : undefined
  }
}
