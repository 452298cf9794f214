import type { Product } from '../domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import { li } from '../domain/money.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Page } from './number.ts'
import type { Order, OrderFilter, PlaceOrder } from './order.ts'
import { type OrderRow, orderColumns } from './place-order.ts'
import { orderUnknown } from './purchase-refusals.ts'
import { keyReused } from './refusals.ts'

export async function getOrder(sql: Sql, accountId: AccountId, id: string): Promise<Order> {
  const [row] = await sql.rows<OrderRow>({
    name: 'orders.get',
    text: `
      select ${orderColumns} from purchase_order o
       where o.id = $1::bigint and o.account_id = $2`,
    values: [idIn(id), accountId],
  })
  if (row === undefined) throw orderUnknown()
  return orderFrom(row)
}

export async function listOrders(sql: Sql, filter: OrderFilter): Promise<Page<Order>> {
  const limit = pageLimit(filter.limit)
  const rows = await sql.rows<OrderRow>(listQuery(filter, limit))
  return pageFrom(rows, limit, { item: orderFrom, place: ({ id }) => id })
}

/** The order that this key has made already. Throws when the key was used for a different request. */
export async function findByKey(
  sql: Sql,
  { accountId, idempotencyKey }: PlaceOrder,
  requestHash: string,
): Promise<OrderRow | undefined> {
  const [row] = await sql.rows<OrderRow & { request_hash: string }>({
    name: 'orders.find-by-key',
    text: `
      select ${orderColumns}, o.request_hash from purchase_order o
       where o.account_id = $1 and o.idempotency_key = $2`,
    values: [accountId, idempotencyKey],
  })
  if (row !== undefined && row.request_hash !== requestHash) throw keyReused()
  return row
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(filter: OrderFilter, limit: number): Query {
  const values: unknown[] = [filter.accountId, limit + 1]
  const conditions = ['o.account_id = $1']
  const oldest = filter.order === 'oldest'
  let name = oldest ? 'orders.list-oldest' : 'orders.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  const after = placeIn(filter.cursor, idPattern)
  add('pool', filter.poolKey, (at) => `o.pool_key = ${at}`)
  add('product', filter.product, (at) => `o.product = ${at}`)
  add('class', filter.class, (at) => `o.class = ${at}`)
  add('from', filter.from, (at) => `o.created_at >= ${at}`)
  add('until', filter.until, (at) => `o.created_at < ${at}`)
  add('after', after, (at) => `o.id ${oldest ? '>' : '<'} ${at}::bigint`)
  const text = `
    select ${orderColumns} from purchase_order o where ${conditions.join(' and ')}
     order by o.id ${oldest ? 'asc' : 'desc'} limit $2`
  return { name, text, values }
}

const idPattern = /^[1-9]\d{0,15}$/

function idIn(text: string): string {
  if (!idPattern.test(text)) throw orderUnknown()
  return text
}

export function orderFrom(row: OrderRow): Order {
  return {
    id: row.id,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    product: row.product as Product,
    class: row.class as Order['class'],
    city: row.city,
    quantity: row.quantity,
    rent: li(Number(row.rent_li)),
    price: li(Number(row.price_li)),
    paid: li(Number(row.paid_li)),
    numbers: row.numbers as readonly VirtualNumber[],
    createdAt: row.created_at,
  }
}
