import { capacityOf, type Product } from '../domain/call.ts'
import type { AccountId } from '../domain/ids.ts'
import { type Li, li } from '../domain/money.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import { nationwide } from './cities.ts'
import type { PlaceOrder } from './order.ts'
import type { NumberClass } from './price-list.ts'
import {
  accountSuspended,
  balanceLow,
  classUnfit,
  poolNeeded,
  productMismatch,
} from './purchase-refusals.ts'
import { poolUnknown } from './refusals.ts'
import { type Taken, takeStock } from './take-stock.ts'

export type OrderRow = {
  readonly id: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly class: number
  readonly city: string
  readonly quantity: number
  readonly rent_li: string
  readonly price_li: string
  readonly paid_li: string
  readonly numbers: readonly string[]
  readonly created_at: Date
}

export const orderColumns = `
  o.id, o.account_id, o.pool_key, o.product, o.class, o.city, o.quantity, o.rent_li, o.price_li,
  o.paid_li, o.numbers, o.created_at`

/** Fewer were to be had than were asked for. `left`: how many, those counted that others hold at this moment. */
export class ShortOfStock extends Error {
  readonly left: number

  constructor(left: number) {
    super('short of stock')
    this.left = left
  }
}

export type Priced = PlaceOrder & {
  /** As stock has it. */
  readonly city: string
  readonly rent: Li
  readonly price: Li
  readonly requestHash: string
  readonly now: Date
  readonly poolDefaults: { readonly ringSecondsMax: number; readonly talkSecondsMax: number }
}

type PoolRow = { readonly key: string; readonly product: Product; readonly positions: number }

/**
 * The whole order, in the transaction that it is given. Locks account, pool, stock and numbers in
 * this order, as everybody does who locks several of them.
 */
export async function placeOrder(
  sql: Sql,
  order: Priced,
  wait: boolean,
): Promise<{ order: OrderRow; changes: readonly RouteInvalidation[] }> {
  const paid = await pay(sql, order)
  const pool = await lockPool(sql, order)
  const taken = await takeStock(sql, order, wait)
  if (taken.length < order.quantity) throw new ShortOfStock(await leftFor(sql, order, taken.length))
  const row = await insertOrder(sql, { order, pool, paid, taken })
  const changes = await insertNumbers(sql, { order, pool, taken, orderId: row.id })
  return { order: row, changes }
}

/** An account without a balance is not locked: its orders need not wait for each other. */
async function pay(sql: Sql, { accountId, price }: Priced): Promise<Li> {
  const seen = await readAccount(sql, accountId)
  if (seen.balance === undefined) return li(0)
  const { balance } = await readAccount(sql, accountId, 'for no key update')
  if (balance === undefined) return li(0)
  if (balance < price) throw balanceLow(price, balance)
  await sql.rows({
    name: 'orders.pay',
    text: 'update account set balance_li = balance_li - $2 where id = $1',
    values: [accountId, price],
  })
  return price
}

/** Throws for an account that may not buy. */
export async function readAccount(
  sql: Sql,
  accountId: AccountId,
  lock: '' | 'for no key update' = '',
): Promise<{ balance: Li | undefined }> {
  const [account] = await sql.rows<{ balance_li: string | null; suspended: boolean }>({
    name: lock === '' ? 'orders.account' : 'orders.lock-account',
    text: `
      select balance_li, suspended_at is not null as suspended from account
       where id = $1 ${lock}`,
    values: [accountId],
  })
  if (account === undefined || account.suspended) throw accountSuspended()
  const { balance_li: balance } = account
  return { balance: balance === null ? undefined : li(Number(balance)) }
}

async function lockPool(sql: Sql, order: Priced): Promise<PoolRow> {
  const key = order.poolKey ?? (await defaultPool(sql, order))
  const [pool] = await sql.rows<PoolRow>({
    name: 'orders.take-positions',
    text: `
      update pool set positions = positions + $3 where key = $1 and account_id = $2
      returning key, product, positions`,
    values: [key, order.accountId, order.quantity],
  })
  if (pool === undefined) throw poolUnknown()
  checkFit(pool.product, order)
  return pool
}

/** Whether these numbers can go into this pool. */
export function checkFit(
  pool: Product,
  order: { readonly product?: Product | undefined; readonly class: NumberClass },
): void {
  if (order.product !== undefined && order.product !== pool) {
    throw productMismatch(pool, order.product)
  }
  if ((order.class === 3) !== (pool === '95AXN')) throw classUnfit(pool)
}

