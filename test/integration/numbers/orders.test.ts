import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { type Li, li } from '../../../src/domain/money.ts'
import type { PlaceOrder } from '../../../src/numbers/order.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { apiRooms, inMinutes, mainAccount, person, phone, until } from '../../support/data-rooms.ts'
import { marketRooms, stockCsv } from '../../support/market.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let redis: Redis
let rooms: ReturnType<typeof apiRooms>
let market: ReturnType<typeof marketRooms>
const stranger = 'other' as AccountId

const run = (text: string, values: unknown[] = []) =>
  database.sql.rows<Record<string, unknown>>({ name: '', text, values })

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 16 })
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis })
  market = marketRooms({ sql: database.sql, redis })
  await run(`insert into account (id, name) values ('other', 'Somebody else')`)
})
afterAll(async () => {
  await market.publisher.close()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})
beforeEach(async () => {
  await run('delete from binding_leg')
  for (const table of ['number', 'stock', 'purchase_order', 'pool']) {
    await run(`delete from ${table}`)
  }
  await run('update account set balance_li = null')
})

const fill = (count: number, facts = '1,杭州', first = '17000000000') =>
  market.inventory.importCsv([stockCsv(first, count, facts)])
const anOrder = (given: Partial<PlaceOrder> = {}): PlaceOrder => ({
  accountId: mainAccount,
  product: 'AXB',
  class: 1,
  city: '杭州',
  quantity: 1,
  ...given,
})
const buy = (given: Partial<PlaceOrder> = {}) => market.orders.place(anOrder(given))
const aPool = (product: 'AXB' = 'AXB') =>
  rooms.pools.create({ accountId: mainAccount, name: 'shop', product })
const refused = (code: string, vendorCode: string) => expect.objectContaining({ code, vendorCode })
const balanceOf = async (account: string) =>
  (await run('select balance_li from account where id = $1', [account]))[0]?.['balance_li']

