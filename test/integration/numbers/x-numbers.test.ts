import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { AddNumbers, NumberFilter } from '../../../src/numbers/number.ts'
import { createNumbers } from '../../../src/numbers/numbers.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  testCities,
  testVault,
  xAt,
} from '../../support/data-rooms.ts'
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
  database = await createTestDatabase()
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
  for (const table of ['number', 'stock', 'purchase_order', 'released_number', 'pool']) {
    await run(`delete from ${table}`)
  }
})

const aPool = async (product: 'AXB' | 'AXN' | '95AXN' = 'AXB', accountId = mainAccount) =>
  (await rooms.pools.create({ accountId, name: 'pool', product })).key
const add = (poolKey: PoolKey, xs: readonly VirtualNumber[], given: Partial<AddNumbers> = {}) =>
  rooms.numbers.add({ accountId: mainAccount, poolKey, numbers: xs, ...given })
const x95 = (at: number) => `+86950130${String(at).padStart(5, '0')}` as VirtualNumber
const refused = (code: string, vendorCode: string) => expect.objectContaining({ code, vendorCode })
const fill = (count: number) =>
  market.inventory.importCsv([stockCsv('17000000000', count, '1,杭州')])
const buyOne = async () => {
  const order = await market.orders.place({
    accountId: mainAccount,
    product: 'AXB',
    class: 1,
    city: '杭州',
    quantity: 1,
  })
  return order.numbers[0] as VirtualNumber
}

describe('adding', () => {
  test('tells class, city, province and capacity', async () => {
    const [bought] = await add(await aPool(), [xAt(1)], { city: '杭州市', carrier: 2 })
    expect(bought).toMatchObject({
      class: 1,
      carrier: 2,
      city: '杭州',
      province: '浙江',
      capacity: 200,
      certified: false,
      note: undefined,
      rent: undefined,
      orderId: undefined,
    })
    expect(await add(await aPool('AXN'), [xAt(2)], { class: 2 })).toMatchObject([
      { class: 2, capacity: 1, city: undefined, province: undefined },
    ])
    expect(await add(await aPool('95AXN'), [x95(1)], { city: '全国通用' })).toMatchObject([
      { class: 3, capacity: 1, city: undefined },
    ])
  })

  test('refuses 95 numbers outside 95AXN, and others in it', async () => {
    await expect(add(await aPool(), [xAt(1), x95(1)])).rejects.toEqual(
      refused('class-unfit', 'isv.ILLEGAL_ARGUMENT'),
    )
    await expect(add(await aPool('95AXN'), [xAt(1)])).rejects.toEqual(
      refused('class-unfit', 'isv.ILLEGAL_ARGUMENT'),
    )
    // A landline of Ningxia, area code 0951.
    await expect(add(await aPool('95AXN'), ['+869518888888' as VirtualNumber])).rejects.toEqual(
      refused('class-unfit', 'isv.ILLEGAL_ARGUMENT'),
    )
    expect(await run('select 1 from number')).toEqual([])
  })

  test.each<[string, Partial<AddNumbers>, 'AXB' | '95AXN', VirtualNumber]>([
    ['that is not in the list', { city: '三亚' }, 'AXB', xAt(1)],
    ['of a nationwide number', { city: '杭州' }, '95AXN', x95(1)],
  ])('refuses a city %s', async (_what, given, product, x) => {
    await expect(add(await aPool(product), [x], given)).rejects.toEqual(
      refused('city-unknown', 'isv.ILLEGAL_ARGUMENT'),
    )
  })

  test('refuses what is in stock, and takes it once it is out of stock', async () => {
    await fill(1)
    const pool = await aPool()
    const numbers = [xAt(0)]
    await expect(add(pool, numbers)).rejects.toEqual(
      refused('number-in-stock', 'isv.NO_USED_BY_OTHERS'),
    )
    await market.inventory.remove(xAt(0))
    expect(await add(pool, numbers)).toHaveLength(1)
  })
})

