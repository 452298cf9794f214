import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { AccountId, PoolKey } from '../../../src/domain/ids.ts'
import type { CreatePool } from '../../../src/numbers/pool.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { apiRooms, mainAccount, xAt } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let redis: Redis
let rooms: ReturnType<typeof apiRooms>
let nextX = 0
const stranger = 'other' as AccountId

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis })
  await run(`insert into account (id, name) values ('other', 'Somebody else')`)
})
afterAll(async () => {
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

let statements = 0
function run<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  statements += 1
  return database.sql.rows<Row>({ name: `test.${statements}`, text, values })
}

const xMode = { product: 'X_MODE' as const, controlUrl: 'https://calls.example.com/decide' }
const create = (pool: Partial<CreatePool> = {}) =>
  rooms.pools.create({ accountId: mainAccount, name: 'pool', product: 'AXB', ...pool })

async function addNumbers(poolKey: PoolKey, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, at) => xAt(nextX + at))
  nextX += count
  await rooms.numbers.add({ accountId: mainAccount, poolKey, numbers })
}

/** As if so many were bound on each of the first numbers of the pool. */
function bindInFigures(poolKey: PoolKey, numbers: number, each: number) {
  return run('update number set bound = $3 where pool_key = $1 and position <= $2', [
    poolKey,
    numbers,
    each,
  ])
}

