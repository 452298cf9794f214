import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { VirtualNumber } from '../../../src/domain/ids.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  phone,
  poolWith,
} from '../../support/data-rooms.ts'
import { marketRooms, stockCsv } from '../../support/market.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let redis: Redis
let rooms: ReturnType<typeof apiRooms>
let market: ReturnType<typeof marketRooms>

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis })
  market = marketRooms({ sql: database.sql, redis })
})
afterAll(async () => {
  await market.publisher.close()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})
beforeEach(async () => {
  await database.sql.rows({ name: 'test.empty', text: 'delete from stock', values: [] })
})

const importText = (text: string | Uint8Array, firstLine?: number) =>
  market.inventory.importCsv([text], firstLine)
const left = async (filter: Parameters<typeof market.stockLeft.remaining>[0] = {}) =>
  (await market.stockLeft.remaining(filter)).left
const refused = (code: string, vendorCode: string) => expect.objectContaining({ code, vendorCode })
const x = (text: string) => text as VirtualNumber

describe('an import', () => {
  test('takes good lines in, however the columns are called and ordered', async () => {
    const csv = [
      '\ufeff归属地,类型,号码,运营商',
      '杭州市,1,17000000001,移动',
      '"浙江省杭州市",1,+8617000000002,',
      '',
      '海口,2,17102000009,3',
      '全国通用,3,95013000001,',
      ',3,95013000002,Unicom',
    ].join('\r\n')
    expect(await importText(csv)).toEqual({
      lines: 5,
      added: 5,
      unchanged: 0,
      faulty: 0,
      faults: [],
    })
    const { items } = await market.inventory.list({})
    expect(
      items.map((each) => [each.x, each.class, each.city, each.province, each.carrier]),
    ).toEqual([
      ['+8617000000001', 1, '杭州', '浙江', 1],
      ['+8617000000002', 1, '杭州', '浙江', undefined],
      ['+8617102000009', 2, '海口', '海南', 3],
      ['+8695013000001', 3, '全国通用', undefined, undefined],
      ['+8695013000002', 3, '全国通用', undefined, 2],
    ])
  })

  test('names every faulty line and what to do, and takes the others in', async () => {
    const csv = [
      'number,class,city,carrier',
      '17000000001,1,杭州',
      'nonsense,1,杭州',
      '17000000002,4,杭州',
      '17000000003,3,',
      '95013000001,2,杭州',
      '17000000004,1,三亚',
      '17000000005,1,',
      '17000000006,1,杭州,Vodafone',
      '95013000002,3,杭州',
      '17000000001,2,宁波',
      '17000000001,1,杭州',
      '17000000007',
      '17000000008,1,杭"州',
    ].join('\n')
    const result = await importText(csv)
    expect(result).toMatchObject({ lines: 13, added: 1, unchanged: 1, faulty: 11 })
    expect(result.faults.map(({ line, detail }) => [line, detail.split(':')[0]])).toEqual([
      [3, 'number'],
      [4, 'class'],
      [5, 'class'],
      [6, 'class'],
      [7, 'city'],
      [8, 'city'],
      [9, 'carrier'],
      [10, 'city'],
      [11, 'number'],
      [13, 'class'],
      [14, 'city'],
    ])
    expect(result.faults[4]?.detail).toContain('海口')
    expect(result.faults[8]?.detail).toContain('line 2')
  })

  test('of the same file again changes nothing', async () => {
    const csv = stockCsv('17000000000', 12_000, '1,杭州')
    expect(await importText(csv)).toMatchObject({ lines: 12_000, added: 12_000 })
    expect(await importText(csv)).toMatchObject({ added: 0, unchanged: 12_000, faulty: 0 })
    expect(await left()).toBe(12_000)
  })

  test('twice at the same time adds each number once', async () => {
    const csv = stockCsv('17000000000', 11_000, '1,杭州')
    const results = await Promise.all([importText(csv), importText(csv)])
    expect(results[0].added + results[1].added).toBe(11_000)
    expect(results.map(({ faulty }) => faulty)).toEqual([0, 0])
    expect(await left()).toBe(11_000)
  })

  test('counts lines from where its part of the file begins', async () => {
    const result = await importText(
      'number,class,city\n17000000001,1,杭州\nnonsense,1,杭州\n',
      50_002,
    )
    expect(result.faults).toEqual([expect.objectContaining({ line: 50_003 })])
  })

  test('reads a file that comes in pieces cut anywhere', async () => {
    const bytes = Buffer.from('number,class,city\n17000000001,1,杭州\n17000000002,1,乌鲁木齐\n')
    const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte))
    expect(await market.inventory.importCsv(pieces)).toMatchObject({ added: 2, faulty: 0 })
  })

  test('refuses to touch a number with other facts than it has', async () => {
    await importText(stockCsv('17000000001', 1, '1,杭州'))
    const result = await importText(stockCsv('17000000001', 1, '2,杭州'))
    expect(result).toMatchObject({ added: 0, faulty: 1 })
    expect(result.faults[0]?.detail).toMatch(/class 1, 杭州.*remove it first/)
  })

  test('leaves a number out that somebody has, as X or as A', async () => {
    const poolKey = await poolWith(rooms, [x('+8617099000001')])
    await rooms.bindings.bind({
      accountId: mainAccount,
      poolKey,
      a: phone('+8617099000007'),
      b: person(3),
      expiresAt: inMinutes(10),
    })
    const result = await importText(
      'number,class,city\n17099000001,1,杭州\n17099000007,1,杭州\n17099000008,1,杭州\n',
    )
    expect(result).toMatchObject({ added: 1, faulty: 2 })
    expect(result.faults.map(({ line }) => line)).toEqual([2, 3])
  })

  test.each([
    ['an empty file', '', 'The file is empty'],
    [
      'a file without the columns',
      'phone,town\n17000000001,杭州\n',
      'Missing: number, class, city',
    ],
    [
      'a quote that is never closed',
      `number,class,city\n"17000000001,1,杭州\n${'1\n'.repeat(9000)}`,
      'quote',
    ],
  ])('of %s is refused in words', async (_what, csv, words) => {
    await expect(importText(csv)).rejects.toMatchObject({
      code: 'invalid-parameters',
      message: expect.stringContaining(words),
    })
  })

  test('says when the one who sends it breaks off', async () => {
    async function* broken() {
      yield 'number,class,city\n17000000001,1,杭州\n'
      throw new Error('gone')
    }
    await expect(market.inventory.importCsv(broken())).rejects.toThrow('gone')
  })
})