describe('an order', () => {
  test('puts numbers of the class and city into the pool, with all that is known of them', async () => {
    await fill(20)
    await fill(5, '2,宁波', '17100000000')
    const pool = await aPool()
    const order = await buy({ poolKey: pool.key, product: undefined, quantity: 3 })
    expect(order).toMatchObject({
      id: expect.stringMatching(/^\d{10}$/),
      poolKey: pool.key,
      product: 'AXB',
      class: 1,
      city: '杭州',
      quantity: 3,
      rent: 5000,
      price: 15_000,
      paid: 0,
    })
    expect(new Set(order.numbers).size).toBe(3)
    const rows = await run(
      'select x, city, province, class, capacity, pool_key, order_id, rent_li, state from number order by x',
    )
    expect(rows).toEqual(
      order.numbers.map((x) => ({
        x,
        city: '杭州',
        province: '浙江',
        class: 1,
        capacity: 200,
        pool_key: pool.key,
        order_id: order.id,
        rent_li: '5000',
        state: 'normal',
      })),
    )
    expect(await run(`select count(*)::int as n from stock where state = 'sold'`)).toEqual([
      { n: 3 },
    ])
    expect((await market.stockLeft.remaining({})).left).toBe(22)
  })

  test('buys what can be bound at once', async () => {
    await fill(1)
    const order = await buy()
    const bound = await rooms.bindings.bind({
      accountId: mainAccount,
      poolKey: order.poolKey,
      a: person(1),
      b: person(2),
      expiresAt: inMinutes(10),
    })
    expect([bound.x]).toEqual(order.numbers)
  })

  test('without a pool goes into the oldest of the product, or into one that it makes, once', async () => {
    await fill(30)
    const orders = await Promise.all(Array.from({ length: 8 }, () => buy()))
    const [key] = new Set(orders.map(({ poolKey }) => poolKey))
    expect(new Set(orders.map(({ poolKey }) => poolKey)).size).toBe(1)
    expect(await run('select key, name, positions from pool')).toEqual([
      { key, name: '默认 AXB', positions: 8 },
    ])
    await aPool()
    expect((await buy()).poolKey).toBe(key)
    expect((await buy({ product: 'AXN_EXTENSION' })).poolKey).not.toBe(key)
  })

  test('gives numbers their capacity by product, and 95 numbers no city', async () => {
    await fill(5)
    await fill(2, '3,', '95013000000')
    const extension = await buy({ product: 'AXN_EXTENSION' })
    const nationwide = await buy({ product: '95AXN', class: 3, city: '全国通用' })
    expect(nationwide).toMatchObject({ rent: 500, price: 500, city: '全国通用' })
    const rows = await run('select x, capacity, city from number')
    expect(rows).toEqual(
      expect.arrayContaining([
        { x: extension.numbers[0], capacity: 1000, city: '杭州' },
        { x: nationwide.numbers[0], capacity: 1, city: null },
      ]),
    )
  })

  test('takes them at random', async () => {
    await fill(2000)
    const order = await buy({ quantity: 200 })
    const places = order.numbers.map((x) => Number(x.slice(-4)))
    // 200 of 2000 in a row or from the front would be in one or two of ten drawers.
    expect(new Set(places.map((place) => Math.floor(place / 200))).size).toBe(10)
    expect((await buy({ quantity: 200 })).numbers).not.toEqual(order.numbers)
  })

  test('with a beginning takes only such numbers', async () => {
    await fill(3000)
    const one = await buy({ beginning: '1700000271' })
    expect(one.numbers[0]).toMatch(/^\+861700000271/)
    expect((await buy({ beginning: '17000001234' })).numbers).toEqual(['+8617000001234'])
    await expect(buy({ beginning: '17000001234' })).rejects.toMatchObject({
      code: 'out-of-stock',
      message: expect.stringContaining('with this beginning'),
    })
    expect((await buy({ beginning: '170', quantity: 50 })).numbers).toHaveLength(50)
    await expect(buy({ beginning: '17%' })).rejects.toMatchObject({ code: 'invalid-parameters' })
  })

  test('leaves alone what somebody uses as a real number', async () => {
    await fill(2)
    const pool = await aPool()
    await rooms.numbers.add({
      accountId: mainAccount,
      poolKey: pool.key,
      numbers: ['+8617099000001' as VirtualNumber],
    })
    await rooms.bindings.bind({
      accountId: mainAccount,
      poolKey: pool.key,
      a: phone('+8617000000000'),
      b: person(2),
      expiresAt: inMinutes(10),
    })
    expect((await buy()).numbers).toEqual(['+8617000000001'])
    await expect(buy()).rejects.toEqual(refused('out-of-stock', 'isv.NO_AVAILABLE_NUMBER'))
  })

  test('leaves alone what has come into a pool by another way', async () => {
    await fill(2)
    await run(`update stock set state = 'sold' where x = '+8617000000000'`)
    const numbers = ['+8617000000000' as VirtualNumber]
    await rooms.numbers.add({ accountId: mainAccount, poolKey: (await aPool()).key, numbers })
    await run(`update stock set state = 'free'`)
    expect((await buy()).numbers).toEqual(['+8617000000001'])
    await expect(buy()).rejects.toThrow(/Nothing of this class/)
  })
})

describe('orders at the same time', () => {
  const waiting = `
    select 1 from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`

  test('never get the same number, and sell the stock to the last one', async () => {
    await fill(400)
    await run('update account set balance_li = 100000000')
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, at) =>
        buy({ quantity: 8, accountId: at % 2 === 0 ? mainAccount : stranger }),
      ),
    )
    const sold = results.flatMap((each) => (each.status === 'fulfilled' ? each.value.numbers : []))
    expect(new Set(sold).size).toBe(sold.length)
    expect(sold).toHaveLength(400)
    for (const each of results) {
      if (each.status === 'rejected') expect(each.reason.code).toBe('out-of-stock')
    }
    expect(await run('select count(*)::int as n from number')).toEqual([{ n: 400 }])
  })

  test('wait for what another gives back, rather than call it sold out', async () => {
    await fill(10)
    let holding: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      holding = resolve
    })
    const other = database.sql.transaction(async (session) => {
      await session.rows({ name: '', text: 'select x from stock for no key update', values: [] })
      holding()
      await until(async () => (await run(waiting)).length > 0)
      throw new Error('rolled back')
    })
    const rolledBack = expect(other).rejects.toThrow('rolled back')
    await held
    expect((await buy({ quantity: 10 })).numbers).toHaveLength(10)
    await rolledBack
  })

  test('with one key are one order', async () => {
    await fill(50)
    const same = { quantity: 5, idempotencyKey: 'k-1' }
    const orders = await Promise.all(Array.from({ length: 6 }, () => buy(same)))
    expect(new Set(orders.map(({ id }) => id)).size).toBe(1)
    expect((await market.stockLeft.remaining({})).left).toBe(45)
    expect(await buy(same)).toEqual(orders[0])
    expect((await buy({ ...same, accountId: stranger })).id).not.toBe(orders[0]?.id)
    await expect(buy({ ...same, quantity: 6 })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    })
  })
})