describe('the list', () => {
  const list = async (filter: Partial<NumberFilter> = {}) =>
    (await rooms.numbers.list({ accountId: mainAccount, ...filter })).items.map(({ x }) => x)

  test('has every filter, alone and together', async () => {
    const axb = await aPool()
    const axn = await aPool('AXN')
    await add(axb, [xAt(1), xAt(2)], { city: '杭州' })
    await add(axb, [xAt(13)], { city: '宁波', class: 2 })
    await add(axn, [xAt(24)])
    await add(await aPool('AXB', stranger), [xAt(5)], { accountId: stranger })
    await rooms.numbers.lock(mainAccount, xAt(2))
    await rooms.numbers.stop(xAt(13), 'faulty')
    await run('update number set certified = true where x = $1', [xAt(24)])
    const a = person(1)
    await rooms.bindings.bind({
      accountId: mainAccount,
      poolKey: axb,
      x: xAt(1),
      a,
      b: person(2),
      expiresAt: inMinutes(5),
    })
    expect(await list()).toEqual([xAt(1), xAt(2), xAt(13), xAt(24)])
    expect(await list({ poolKey: axn })).toEqual([xAt(24)])
    expect(await list({ product: 'AXB', city: '杭州市' })).toEqual([xAt(1), xAt(2)])
    expect(await list({ class: 2 })).toEqual([xAt(13)])
    expect(await list({ state: 'faulty' })).toEqual([xAt(13)])
    expect(await list({ bound: true })).toEqual([xAt(1)])
    expect(await list({ bound: false, state: 'locked' })).toEqual([xAt(2)])
    expect(await list({ certified: true })).toEqual([xAt(24)])
    expect(await list({ beginning: '1700000001' })).toEqual([xAt(13)])
    expect(await list({ beginning: xAt(24).slice(3) })).toEqual([xAt(24)])
    expect(await list({ beginning: '139' })).toEqual([])
    expect(await rooms.numbers.totals({ accountId: mainAccount })).toEqual({
      numbers: 4,
      bound: 1,
      bindings: 1,
      // One is locked and one is faulty.
      moreBindings: 199 + 1,
    })
    expect(await rooms.numbers.totals({ accountId: mainAccount, poolKey: axn })).toEqual({
      numbers: 1,
      bound: 0,
      bindings: 0,
      moreBindings: 1,
    })
    expect(await rooms.numbers.totals({ accountId: stranger, product: 'AXG' })).toEqual({
      numbers: 0,
      bound: 0,
      bindings: 0,
      moreBindings: 0,
    })
  })

  test.each(['x', 'createdAt'] as const)('is sorted by %s, both ways, over pages', async (sort) => {
    const pool = await aPool()
    await add(pool, [xAt(3), xAt(1)])
    await add(pool, [xAt(2), xAt(5)])
    await add(pool, [xAt(4)])
    const walk = async (order: 'ascending' | 'descending') => {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await rooms.numbers.list({
          accountId: mainAccount,
          sort,
          order,
          limit: 2,
          cursor,
        })
        seen.push(...page.items.map(({ x }) => x))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return seen
    }
    const expected =
      sort === 'x'
        ? [xAt(1), xAt(2), xAt(3), xAt(4), xAt(5)]
        : [xAt(1), xAt(3), xAt(2), xAt(5), xAt(4)]
    expect(await walk('ascending')).toEqual(expected)
    expect(await walk('descending')).toEqual([...expected].reverse())
  })

  test('takes a cursor only from a list of the same order', async () => {
    await add(await aPool(), [xAt(1), xAt(2)])
    const page = await rooms.numbers.list({ accountId: mainAccount, limit: 1 })
    await expect(list({ sort: 'createdAt', cursor: page.nextCursor })).rejects.toMatchObject({
      code: 'cursor-unknown',
    })
  })

  const wrong = ['2030-02-31 10:00:00+00', '2030-01-30 24:00:00+00', '2030-01-30 10:00:00+77']
  test.each(wrong)('takes no cursor with a time that is none: %s', async (time) => {
    const cursor = Buffer.from(`${time} ${xAt(1)}`).toString('base64url')
    const asked = list({ sort: 'createdAt', cursor })
    await expect(asked).rejects.toMatchObject({ code: 'cursor-unknown' })
  })
})

