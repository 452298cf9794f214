import { capacityOf, type Product } from '../domain/call.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import { type Cities, nationwide } from './cities.ts'
import type { AddNumbers } from './number.ts'
import type { NumberChangeRow } from './number-rows.ts'
import type { NumberClass } from './price-list.ts'
import { cityUnknown, classUnfit, numberInStock } from './purchase-refusals.ts'
import { illegal, numberIsParty, numberTaken, poolUnknown } from './refusals.ts'
import { isNationwide } from './stock-lines.ts'

const numbersMax = 1_000

type AddDeps = {
  readonly sql: Sql
  readonly cities: Pick<Cities, 'knownCity' | 'provinceOf'>
  readonly indexOf: (x: VirtualNumber) => string
}

/** In one transaction: positions are handed out under the row lock of the pool, so they stay dense. */
export async function addNumbers(
  { sql, cities, indexOf }: AddDeps,
  command: AddNumbers,
): Promise<readonly NumberChangeRow[]> {
  const { accountId, poolKey, numbers } = command
  if (numbers.length < 1 || numbers.length > numbersMax) {
    throw illegal(`Between 1 and ${numbersMax} X numbers can be added at a time.`)
  }
  if (new Set(numbers).size !== numbers.length) {
    throw illegal('An X number is in the list twice.')
  }
  const city = cityOf(command, cities)
  const province = city === undefined ? undefined : cities.provinceOf(city)
  const classes = numbers.map((x) => classOf(x, command.class))
  const indexes = numbers.map(indexOf)
  try {
    return await sql.transaction(async (session) => {
      const [pool] = await session.rows<PoolRow>({
        name: 'numbers.take-positions',
        text: `
          update pool set positions = positions + $3
           where key = $1 and account_id = $2
          returning positions, product`,
        values: [poolKey, accountId, numbers.length],
      })
      if (pool === undefined) throw poolUnknown()
      checkClasses(classes, pool.product, city)
      await checkElsewhere(session, numbers, indexes)
      return insertNumbers(session, { ...command, city, province, classes, indexes, pool })
    })
  } catch (err) {
    const constraint = violatedConstraint(err)
    if (constraint === 'number_pkey' || constraint === 'number_x_index_key') throw numberTaken()
    throw err
  }
}

type PoolRow = { readonly positions: number; readonly product: Product }

function cityOf({ city }: AddNumbers, cities: Pick<Cities, 'knownCity'>): string | undefined {
  if (city === undefined || city === nationwide) return undefined
  const known = cities.knownCity(city)
  if (known === undefined) throw cityUnknown()
  return known
}

function classOf(x: VirtualNumber, asked: NumberClass | undefined): NumberClass {
  if (isNationwide(x)) return 3
  return asked ?? (/^\+8617[01]/.test(x) ? 1 : 2)
}

function checkClasses(
  classes: readonly NumberClass[],
  product: Product,
  city: string | undefined,
): void {
  const fits = classes.every((each) => (each === 3) === (product === '95AXN'))
  if (!fits) throw classUnfit(product)
  if (product === '95AXN' && city !== undefined) throw cityUnknown()
}

/** Neither a party of a live binding nor the operator's to sell. */
async function checkElsewhere(
  sql: Sql,
  numbers: readonly VirtualNumber[],
  indexes: readonly string[],
): Promise<void> {
  const [found] = await sql.rows<{ party: boolean; stock: boolean }>({
    name: 'numbers.elsewhere',
    text: `
      select exists (select 1 from binding_leg
                      where party = any($1) and expires_at > now()) as party,
             exists (select 1 from stock where x = any($2) and state <> 'sold') as stock`,
    values: [indexes, numbers],
  })
  if (found?.party === true) throw numberIsParty()
  if (found?.stock === true) throw numberInStock()
}

type Addition = AddNumbers & {
  readonly province: string | undefined
  readonly classes: readonly NumberClass[]
  readonly indexes: readonly string[]
  readonly pool: PoolRow
}

function insertNumbers(sql: Sql, addition: Addition): Promise<NumberChangeRow[]> {
  const { accountId, poolKey, numbers, indexes, city, province, classes, carrier, pool } = addition
  return sql.rows<NumberChangeRow>({
    name: 'numbers.insert',
    text: `
      with n as (
        insert into number (x, x_index, class, account_id, pool_key, city, province, carrier,
                            position, capacity)
        select each.x, each.x_index, each.class, $4, $5, $6, $7, $8, $9 + each.at, $10
          from unnest($1::text[], $2::text[], $3::smallint[]) with ordinality
            as each (x, x_index, class, at)
        returning *
      ), noted as (
        insert into invalidation (x, version, parties) select x, version, '{}' from n
        returning id, x
      )
      select n.x, n.account_id, n.pool_key, $11::text as product, n.class, n.carrier, n.city,
             n.province, n.state, n.bound, n.capacity, n.certified, n.note, n.rent_li, n.order_id,
             n.created_at, n.version, noted.id as invalidation_id
        from n join noted on noted.x = n.x
       order by n.position`,
    values: [
      numbers,
      indexes,
      classes,
      accountId,
      poolKey,
      city,
      province,
      carrier,
      pool.positions - numbers.length,
      capacityOf(pool.product),
      pool.product,
    ],
  })
}