describe('the price', () => {
  test('is quoted first, and changes nothing', async () => {
    await fill(7)
    await run(`update account set balance_li = 20000 where id = 'main'`)
    const wish = anOrder({ quantity: 3 })
    expect(await market.orders.quote(wish)).toEqual({
      product: 'AXB',
      class: 1,
      city: '杭州',
      quantity: 3,
      rent: 5000,
      price: 15_000,
      left: 7,
      balance: 20_000,
    })
    expect(await market.orders.quote({ ...wish, class: 2, city: '宁波' })).toMatchObject({
      rent: 15_000,
      left: 0,
    })
    expect(await run('select 1 from pool')).toEqual([])
  })

  test('is taken off the balance, and an order that fails costs nothing', async () => {
    await fill(3)
    await run(`update account set balance_li = 12000 where id = 'main'`)
    expect(await buy({ quantity: 2 })).toMatchObject({ price: 10_000, paid: 10_000 })
    expect(await balanceOf('main')).toBe('2000')
    await expect(buy()).rejects.toMatchObject({
      code: 'balance-low',
      vendorCode: 'isv.OUT_OF_SERVICE',
      message: expect.stringMatching(/5\.00 yuan.*2\.00 yuan.*package balance/),
    })
    await run(`update account set balance_li = 100000 where id = 'main'`)
    await expect(buy({ quantity: 2 })).rejects.toMatchObject({ code: 'out-of-stock' })
    expect(await balanceOf('main')).toBe('100000')
    expect(await run('select count(*)::int as n from number')).toEqual([{ n: 2 }])
  })

  test('cannot be undercut by many orders at once', async () => {
    await fill(20)
    await run(`update account set balance_li = 25000 where id = 'main'`)
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => buy()))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    expect(await balanceOf('main')).toBe('0')
  })

  test('that is not the one expected is refused', async () => {
    await fill(3)
    await expect(buy({ expectedPrice: li(4999) })).rejects.toEqual(
      refused('price-changed', 'isv.ILLEGAL_ARGUMENT'),
    )
    expect(await buy({ expectedPrice: 5000 as Li })).toMatchObject({ price: 5000 })
  })
})

