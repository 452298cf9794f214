import type { Query, Sql } from '../platform/sql.ts'
import { beginningRange } from './beginning.ts'
import { type Cities, nationwide } from './cities.ts'
import type { NumberClass } from './price-list.ts'
import { cityUnknown } from './purchase-refusals.ts'

export type RemainingFilter = {
  /** Undefined: of classes 1, 2 and 3. */
  readonly class?: NumberClass | undefined
  /** In any usual way to write it, or 全国通用. */
  readonly city?: string | undefined
  /** First digits as they are dialled inside the country. */
  readonly beginning?: string | undefined
}

export type CityStock = {
  readonly city: string
  readonly province: string | undefined
  readonly left: number
  readonly byClass: { readonly [Class in NumberClass]: number }
}

export type Remaining = {
  readonly left: number
  /** Only those where something is left, in the order of the list of cities, 全国通用 first. */
  readonly cities: readonly CityStock[]
}

/** What can be bought at this moment. */
export type StockLeft = {
  remaining(filter: RemainingFilter): Promise<Remaining>
}

export function createStockLeft(deps: {
  sql: Sql
  cities: Pick<Cities, 'list' | 'knownCity' | 'provinceOf'>
}): StockLeft {
  const { sql, cities } = deps
  const places = new Map(cities.list.map(({ name }, at) => [name, at]))

  return {
    async remaining(filter) {
      const city = filter.city === undefined ? undefined : stockCity(filter.city, cities)
      await endRests(sql)
      const rows = await sql.rows<CountRow>(countQuery({ ...filter, city }))
      const found = new Map<string, CityStock>()
      for (const row of rows) {
        const { left, byClass } = found.get(row.city) ?? nothingOf(row.city)
        found.set(row.city, {
          city: row.city,
          province: cities.provinceOf(row.city),
          left: left + row.left,
          byClass: { ...byClass, [row.class]: row.left },
        })
      }
      const listed = [...found.values()].sort(
        (a, b) => (places.get(a.city) ?? -1) - (places.get(b.city) ?? -1),
      )
      return { left: listed.reduce((sum, each) => sum + each.left, 0), cities: listed }
    },
  }
}

/** As stock has it. */
export function stockCity(written: string, cities: Pick<Cities, 'knownCity'>): string {
  const city = written.trim() === nationwide ? nationwide : cities.knownCity(written)
  if (city === undefined) throw cityUnknown()
  return city
}

/** Those that were given back and have rested are to be had again. Few at a time: more come with the next look. */
export async function endRests(sql: Sql): Promise<void> {
  await sql.rows({
    name: 'stock.end-rests',
    text: `
      update stock set state = 'free', rests_until = null, changed_at = now()
       where x in (select x from stock where state = 'returned' and rests_until <= now()
                    order by rests_until limit 1000 for no key update skip locked)`,
    values: [],
  })
}

type CountRow = { readonly class: NumberClass; readonly city: string; readonly left: number }

function nothingOf(city: string): CityStock {
  return { city, province: undefined, left: 0, byClass: { 1: 0, 2: 0, 3: 0 } }
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function countQuery(filter: RemainingFilter): Query {
  const values: unknown[] = []
  const conditions = [`state = 'free'`]
  let name = 'stock.left'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  add('class', filter.class, (at) => `class = ${at}`)
  add('city', filter.city, (at) => `city = ${at}`)
  if (filter.beginning !== undefined) {
    const [from, to] = beginningRange(filter.beginning)
    add('from', from, (at) => `x ~>=~ ${at}`)
    add('to', to, (at) => `x ~<~ ${at}`)
  }
  const text = `
    select class, city, count(*)::int as left from stock
     where ${conditions.join(' and ')} group by class, city`
  return { name, text, values }
}
