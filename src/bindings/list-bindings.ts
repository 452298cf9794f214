import { pageLimit, placeIn } from '../platform/pages.ts'
import type { Query } from '../platform/sql.ts'
import type { BindingFilter } from './binding.ts'
import { type BindingRow, bindingColumns } from './binding-rows.ts'

/** Numbers as they are found: by blind index. */
export type SearchedParties = { readonly party: string | undefined; readonly a: string | undefined }

type Sort = NonNullable<BindingFilter['sort']>

/** Where the next page begins: behind this row. */
export function placeAfter(sort: Sort | undefined, row: BindingRow): string {
  return sort === 'expires'
    ? `e${Math.floor(row.expires_at.getTime() / 1000)}.${row.id}`
    : `b${row.id}`
}

const orders: Readonly<Record<Sort, string>> = {
  newest: 'b.id desc',
  oldest: 'b.id',
  expires: 'b.expires_at, b.id',
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
export function listQuery(filter: BindingFilter, parties: SearchedParties, now: Date): Query {
  const sort = filter.sort ?? 'newest'
  const values: unknown[] = [filter.accountId, pageLimit(filter.limit) + 1]
  const conditions = ['b.account_id = $1']
  let name = `bindings.list-${sort}`
  const add = (tag: string, given: unknown, condition: (...at: string[]) => string) => {
    if (given === undefined) return
    const several = Array.isArray(given) ? given : [given]
    conditions.push(condition(...several.map((value) => `$${values.push(value)}`)))
    name += `-${tag}`
  }
  add('pool', filter.poolKey, (at) => `b.pool_key = ${at}`)
  add('product', filter.product, (at) => `b.product = ${at}`)
  add('x', filter.x, (at) => `b.x = ${at}`)
  add('a', parties.a, (at) => `b.a_index = ${at}`)
  add('out', filter.outId, (at) => `b.out_id = ${at}`)
  add('group', filter.groupId, (at) => `b.group_id = ${at}`)
  add('extension', filter.extension, (at) => `b.extension = ${at}`)
  const state = sort === 'expires' ? 'live' : filter.state
  if (state === 'unbound') {
    conditions.push(`b.end_reason = 'unbound'`)
    name += '-unbound'
  } else if (state !== undefined) {
    add(state, now, (at) => stateCondition(state, at))
  }
  add('after', placeBehind(sort, filter.cursor), (id, seconds) => behind(sort, id ?? '', seconds))
  const order = orders[sort]
  if (parties.party === undefined) {
    return { name, text: selecting(conditions, order), values }
  }
  values.push(parties.party)
  const text = byEither(conditions, order, `$${values.length}`)
  return { name: `${name}-party`, text, values }
}

function stateCondition(state: 'live' | 'expired', now: string): string {
  return state === 'live'
    ? `b.ended_at is null and b.expires_at > ${now}`
    : `b.end_reason is distinct from 'unbound' and b.expires_at <= ${now}`
}

/** Id, and for an order by expiry its seconds. */
function placeBehind(sort: Sort, cursor: string | undefined): readonly string[] | undefined {
  const pattern = sort === 'expires' ? /^e\d{1,12}\.[1-9]\d{0,15}$/ : /^b[1-9]\d{0,15}$/
  const place = placeIn(cursor, pattern)?.slice(1)
  if (place === undefined) return undefined
  const [seconds, id] = place.split('.')
  return id === undefined ? [place] : [id, seconds ?? '']
}

function behind(sort: Sort, id: string, seconds: string | undefined): string {
  if (sort === 'newest') return `b.id < ${id}::bigint`
  if (sort === 'oldest') return `b.id > ${id}::bigint`
  return `(b.expires_at, b.id) > (to_timestamp(${seconds}::bigint), ${id}::bigint)`
}

function selecting(conditions: readonly string[], order: string): string {
  return `
    select ${bindingColumns} from binding b
     where ${conditions.join(' and ')}
     order by ${order} limit $2`
}

/** As A or as B: each has its index, and an index of both there is none. */
function byEither(conditions: readonly string[], order: string, party: string): string {
  const one = (column: string) =>
    `(select * from (${selecting([...conditions, `b.${column} = ${party}`], order).replace(
      bindingColumns,
      'b.*',
    )}) as as_${column})`
  return `
    select ${bindingColumns} from (${one('a_index')} union all ${one('b_index')}) as b
     order by ${order} limit $2`
}
