import type { Product } from '../../src/domain/call.ts'
import type { PoolKey, VirtualNumber } from '../../src/domain/ids.ts'
import type { Sql } from '../../src/platform/sql.ts'

/** Into the tables without the rooms: for tests that need pools and numbers but are about something else. */
export function straightInto(sql: Sql) {
  let statements = 0
  let pools = 0

  function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    statements += 1
    return sql.rows<Row>({ name: `test.${statements}`, text, values })
  }

  async function aPool(
    numbers: readonly VirtualNumber[] = [],
    given: { product?: Product; account?: string; city?: string } = {},
  ): Promise<PoolKey> {
    pools += 1
    const { product = 'AXB', account = 'main', city } = given
    const [pool] = await rows<{ key: PoolKey }>(
      `insert into pool (account_id, name, product, positions, control_url)
       values ($1, $2, $3, $4, 'https://example.com') returning key`,
      [account, `pool ${pools}`, product, numbers.length],
    )
    if (pool === undefined) throw new Error('insert returned nothing')
    await rows(
      `insert into number (x, x_index, account_id, pool_key, city, position, capacity)
       select each.x, 'index of ' || each.x, $2, $3, $4, each.at, $5
         from unnest($1::text[]) with ordinality as each (x, at)`,
      [numbers, account, pool.key, city, product === 'AXB' ? 200 : 1],
    )
    return pool.key
  }

  async function positionsIn(poolKey: PoolKey): Promise<number[]> {
    const found = await rows<{ position: number }>(
      'select position from number where pool_key = $1 order by position',
      [poolKey],
    )
    return found.map(({ position }) => position)
  }

  return { rows, aPool, positionsIn }
}