describe('release', () => {
  test('gives a bought number back to the stock, where it rests, and keeps who had it', async () => {
    await fill(1)
    const x = await buyOne()
    await rooms.numbers.remove(mainAccount, x)
    await expect(rooms.numbers.get(mainAccount, x)).rejects.toEqual(
      refused('number-unknown', 'isv.NO_NOT_EXIST'),
    )
    const [stock] = (await market.inventory.list({})).items
    expect(stock?.state).toBe('returned')
    const days = ((stock?.restsUntil?.getTime() ?? 0) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(90)
    expect((await market.stockLeft.remaining({})).left).toBe(0)
    await expect(buyOne()).rejects.toMatchObject({ code: 'out-of-stock' })
    expect(await run('select x, account_id, product, rent_li from released_number')).toEqual([
      { x, account_id: 'main', product: 'AXB', rent_li: '5000' },
    ])
  })

  test('lets it be bought again when it has rested, or when the operator says so', async () => {
    await fill(1)
    const x = await buyOne()
    await rooms.numbers.remove(mainAccount, x)
    await run(`update stock set rests_until = now() - interval '1 second'`)
    expect((await market.stockLeft.remaining({})).left).toBe(1)
    expect(await buyOne()).toBe(x)
    await rooms.numbers.remove(mainAccount, x)
    expect(await market.inventory.restore(x)).toMatchObject({
      state: 'free',
      restsUntil: undefined,
    })
    expect(await buyOne()).toBe(x)
    await expect(market.inventory.restore(x)).rejects.toEqual(
      refused('stock-sold', 'isv.NO_USED_BY_OTHERS'),
    )
    await expect(market.inventory.remove(x)).rejects.toEqual(
      refused('stock-sold', 'isv.NO_USED_BY_OTHERS'),
    )
    expect(await run('select 1 from released_number')).toHaveLength(2)
  })

  test('of a faulty number leaves it to the operator, who can import it again', async () => {
    await fill(1)
    const x = await buyOne()
    await rooms.numbers.stop(x, 'faulty')
    await rooms.numbers.remove(mainAccount, x)
    expect((await market.inventory.list({})).items[0]?.state).toBe('withdrawn')
    expect((await market.stockLeft.remaining({})).left).toBe(0)
    expect(await fill(1)).toMatchObject({ added: 1 })
    expect(await buyOne()).toBe(x)
  })

  test('is refused while anything is bound, and to others', async () => {
    const pool = await aPool()
    await add(pool, [xAt(1)])
    const bound = await rooms.bindings.bind({
      accountId: mainAccount,
      poolKey: pool,
      a: person(1),
      b: person(2),
      expiresAt: inMinutes(5),
    })
    await expect(rooms.numbers.remove(mainAccount, xAt(1))).rejects.toEqual(
      refused('number-bound', 'isv.FORBIDDEN_ACTION'),
    )
    await expect(rooms.numbers.remove(stranger, xAt(1))).rejects.toEqual(
      refused('number-unknown', 'isv.NO_NOT_EXIST'),
    )
    await rooms.bindings.unbind({ accountId: mainAccount, id: bound.id })
    await rooms.numbers.remove(mainAccount, xAt(1))
    expect(await run('select x, order_id, rent_li from released_number')).toEqual([
      { x: xAt(1), order_id: null, rent_li: null },
    ])
  })

  test('without a rest puts it on sale at once', async () => {
    await fill(1)
    const { sql } = database
    const publisher = rooms.publisher
    const numbers = createNumbers({
      sql,
      vault: testVault,
      cities: testCities,
      publisher,
      restDays: 0,
    })
    await numbers.remove(mainAccount, await buyOne())
    expect((await market.stockLeft.remaining({})).left).toBe(1)
  })
})

describe('states', () => {
  test('the operator stops and resumes what anybody owns; the owner cannot', async () => {
    await add(await aPool('AXB', stranger), [xAt(1)], { accountId: stranger })
    await rooms.numbers.lock(stranger, xAt(1))
    expect(await rooms.numbers.stop(xAt(1), 'frozen')).toMatchObject({ state: 'frozen' })
    await expect(rooms.numbers.unlock(stranger, xAt(1))).rejects.toEqual(
      refused('number-frozen', 'isv.FORBIDDEN_ACTION'),
    )
    expect(await rooms.numbers.stop(xAt(1), 'faulty')).toMatchObject({ state: 'faulty' })
    await expect(rooms.numbers.lock(stranger, xAt(1))).rejects.toEqual(
      refused('number-frozen', 'isv.FORBIDDEN_ACTION'),
    )
    // As its owner had it.
    expect(await rooms.numbers.resume(xAt(1))).toMatchObject({ state: 'locked' })
    expect(await rooms.numbers.unlock(stranger, xAt(1))).toMatchObject({ state: 'normal' })
    await rooms.numbers.stop(xAt(1), 'faulty')
    expect(await rooms.numbers.resume(xAt(1))).toMatchObject({ state: 'normal' })
  })

  test('what is not stopped is not resumed, and what is nobody’s is unknown', async () => {
    await add(await aPool(), [xAt(1)])
    await expect(rooms.numbers.resume(xAt(1))).rejects.toEqual(
      refused('number-not-stopped', 'isv.FORBIDDEN_ACTION'),
    )
    const unknown = refused('number-unknown', 'isv.NO_NOT_EXIST')
    await expect(rooms.numbers.resume(xAt(9))).rejects.toEqual(unknown)
    await expect(rooms.numbers.stop(xAt(9), 'frozen')).rejects.toEqual(unknown)
    await expect(rooms.numbers.lock(stranger, xAt(1))).rejects.toEqual(unknown)
  })

  test('a stopped number takes no binding', async () => {
    const poolKey = await aPool()
    await add(poolKey, [xAt(1)])
    await rooms.numbers.stop(xAt(1), 'faulty')
    const bind = () =>
      rooms.bindings.bind({
        accountId: mainAccount,
        poolKey,
        a: person(1),
        b: person(2),
        expiresAt: inMinutes(5),
      })
    await expect(bind()).rejects.toMatchObject({ vendorCode: 'isv.NO_AVAILABLE_NUMBER' })
    await rooms.numbers.resume(xAt(1))
    expect((await bind()).x).toBe(xAt(1))
  })

  test('every change of state is there for the caches to read', async () => {
    await add(await aPool(), [xAt(1)])
    await run('delete from invalidation')
    await rooms.numbers.lock(mainAccount, xAt(1))
    await rooms.numbers.stop(xAt(1), 'frozen')
    await rooms.numbers.resume(xAt(1))
    await rooms.numbers.note(mainAccount, xAt(1), 'no call sees this')
    await rooms.numbers.remove(mainAccount, xAt(1))
    const versions = (await run('select version from invalidation order by id')).map((row) =>
      Number(row['version']),
    )
    expect(versions).toHaveLength(4)
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
  })
})

describe('notes', () => {
  test('are written, replaced and removed', async () => {
    await add(await aPool(), [xAt(1)])
    expect(await rooms.numbers.note(mainAccount, xAt(1), '备用')).toMatchObject({ note: '备用' })
    expect(await rooms.numbers.get(mainAccount, xAt(1))).toMatchObject({ note: '备用' })
    expect(await rooms.numbers.note(mainAccount, xAt(1), undefined)).toMatchObject({
      note: undefined,
    })
    await expect(rooms.numbers.note(stranger, xAt(1), 'a')).rejects.toMatchObject({
      code: 'number-unknown',
    })
  })

  test.each(['', 'a'.repeat(129), 'a\0b'])('of %j are refused', async (note) => {
    await add(await aPool(), [xAt(1)])
    await expect(rooms.numbers.note(mainAccount, xAt(1), note)).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
  })
})