async function defaultPool(sql: Sql, order: Priced): Promise<string> {
  const { accountId, product } = order
  const oldest = () =>
    sql.rows<{ key: string }>({
      name: 'orders.oldest-pool',
      text: `
        select key from pool where account_id = $1 and product = $2
         order by created_at, key limit 1`,
      values: [accountId, product],
    })
  const [found] = await oldest()
  if (found !== undefined) return found.key
  if (product === 'X_MODE') throw poolNeeded()
  // Two orders that find none at the same time are to make one.
  await sql.rows({
    name: 'orders.lock-default-pool',
    text: `select pg_advisory_xact_lock(hashtext('default pool ' || $1 || ' ' || $2))`,
    values: [accountId, product],
  })
  const [made] = await oldest()
  if (made !== undefined) return made.key
  const [pool] = await sql.rows<{ key: string }>({
    name: 'orders.make-pool',
    text: `
      insert into pool (account_id, name, product, ring_seconds_max, talk_seconds_max)
      values ($1, $2, $3, $4, $5) returning key`,
    values: [
      accountId,
      `默认 ${product}`,
      product,
      order.poolDefaults.ringSecondsMax,
      order.poolDefaults.talkSecondsMax,
    ],
  })
  if (pool === undefined) throw new Error('insert returned nothing')
  return pool.key
}

async function leftFor(sql: Sql, order: Priced, taken: number): Promise<number> {
  const rows = await sql.rows<{ left: number }>({
    name: 'orders.left',
    text: `
      select count(*)::int as left
        from (select 1 from stock s
               where s.state = 'free' and s.class = $1 and s.city = $2
                 and ($3::text is null or s.x like $3)
                 and not exists (select 1 from number n where n.x = s.x)
                 and not exists (select 1 from binding_leg l
                                  where l.party = s.x_index and l.expires_at > now())
               limit 1001) counted`,
    values: [
      order.class,
      order.city,
      order.beginning === undefined ? null : `+86${order.beginning.replace(/\D/g, '')}%`,
    ],
  })
  return taken + (rows[0]?.left ?? 0)
}

type Sale = { readonly order: Priced; readonly pool: PoolRow; readonly taken: readonly Taken[] }

async function insertOrder(
  sql: Sql,
  { order, pool, paid, taken }: Sale & { paid: Li },
): Promise<OrderRow> {
  const [row] = await sql.rows<OrderRow>({
    name: 'orders.insert',
    text: `
      insert into purchase_order as o (account_id, pool_key, product, class, city, quantity, rent_li,
                                       price_li, paid_li, numbers, idempotency_key, request_hash,
                                       created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
      returning ${orderColumns}`,
    values: [
      order.accountId,
      pool.key,
      pool.product,
      order.class,
      order.city,
      order.quantity,
      order.rent,
      order.price,
      paid,
      taken.map(({ x }) => x).sort(),
      order.idempotencyKey,
      order.requestHash,
      order.now,
    ],
  })
  if (row === undefined) throw new Error('insert returned nothing')
  return row
}

function insertNumbers(
  sql: Sql,
  { order, pool, taken, orderId }: Sale & { orderId: string },
): Promise<readonly RouteInvalidation[]> {
  return sql
    .rows<{ id: string; x: string; version: string }>({
      name: 'orders.insert-numbers',
      text: `
        with n as (
          insert into number (x, x_index, account_id, pool_key, city, position, capacity, class,
                              carrier, province, order_id, rent_li, created_at)
          select each.x, each.x_index, $5, $6, $7, $8 + each.at, $9, $10, each.carrier,
                 each.province, $11, $12, $13
            from unnest($1::text[], $2::text[], $3::text[], $4::smallint[]) with ordinality
              as each (x, x_index, province, carrier, at)
          returning x, version
        )
        insert into invalidation (x, version, parties) select x, version, '{}' from n
        returning id, x, version`,
      values: [
        taken.map(({ x }) => x),
        taken.map((each) => each.x_index),
        taken.map(({ province }) => province),
        taken.map(({ carrier }) => carrier),
        order.accountId,
        pool.key,
        order.city === nationwide ? null : order.city,
        pool.positions - order.quantity,
        capacityOf(pool.product),
        order.class,
        orderId,
        order.rent,
        order.now,
      ],
    })
    .then((rows) =>
      rows.map(({ id, x, version }) => ({
        id,
        x: x as RouteInvalidation['x'],
        version: Number(version),
        parties: [],
      })),
    )
}
