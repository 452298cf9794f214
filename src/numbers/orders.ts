import { createHash } from 'node:crypto'
import type { Product } from '../domain/call.ts'
import type { AccountId, VirtualNumber } from '../domain/ids.ts'
import { type Li, times } from '../domain/money.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import { type Cities, nationwide } from './cities.ts'
import type { Page } from './number.ts'
import type { Order, OrderFilter, PlaceOrder, Quote, Wish } from './order.ts'
import { checkFit, type Priced, placeOrder, readAccount, ShortOfStock } from './place-order.ts'
import type { PriceList } from './price-list.ts'
import { cityUnknown, outOfStock, priceChanged, quantityOver } from './purchase-refusals.ts'
import { findByKey, getOrder, listOrders, orderFrom } from './read-orders.ts'
import { illegal, poolUnknown } from './refusals.ts'
import { endRests, type StockLeft, stockCity } from './remaining.ts'

export type Orders = {
  /** What it would cost, and whether there is enough. Changes nothing. */
  quote(wish: Wish): Promise<Quote>
  /** Buys at random out of the operator's stock. When it resolves, calls know the numbers. */
  place(order: PlaceOrder): Promise<Order>
  get(accountId: AccountId, id: string): Promise<Order>
  list(filter: OrderFilter): Promise<Page<Order>>
}

/** The console's limit. */
const quantityMax = 1_000
/** Enough to keep Redis busy, few enough not to stand in the way of calls. */
const settleAtOnce = 50

export function createOrders(deps: {
  sql: Sql
  clock: Clock
  prices: PriceList
  cities: Pick<Cities, 'knownCity'>
  stockLeft: StockLeft
  publisher: {
    forget(rows: readonly RouteInvalidation[]): Promise<void>
    /** Makes what was committed for X true for calls. */
    settle(x: VirtualNumber): Promise<void>
  }
  /** Of a pool that an order makes. */
  poolDefaults?: { readonly ringSecondsMax: number; readonly talkSecondsMax: number }
}): Orders {
  const { sql, clock, prices, cities, publisher } = deps
  const poolDefaults = deps.poolDefaults ?? { ringSecondsMax: 60, talkSecondsMax: 14_400 }

  /** What no database is needed for. */
  function priced<W extends Wish>(wish: W) {
    checkQuantity(wish.quantity)
    if (wish.poolKey === undefined && wish.product === undefined) {
      throw illegal('Name a product, a pool, or both.')
    }
    if (wish.product !== undefined) checkFit(wish.product, wish)
    const city = stockCity(wish.city, cities)
    if ((city === nationwide) !== (wish.class === 3)) throw cityUnknown()
    const rent = prices.rent[wish.class]
    return { ...wish, city, rent, price: times(rent, wish.quantity) }
  }

  /** Whoever gave the answer the first time may have died before calls knew the numbers. */
  async function placedBefore(order: PlaceOrder, requestHash: string): Promise<Order | undefined> {
    if (order.idempotencyKey === undefined) return undefined
    const row = await findByKey(sql, order, requestHash)
    if (row === undefined) return undefined
    for (let at = 0; at < row.numbers.length; at += settleAtOnce) {
      const some = row.numbers.slice(at, at + settleAtOnce)
      await Promise.all(some.map((x) => publisher.settle(x as VirtualNumber)))
    }
    return orderFrom(row)
  }

  async function sell(order: Priced): Promise<Order> {
    const attempt = (wait: boolean) =>
      sql.transaction((session) => placeOrder(session, order, wait))
    const done = await attempt(false).catch((err: unknown) => {
      // Others hold the rest at this moment, and may yet leave it.
      if (err instanceof ShortOfStock && err.left >= order.quantity) return attempt(true)
      throw err
    })
    await publisher.forget(done.changes)
    return orderFrom(done.order)
  }

  return {
    async quote(wish) {
      const { city, rent, price } = priced(wish)
      const product = await productFor(sql, wish)
      checkFit(product, wish)
      const { balance } = await readAccount(sql, wish.accountId)
      const { left } = await deps.stockLeft.remaining({ class: wish.class, city })
      const { class: class_, quantity } = wish
      return { product, class: class_, city, quantity, rent, price, left, balance }
    },

    async place(order) {
      checkBeginning(order.beginning)
      const whole = priced(order)
      const requestHash = hashOf(whole)
      const before = await placedBefore(order, requestHash)
      if (before !== undefined) return before
      checkPrice(order, whole.price)
      await endRests(sql)
      try {
        return await sell({ ...whole, requestHash, now: clock.now(), poolDefaults })
      } catch (err) {
        if (err instanceof ShortOfStock) throw outOfStock(err.left, whole)
        if (violatedConstraint(err) !== 'purchase_order_key_once') throw err
        const twin = await placedBefore(order, requestHash)
        if (twin === undefined) throw err
        return twin
      }
    },

    get: (accountId, id) => getOrder(sql, accountId, id),
    list: (filter) => listOrders(sql, filter),
  }
}

function checkQuantity(quantity: number): void {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > quantityMax) {
    throw quantityOver(quantityMax)
  }
}

function checkBeginning(beginning: string | undefined): void {
  if (beginning !== undefined && !/^\d{1,18}$/.test(beginning)) {
    throw illegal('A beginning is 1 to 18 digits, as dialled inside the country.')
  }
}

function checkPrice({ expectedPrice }: PlaceOrder, price: Li): void {
  if (expectedPrice !== undefined && expectedPrice !== price) throw priceChanged(price)
}

async function productFor(sql: Sql, { accountId, poolKey, product }: Wish): Promise<Product> {
  if (poolKey === undefined && product !== undefined) return product
  const [pool] = await sql.rows<{ product: Product }>({
    name: 'orders.pool-product',
    text: 'select product from pool where key = $1 and account_id = $2',
    values: [poolKey, accountId],
  })
  if (pool === undefined) throw poolUnknown()
  checkFit(pool.product, { product, class: pool.product === '95AXN' ? 3 : 2 })
  return pool.product
}

/** Not the price: the same order that is sent again after a change of prices is the same order. */
function hashOf(order: PlaceOrder): string {
  const { poolKey, product, class: class_, city, quantity, beginning } = order
  const asked = [poolKey, product, class_, city, quantity, beginning].map((each) => each ?? null)
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url')
}