describe('pools', () => {
  test('a pool of every product can be made, has a key of the vendor form and its defaults', async () => {
    const products: Product[] = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG']
    for (const product of products) {
      const pool = await create({ product, name: `外卖 ${product}`.slice(0, 16) })
      expect(pool.key).toMatch(/^FC\d{15}$/)
      expect(pool).toMatchObject({
        product,
        assignmentMode: 'default',
        callbackMode: 'default-b',
        smsMode: 'off',
        tones: {},
        recording: false,
        ringSecondsMax: 60,
        talkSecondsMax: 14_400,
        alarmPercent: undefined,
        coolingDays: 0,
        usage: { numbers: 0, boundNumbers: 0, bindings: 0, bindable: 0, utilisation: 0 },
      })
      expect(await rooms.pools.get(mainAccount, pool.key)).toEqual(pool)
    }
    expect(await create(xMode)).toMatchObject(xMode)
  })

  test('everything that a pool can say is kept', async () => {
    const said = {
      name: 'everything',
      product: 'AXN',
      assignmentMode: 'smart',
      callbackMode: 'last-caller',
      smsMode: 'intercept',
      tones: { a: '10000001', alone: '10000002', peer: '10000003', aPickup: '4', peerPickup: '5' },
      recording: true,
      ringSecondsMax: 20,
      talkSecondsMax: 600,
      alarmPercent: 80,
      coolingDays: 7,
    } as const
    expect(await create(said)).toMatchObject(said)
  })

  test('what is absent from a change stays, tones are replaced, an alarm can go', async () => {
    const pool = await create({
      product: 'AXN',
      recording: true,
      alarmPercent: 80,
      tones: { a: '1', peer: '2' },
    })
    const renamed = await rooms.pools.change(mainAccount, pool.key, { name: 'renamed' })
    expect(renamed).toEqual({ ...pool, name: 'renamed' })
    const changed = await rooms.pools.change(mainAccount, pool.key, {
      tones: { alone: '3' },
      recording: false,
      alarmPercent: 'none',
      coolingDays: 3,
      assignmentMode: 'strict',
      smsMode: 'smart',
      callbackMode: 'disabled',
      ringSecondsMax: 30,
      talkSecondsMax: 90,
    })
    expect(changed).toMatchObject({
      name: 'renamed',
      tones: { alone: '3' },
      recording: false,
      alarmPercent: undefined,
      coolingDays: 3,
      assignmentMode: 'strict',
      smsMode: 'smart',
      callbackMode: 'disabled',
      ringSecondsMax: 30,
      talkSecondsMax: 90,
    })
    expect(await rooms.pools.get(mainAccount, pool.key)).toEqual(changed)
  })

  test.each<[string, Partial<CreatePool>, string]>([
    ['a name that is too long', { name: 'x'.repeat(17) }, 'invalid-parameters'],
    ['no name', { name: '' }, 'invalid-parameters'],
    ['X mode without a control URL', { product: 'X_MODE' }, 'invalid-parameters'],
    ['a private control URL', { ...xMode, controlUrl: 'http://10.0.0.1/' }, 'invalid-parameters'],
    ['a callback mode on AXB', { callbackMode: 'disabled' }, 'not-of-product'],
    ['SMS on 95 numbers', { product: '95AXN', smsMode: 'intercept' }, 'not-of-product'],
    ['a ring limit out of range', { ringSecondsMax: 4 }, 'invalid-parameters'],
    ['a talk limit out of range', { talkSecondsMax: 0 }, 'invalid-parameters'],
    ['a tone with a path in it', { tones: { a: '../x' } }, 'invalid-parameters'],
    ['a tone that nobody hears', { tones: { alone: '1' } }, 'not-of-product'],
  ])('%s is refused', async (_, change, code) => {
    await expect(create(change)).rejects.toMatchObject({
      code,
      httpStatus: 422,
      vendorCode: 'isv.INVALID_PARAMETERS',
    })
  })

  test('the same key makes the same pool, at the same time too, and never another', async () => {
    const said = { idempotencyKey: 'pool-7', name: 'once', tones: { a: '1' } }
    const made = await Promise.all(Array.from({ length: 8 }, () => create(said)))
    expect(new Set(made.map(({ key }) => key)).size).toBe(1)
    expect(await create(said)).toEqual(made[0])
    await expect(create({ ...said, recording: true })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
      httpStatus: 422,
    })
    await run(`insert into account (id, name) values ('fourth', 'A fourth')`)
    const theirs = await create({ ...said, accountId: 'fourth' as AccountId })
    expect(theirs.key).not.toBe(made[0]?.key)
    const { items } = await rooms.pools.list({ accountId: mainAccount, search: 'once' })
    expect(items).toHaveLength(1)
  })

  test('a change is judged by the product of the pool, and nobody changes that of another account', async () => {
    const { key } = await create()
    const change = (of: AccountId, what: object) => rooms.pools.change(of, key, what)
    await expect(change(mainAccount, { callbackMode: 'disabled' })).rejects.toMatchObject({
      code: 'not-of-product',
    })
    await expect(change(mainAccount, { name: '' })).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
    const unknown = { code: 'pool-unknown', httpStatus: 404, vendorCode: 'isv.POOLKEY_NOT_EXISTS' }
    await expect(change(stranger, { name: 'mine' })).rejects.toMatchObject(unknown)
    await expect(rooms.pools.get(stranger, key)).rejects.toMatchObject(unknown)
  })

  test('its use is told in numbers, in bindings and in per cent', async () => {
    const { key } = await create()
    await addNumbers(key, 4)
    await bindInFigures(key, 2, 50)
    const [locked] = await run<{ x: string }>(
      'select x from number where pool_key = $1 and position = 4',
      [key],
    )
    await rooms.numbers.lock(mainAccount, locked?.x as never)
    expect((await rooms.pools.get(mainAccount, key)).usage).toEqual({
      numbers: 4,
      boundNumbers: 2,
      bindings: 100,
      bindable: 500,
      utilisation: 12.5,
    })
    const axg = await create({ product: 'AXG' })
    await addNumbers(axg.key, 3)
    await bindInFigures(axg.key, 1, 1)
    expect((await rooms.pools.get(mainAccount, axg.key)).usage).toMatchObject({
      bindings: 1,
      bindable: 2,
      utilisation: 33.33,
    })
  })

  test('pages follow one another in either order, and nobody sees those of another account', async () => {
    for (let at = 0; at < 3; at += 1) await create({ accountId: stranger, name: `p${at}` })
    const list = (more: object) => rooms.pools.list({ accountId: stranger, ...more })
    const first = await list({ limit: 2 })
    const second = await list({ limit: 2, cursor: first.nextCursor })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['p2', 'p1', 'p0'])
    expect(second.nextCursor).toBeUndefined()
    const oldest = await list({ limit: 2, order: 'oldest' })
    const rest = await list({ order: 'oldest', cursor: oldest.nextCursor })
    expect([...oldest.items, ...rest.items].map(({ name }) => name)).toEqual(['p0', 'p1', 'p2'])
    const mine = await rooms.pools.list({ accountId: mainAccount })
    expect(mine.items.every(({ accountId }) => accountId === mainAccount)).toBe(true)
    await expect(list({ cursor: 'bm9uc2Vuc2U' })).rejects.toMatchObject({ code: 'cursor-unknown' })
  })

  test('pools are found by product, by key and by a part of the name, and counted by product', async () => {
    await run(`insert into account (id, name) values ('third', 'A third')`)
    const third = 'third' as AccountId
    const couriers = await create({ accountId: third, name: 'Couriers 100%' })
    const cars = await create({ accountId: third, name: '网约车', product: 'AXN' })
    const found = async (filter: object) => {
      const { items } = await rooms.pools.list({ accountId: third, ...filter })
      return items.map(({ key }) => key)
    }
    expect(await found({ search: 'COURI' })).toEqual([couriers.key])
    expect(await found({ search: '%' })).toEqual([couriers.key])
    expect(await found({ search: '约' })).toEqual([cars.key])
    expect(await found({ search: cars.key })).toEqual([cars.key])
    expect(await found({ search: cars.key.toLowerCase() })).toEqual([cars.key])
    expect(await found({ search: 'nobody' })).toEqual([])
    expect(await found({ product: 'AXN' })).toEqual([cars.key])
    expect(await found({ product: 'AXN', search: 'COURI' })).toEqual([])
    expect([...(await rooms.pools.countByProduct(third))].sort()).toEqual([
      ['AXB', 1],
      ['AXN', 1],
    ])
  })

  test('a pool of 100 000 numbers is added up', async () => {
    const { key } = await create()
    // A statement has five seconds, also on a machine that is busy with other work.
    for (let from = 1; from < 100_000; from += 2_000) {
      await run(
        `insert into number (x, x_index, account_id, pool_key, position)
         select '+8617199' || lpad(at::text, 6, '0'), 'index ' || at, 'main', $1, at
           from generate_series($2::integer, $2::integer + 1999) as at`,
        [key, from],
      )
    }
    await run('analyze number')
    const { usage } = await rooms.pools.get(mainAccount, key)
    expect(usage).toMatchObject({ numbers: 100_000, bindable: 20_000_000 })
  })
})