describe('refusals', () => {
  test.each<[string, Partial<PlaceOrder>, string, string]>([
    ['none', { quantity: 0 }, 'quantity-over-limit', 'isv.BUY_NUM_OVER_LIMIT'],
    ['too many', { quantity: 1001 }, 'quantity-over-limit', 'isv.BUY_NUM_OVER_LIMIT'],
    ['half a number', { quantity: 1.5 }, 'quantity-over-limit', 'isv.BUY_NUM_OVER_LIMIT'],
    ['an unknown city', { city: '三亚' }, 'city-unknown', 'isv.ILLEGAL_ARGUMENT'],
    ['170 without city', { city: '全国通用' }, 'city-unknown', 'isv.ILLEGAL_ARGUMENT'],
    ['95 in a city', { class: 3, product: '95AXN' }, 'city-unknown', 'isv.ILLEGAL_ARGUMENT'],
    ['95 for AXB', { class: 3, city: '全国通用' }, 'class-unfit', 'isv.ILLEGAL_ARGUMENT'],
    ['170 for 95AXN', { product: '95AXN' }, 'class-unfit', 'isv.ILLEGAL_ARGUMENT'],
    ['nothing in stock', {}, 'out-of-stock', 'isv.NO_AVAILABLE_NUMBER'],
    ['no product', { product: undefined }, 'invalid-parameters', 'isv.INVALID_PARAMETERS'],
    ['X mode without a pool', { product: 'X_MODE' }, 'pool-needed', 'isv.POOLKEY_NOT_EXISTS'],
    [
      'an unknown pool',
      { poolKey: 'FC999999999999999' as PoolKey },
      'pool-unknown',
      'isv.POOLKEY_NOT_EXISTS',
    ],
  ])('%s', async (_what, given, code, vendorCode) => {
    await expect(buy(given)).rejects.toEqual(refused(code, vendorCode))
    expect(await run('select 1 from purchase_order')).toEqual([])
  })

  test('of stock say how many there are, or to ask the operator', async () => {
    await expect(buy()).rejects.toThrow(/Ask your operator/)
    await fill(2)
    await expect(buy({ quantity: 3 })).rejects.toThrow(/Only 2 .* 杭州/)
  })

  test('a pool of another product, another account or another class', async () => {
    await fill(2)
    await fill(2, '3,', '95013000000')
    const pool = await aPool()
    await expect(buy({ poolKey: pool.key, product: 'AXN' })).rejects.toEqual(
      refused('product-mismatch', 'isv.FORBIDDEN_ACTION'),
    )
    await expect(buy({ poolKey: pool.key, accountId: stranger })).rejects.toEqual(
      refused('pool-unknown', 'isv.POOLKEY_NOT_EXISTS'),
    )
    const nationwide = { class: 3 as const, city: '全国通用', product: undefined }
    await expect(buy({ poolKey: pool.key, ...nationwide })).rejects.toEqual(
      refused('class-unfit', 'isv.ILLEGAL_ARGUMENT'),
    )
    await expect(
      market.orders.quote(anOrder({ poolKey: pool.key, product: 'AXN' })),
    ).rejects.toEqual(refused('product-mismatch', 'isv.FORBIDDEN_ACTION'))
    expect(await run('select positions from pool')).toEqual([{ positions: 0 }])
  })

  test('a suspended account', async () => {
    await fill(2)
    await run(`update account set suspended_at = now() where id = 'other'`)
    await expect(buy({ accountId: stranger })).rejects.toEqual(
      refused('account-suspended', 'isv.OUT_OF_SERVICE'),
    )
    await expect(market.orders.quote(anOrder({ accountId: stranger }))).rejects.toEqual(
      refused('account-suspended', 'isv.OUT_OF_SERVICE'),
    )
    await run(`update account set suspended_at = null where id = 'other'`)
    expect((await buy({ accountId: stranger })).numbers).toHaveLength(1)
  })
})

describe('the list of orders', () => {
  test('holds those of the account, newest first, with filters', async () => {
    await fill(30)
    await fill(5, '2,宁波', '17100000000')
    const first = await buy({ quantity: 2 })
    const second = await buy({ product: 'AXN' })
    const third = await buy({ class: 2, city: '宁波' })
    await buy({ accountId: stranger })
    const ids = async (filter: object = {}) =>
      (await market.orders.list({ accountId: mainAccount, ...filter })).items.map(({ id }) => id)
    expect(await ids()).toEqual([third.id, second.id, first.id])
    expect(await ids({ order: 'oldest' })).toEqual([first.id, second.id, third.id])
    expect(await ids({ product: 'AXN' })).toEqual([second.id])
    expect(await ids({ class: 2 })).toEqual([third.id])
    expect(await ids({ poolKey: first.poolKey })).toEqual([third.id, first.id])
    expect(await ids({ from: second.createdAt, until: third.createdAt })).toEqual([second.id])
    const page = await market.orders.list({ accountId: mainAccount, limit: 2 })
    expect(page.items.map(({ id }) => id)).toEqual([third.id, second.id])
    expect(await ids({ cursor: page.nextCursor })).toEqual([first.id])
    expect(await market.orders.get(mainAccount, first.id)).toEqual(first)
    await expect(market.orders.get(stranger, first.id)).rejects.toEqual(
      refused('order-unknown', 'isv.INVALID_PARAMETERS'),
    )
    await expect(market.orders.get(mainAccount, 'x')).rejects.toMatchObject({
      code: 'order-unknown',
    })
  })
})
