import type { VirtualNumber } from '../domain/ids.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { AddNumbers } from './number.ts'
import type { NumberChangeRow } from './numbers.ts'
import { illegal } from './pages.ts'
import { numberIsParty, numberTaken, poolUnknown } from './refusals.ts'

const numbersMax = 1_000

/** In one transaction: positions are handed out under the row lock of the pool, so they stay dense. */
export async function addNumbers(
  sql: Sql,
  command: AddNumbers,
  indexOf: (x: VirtualNumber) => string,
): Promise<readonly NumberChangeRow[]> {
  const { accountId, poolKey, numbers, city } = command
  if (numbers.length < 1 || numbers.length > numbersMax) {
    throw illegal(`Between 1 and ${numbersMax} X numbers can be added at a time.`)
  }
  if (new Set(numbers).size !== numbers.length) {
    throw illegal('An X number is in the list twice.')
  }
  if (city !== undefined && (city.length < 1 || city.length > 32 || city.includes('\0'))) {
    throw illegal('The name of a city has 1 to 32 characters.')
  }
  const indexes = numbers.map(indexOf)
  try {
    return await sql.transaction(async (session) => {
      const [pool] = await session.rows<{ positions: number; product: string }>({
        name: 'numbers.take-positions',
        text: `
          update pool set positions = positions + $3
           where key = $1 and account_id = $2
          returning positions, product`,
        values: [poolKey, accountId, numbers.length],
      })
      if (pool === undefined) throw poolUnknown()
      if (await anyIsParty(session, indexes)) throw numberIsParty()
      return insertNumbers(session, command, indexes, pool)
    })
  } catch (err) {
    const constraint = violatedConstraint(err)
    if (constraint === 'number_pkey' || constraint === 'number_x_index_key') throw numberTaken()
    throw err
  }
}

async function anyIsParty(sql: Sql, indexes: readonly string[]): Promise<boolean> {
  const rows = await sql.rows({
    name: 'numbers.any-is-party',
    text: 'select 1 from binding_leg where party = any($1) and expires_at > now() limit 1',
    values: [indexes],
  })
  return rows.length > 0
}

function insertNumbers(
  sql: Sql,
  { accountId, poolKey, numbers, city }: AddNumbers,
  indexes: readonly string[],
  pool: { positions: number; product: string },
): Promise<NumberChangeRow[]> {
  return sql.rows<NumberChangeRow>({
    name: 'numbers.insert',
    text: `
      with n as (
        insert into number (x, x_index, account_id, pool_key, city, position)
        select each.x, each.x_index, $3, $4, $5, $6 + each.at
          from unnest($1::text[], $2::text[]) with ordinality as each (x, x_index, at)
        returning *
      ), noted as (
        insert into invalidation (x, version, parties) select x, version, '{}' from n
        returning id, x
      )
      select n.x, n.account_id, n.pool_key, $7::text as product, n.city, n.state, n.bound,
             n.created_at, n.version, noted.id as invalidation_id
        from n join noted on noted.x = n.x
       order by n.position`,
    values: [
      numbers,
      indexes,
      accountId,
      poolKey,
      city,
      pool.positions - numbers.length,
      pool.product,
    ],
  })
}
