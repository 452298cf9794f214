import { parseVirtualNumber } from '../domain/ids.ts'
import { placeBy } from '../platform/pages.ts'
import type { Query } from '../platform/sql.ts'
import { beginningRange } from './beginning.ts'
import type { NumberChoice, NumberFilter } from './number.ts'
import { type NumberRow, numberColumns } from './number-rows.ts'

/** `created_text`: the time of purchase as exact as Postgres has it, for the cursor. */
export type ListedRow = NumberRow & { readonly created_text: string }

/** The last row of a page, as the text of its cursor. */
export function cursorText(row: ListedRow, filter: NumberFilter): string {
  return filter.sort === 'createdAt' ? `${row.created_text} ${row.x}` : row.x
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
export function numbersQuery(filter: NumberFilter, limit: number): Query {
  const { name, conditions, values, add } = conditionsOf(filter)
  const [beyond, direction] = filter.order === 'descending' ? ['<', 'desc'] : ['>', 'asc']
  const byTime = filter.sort === 'createdAt'
  if (byTime) {
    const after = placeBy(filter.cursor, parseTimeAndX)
    if (after !== undefined) {
      const [time, x] = [add(after.time), add(after.x)]
      conditions.push(`(n.created_at, n.x) ${beyond} (${time}::timestamptz, ${x})`)
    }
  } else {
    const after = placeBy(filter.cursor, parseVirtualNumber)
    if (after !== undefined) conditions.push(`n.x ${beyond} ${add(after)}`)
  }
  const order = byTime ? `n.created_at ${direction}, n.x ${direction}` : `n.x ${direction}`
  const after = filter.cursor === undefined ? '' : '-after'
  return {
    name: `numbers.list-${byTime ? 'time-' : ''}${direction}${after}${name}`,
    text: `
      select ${numberColumns}, n.created_at::text as created_text
        from number n join pool p on p.key = n.pool_key
       where ${conditions.join(' and ')}
       order by ${order} limit ${add(limit + 1)}`,
    values,
  }
}

export function totalsQuery(choice: NumberChoice): Query {
  const { name, conditions, values } = conditionsOf(choice)
  return {
    name: `numbers.totals${name}`,
    text: `
      select count(*)::int as numbers, (count(*) filter (where n.bound > 0))::int as bound,
             coalesce(sum(n.bound), 0)::int as bindings,
             coalesce(sum(n.capacity - n.bound) filter (where n.state = 'normal'), 0)::int
               as more_bindings
        from number n join pool p on p.key = n.pool_key
       where ${conditions.join(' and ')}`,
    values,
  }
}

function conditionsOf(choice: NumberChoice) {
  const values: unknown[] = []
  const conditions: string[] = []
  let name = ''
  const add = (value: unknown) => `$${values.push(value)}`
  const where = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    conditions.push(condition(add(value)))
    name += `-${tag}`
  }
  where('', choice.accountId, (at) => `n.account_id = ${at}`)
  where('pool', choice.poolKey, (at) => `n.pool_key = ${at}`)
  where('product', choice.product, (at) => `p.product = ${at}`)
  where('city', choice.city, (at) => `n.city = ${at}`)
  where('class', choice.class, (at) => `n.class = ${at}`)
  where('state', choice.state, (at) => `n.state = ${at}`)
  where('bound', choice.bound, (at) => `(n.bound > 0) = ${at}::boolean`)
  where('certified', choice.certified, (at) => `n.certified = ${at}`)
  if (choice.beginning !== undefined) {
    const [from, to] = beginningRange(choice.beginning)
    where('from', from, (at) => `n.x ~>=~ ${at}`)
    where('to', to, (at) => `n.x ~<~ ${at}`)
  }
  return { name, conditions, values, add }
}

function parseTimeAndX(text: string): { time: string; x: string } | undefined {
  const [, date = '', time = '', x = ''] =
    /^(\d{4}-\d\d-\d\d)( (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?[+-](?:0\d|1[0-5])(?::[0-5]\d)?) (\+\d{5,15})$/.exec(
      text,
    ) ?? []
  return isDate(date) ? { time: `${date}${time}`, x } : undefined
}

/** JavaScript would take the 31st of February for the 2nd of March. */
function isDate(text: string): boolean {
  const day = new Date(text)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