describe('stock', () => {
  test('is listed page by page with filters', async () => {
    await importText(
      'number,class,city,carrier\n17000000001,1,杭州,1\n17000000002,1,宁波,2\n17100000001,2,杭州,3\n',
    )
    const list = async (filter: Parameters<typeof market.inventory.list>[0]) =>
      (await market.inventory.list(filter)).items.map((each) => each.x)
    expect(await list({ class: 1 })).toEqual(['+8617000000001', '+8617000000002'])
    expect(await list({ city: '浙江省杭州市' })).toEqual(['+8617000000001', '+8617100000001'])
    expect(await list({ carrier: 2 })).toEqual(['+8617000000002'])
    expect(await list({ beginning: '171' })).toEqual(['+8617100000001'])
    expect(await list({ beginning: '17000000002' })).toEqual(['+8617000000002'])
    expect(await list({ state: 'sold' })).toEqual([])
    const first = await market.inventory.list({ limit: 2 })
    const second = await market.inventory.list({ limit: 2, cursor: first.nextCursor })
    expect([...first.items, ...second.items]).toHaveLength(3)
    expect(second.nextCursor).toBeUndefined()
    await expect(market.inventory.list({ cursor: 'abc' })).rejects.toMatchObject({
      code: 'cursor-unknown',
    })
  })

  test('is counted by class, city and state', async () => {
    await importText(stockCsv('17000000000', 3, '1,杭州'))
    await importText(stockCsv('95013000000', 2, '3,'))
    expect(await market.inventory.counts()).toEqual([
      { class: 1, city: '杭州', province: '浙江', free: 3, sold: 0, returned: 0, withdrawn: 0 },
      {
        class: 3,
        city: '全国通用',
        province: undefined,
        free: 2,
        sold: 0,
        returned: 0,
        withdrawn: 0,
      },
    ])
  })

  test('loses a number that is taken out, and only what is there', async () => {
    await importText(stockCsv('17000000001', 1, '1,杭州'))
    await market.inventory.remove(x('+8617000000001'))
    expect(await left()).toBe(0)
    await expect(market.inventory.remove(x('+8617000000001'))).rejects.toEqual(
      refused('stock-unknown', 'isv.NO_NOT_EXIST'),
    )
    await expect(market.inventory.restore(x('+8617000000001'))).rejects.toEqual(
      refused('stock-unknown', 'isv.NO_NOT_EXIST'),
    )
  })
})

describe('what is left', () => {
  beforeEach(async () => {
    await importText(stockCsv('17000000000', 5, '1,杭州'))
    await importText(stockCsv('17100000000', 3, '2,杭州市'))
    await importText(stockCsv('17101000000', 2, '2,北京'))
    await importText(stockCsv('95013000000', 4, '3,全国通用'))
  })

  test('is told by city and class, nationwide first, in the order of the list', async () => {
    expect(await market.stockLeft.remaining({})).toEqual({
      left: 14,
      cities: [
        { city: '全国通用', province: undefined, left: 4, byClass: { 1: 0, 2: 0, 3: 4 } },
        { city: '北京', province: '北京', left: 2, byClass: { 1: 0, 2: 2, 3: 0 } },
        { city: '杭州', province: '浙江', left: 8, byClass: { 1: 5, 2: 3, 3: 0 } },
      ],
    })
  })

  test.each([
    [{ class: 2 as const }, 5],
    [{ class: 2 as const, city: '浙江省杭州市' }, 3],
    [{ city: '宁波' }, 0],
    [{ beginning: '1700000000' }, 5],
    [{ beginning: '17000000003' }, 1],
    [{ class: 1 as const, beginning: '171' }, 0],
    [{ class: 3 as const, city: '全国通用' }, 4],
  ])('of %j: %i', async (filter, count) => {
    expect(await left(filter)).toBe(count)
  })

  test('of a city that is not in the list is refused', async () => {
    await expect(left({ city: '三亚' })).rejects.toEqual(
      refused('city-unknown', 'isv.ILLEGAL_ARGUMENT'),
    )
  })
})
