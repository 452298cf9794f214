import type { PoolKey } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { PoolUsage } from './pool.ts'

type UsageRow = {
  readonly key: string
  readonly numbers: number
  readonly bound_numbers: number
  readonly bindings: number
  readonly bindable: number
  readonly capacity: number
}

/**
 * Adding up 100 000 numbers takes some 40 ms. That beats counters that every bind would have to
 * queue for; but a list of many such pools, or a page that is loaded over and over, must not cost
 * it each time: sums of large pools may be this old.
 */
const largeNumbers = 20_000
const keptMs = 5_000
/** As many large pools as one page shows. */
const keptMax = 200

export type ReadPoolUsage = (keys: readonly PoolKey[]) => Promise<(key: PoolKey) => PoolUsage>

export function createPoolUsage({ sql }: { sql: Sql }): ReadPoolUsage {
  const kept = new Map<PoolKey, { readonly usage: PoolUsage; readonly until: number }>()

  function keep(key: PoolKey, usage: PoolUsage, now: number): void {
    if (usage.numbers < largeNumbers) return
    const [oldest] = kept.keys()
    if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest)
    kept.set(key, { usage, until: now + keptMs })
  }

  return async (keys) => {
    const now = performance.now()
    for (const [key, { until }] of kept) if (until <= now) kept.delete(key)
    const known = new Map(
      keys.flatMap((key) => {
        const held = kept.get(key)
        return held === undefined ? [] : [[key, held.usage] as const]
      }),
    )
    const asked = keys.filter((key) => !known.has(key))
    if (asked.length > 0) {
      for (const row of await sumsOf(sql, asked)) {
        const key = row.key as PoolKey
        known.set(key, usageFrom(row))
        keep(key, usageFrom(row), now)
      }
    }
    return (key) => known.get(key) ?? unused
  }
}

function sumsOf(sql: Sql, keys: readonly PoolKey[]): Promise<UsageRow[]> {
  return sql.rows<UsageRow>({
    name: 'pools.usage',
    text: `
      select n.pool_key as key, count(*)::int as numbers,
             (count(*) filter (where n.bound > 0))::int as bound_numbers,
             sum(n.bound)::float8 as bindings,
             coalesce(sum(n.capacity - n.bound) filter (where n.state = 'normal'), 0)::float8
               as bindable,
             sum(n.capacity)::float8 as capacity
        from number n where n.pool_key = any($1::text[])
       group by n.pool_key`,
    values: [keys],
  })
}

const unused: PoolUsage = {
  numbers: 0,
  boundNumbers: 0,
  bindings: 0,
  bindable: 0,
  utilisation: 0,
}

function usageFrom(row: UsageRow): PoolUsage {
  return {
    numbers: row.numbers,
    boundNumbers: row.bound_numbers,
    bindings: row.bindings,
    bindable: row.bindable,
    utilisation: row.capacity === 0 ? 0 : Math.round((row.bindings / row.capacity) * 10_000) / 100,
  }
}
