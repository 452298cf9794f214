import { parseVirtualNumber, type VirtualNumber } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeBy } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { beginningRange } from './beginning.ts'
import type { Cities } from './cities.ts'
import { importStock } from './import-stock.ts'
import type { Page } from './number.ts'
import { stockSold, stockUnknown } from './purchase-refusals.ts'
import type {
  Carrier,
  ImportResult,
  StockCount,
  StockFilter,
  StockNumber,
  StockState,
} from './stock.ts'
import { virtualIndexOf } from './virtual-index.ts'

/** What the operator of the installation has to give out. */
export type Inventory = {
  /** CSV with the columns number, class, city, carrier. `firstLine`: number of the first line after the header. */
  importCsv(
    csv: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
    firstLine?: number,
  ): Promise<ImportResult>
  list(filter: StockFilter): Promise<Page<StockNumber>>
  counts(): Promise<readonly StockCount[]>
  /** Takes it out of stock, so that nobody can buy it. Not when it is somebody's. */
  remove(x: VirtualNumber): Promise<void>
  /** Ends the rest of one that was given back, or puts a withdrawn one on sale again. */
  restore(x: VirtualNumber): Promise<StockNumber>
}

export type StockRow = {
  readonly x: string
  readonly class: number
  readonly city: string
  readonly province: string | null
  readonly carrier: number | null
  readonly state: string
  readonly rests_until: Date | null
  readonly added_at: Date
}

const columns = 's.x, s.class, s.city, s.province, s.carrier, s.state, s.rests_until, s.added_at'

export function createInventory(deps: {
  sql: Sql
  vault: Pick<Vault, 'blindIndex'>
  cities: Pick<Cities, 'knownCity' | 'provinceOf'>
  parser: { virtual(text: string): VirtualNumber | undefined }
}): Inventory {
  const { sql, cities } = deps
  const virtual = (text: string) => deps.parser.virtual(text)
  const indexOf = (x: VirtualNumber) => virtualIndexOf(deps.vault, x)

  async function stateOf(x: VirtualNumber): Promise<string | undefined> {
    const [row] = await sql.rows<{ state: string }>({
      name: 'stock.state',
      text: 'select state from stock where x = $1',
      values: [x],
    })
    return row?.state
  }

  return {
    importCsv: (csv, firstLine) => importStock({ sql, cities, virtual, indexOf }, csv, firstLine),

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const city =
        filter.city === undefined ? undefined : (cities.knownCity(filter.city) ?? filter.city)
      const rows = await sql.rows<StockRow>(listQuery({ ...filter, city }, limit))
      return pageFrom(rows, limit, { item: stockFrom, place: ({ x }) => x })
    },

    counts: () => sql.rows<StockCount>(countsQuery).then((rows) => rows.map(countFrom)),

    async remove(x) {
      const gone = await sql.rows({
        name: 'stock.remove',
        text: `delete from stock where x = $1 and state <> 'sold' returning 1`,
        values: [x],
      })
      if (gone.length > 0) return
      throw (await stateOf(x)) === undefined ? stockUnknown() : stockSold()
    },

    async restore(x) {
      const [row] = await sql.rows<StockRow>({
        name: 'stock.restore',
        text: `
          update stock s set state = 'free', rests_until = null, changed_at = now()
           where s.x = $1 and s.state <> 'sold'
          returning ${columns}`,
        values: [x],
      })
      if (row !== undefined) return stockFrom(row)
      throw (await stateOf(x)) === undefined ? stockUnknown() : stockSold()
    },
  }
}

const countsQuery: Query = {
  name: 'stock.counts',
  text: `
    select class, city, min(province) as province,
           count(*) filter (where state = 'free')::int as free,
           count(*) filter (where state = 'sold')::int as sold,
           count(*) filter (where state = 'returned')::int as returned,
           count(*) filter (where state = 'withdrawn')::int as withdrawn
      from stock group by class, city order by class, city`,
  values: [],
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(filter: StockFilter, limit: number): Query {
  const values: unknown[] = [limit + 1]
  const conditions = ['true']
  let name = 'stock.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  const after = placeBy(filter.cursor, parseVirtualNumber)
  add('class', filter.class, (at) => `s.class = ${at}`)
  add('city', filter.city, (at) => `s.city = ${at}`)
  add('carrier', filter.carrier, (at) => `s.carrier = ${at}`)
  add('state', filter.state, (at) => `s.state = ${at}`)
  if (filter.beginning !== undefined) {
    const [from, to] = beginningRange(filter.beginning)
    add('from', from, (at) => `s.x ~>=~ ${at}`)
    add('to', to, (at) => `s.x ~<~ ${at}`)
  }
  add('after', after, (at) => `s.x > ${at}`)
  const text = `
    select ${columns} from stock s where ${conditions.join(' and ')} order by s.x limit $1`
  return { name, text, values }
}

function stockFrom(row: StockRow): StockNumber {
  return {
    x: row.x as VirtualNumber,
    class: row.class as StockNumber['class'],
    city: row.city,
    province: row.province ?? undefined,
    carrier: (row.carrier as Carrier | null) ?? undefined,
    state: row.state as StockState,
    restsUntil: row.rests_until ?? undefined,
    addedAt: row.added_at,
  }
}

function countFrom(row: StockCount): StockCount {
  return { ...row, province: row.province ?? undefined }
}
