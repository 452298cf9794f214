import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountId } from '../../../src/domain/ids.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  phone,
  poolWith,
  routerRooms,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let redis: Redis
let rooms: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
const stranger = 'other' as AccountId

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis })
  router = routerRooms({ sql: database.sql, redis })
  worker = workerRooms({ sql: database.sql, redis })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(0)))
  await database.sql.rows({
    name: 'test.account',
    text: `insert into account (id, name) values ('other', 'Somebody else')`,
    values: [],
  })
})
afterAll(async () => {
  await router.trust.stop()
  await worker.keeper.stop()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

const refused = (code: string, vendorCode: string) => expect.objectContaining({ code, vendorCode })
const numberOf = async (at: number) =>
  (await router.resolve({ caller: person(1), dialled: xAt(at) })).number

describe('numbers', () => {
  test('a number that was called before it was ours is found once it is added, and not once it is removed', async () => {
    expect(await numberOf(100)).toBeUndefined()
    await until(
      async () =>
        (await router.resolve({ caller: person(1), dialled: xAt(100) })).source === 'redis',
    )
    const poolKey = await poolWith(rooms, [xAt(100)])
    expect(await numberOf(100)).toMatchObject({ x: xAt(100), poolKey, state: 'normal' })
    await rooms.numbers.remove(mainAccount, xAt(100))
    expect(await numberOf(100)).toBeUndefined()
    await poolWith(rooms, [xAt(100)])
    expect(await numberOf(100)).toBeDefined()
  })

  test('all or none are added', async () => {
    const poolKey = await poolWith(rooms, [xAt(200)])
    const add = (numbers: number[], more = {}) =>
      rooms.numbers.add({ accountId: mainAccount, poolKey, numbers: numbers.map(xAt), ...more })
    await expect(add([201, 200])).rejects.toEqual(refused('number-taken', 'isv.NO_USED_BY_OTHERS'))
    await expect(rooms.numbers.get(mainAccount, xAt(201))).rejects.toEqual(
      refused('number-unknown', 'isv.NO_NOT_EXIST'),
    )
    await expect(add([202, 202])).rejects.toEqual(
      refused('invalid-parameters', 'isv.INVALID_PARAMETERS'),
    )
    await expect(add([])).rejects.toEqual(refused('invalid-parameters', 'isv.INVALID_PARAMETERS'))
    await expect(add([203], { poolKey: 'FC999999999999999' })).rejects.toEqual(
      refused('pool-unknown', 'isv.POOLKEY_NOT_EXISTS'),
    )
    await expect(add([203], { accountId: stranger })).rejects.toEqual(
      refused('pool-unknown', 'isv.POOLKEY_NOT_EXISTS'),
    )
    const [added] = await add([201], { city: '杭州' })
    expect(added).toMatchObject({ x: xAt(201), city: '杭州', bindings: 0, product: 'AXB' })
    expect(await numberOf(201)).toMatchObject({ city: '杭州' })
  })

  test('a number that is somebody behind a binding cannot become an X', async () => {
    const poolKey = await poolWith(rooms, [xAt(300)])
    const ask = { accountId: mainAccount, poolKey, b: person(2), expiresAt: inMinutes(5) }
    await rooms.bindings.bind({ ...ask, a: phone(xAt(301)), x: xAt(300) })
    await expect(poolWith(rooms, [xAt(301)])).rejects.toEqual(
      refused('number-is-party', 'isv.NO_USED_BY_OTHERS'),
    )
  })

  test('a bound X is not removed, and nothing of another account is touched', async () => {
    const poolKey = await poolWith(rooms, [xAt(400)])
    const ask = {
      accountId: mainAccount,
      poolKey,
      a: person(1),
      b: person(2),
      expiresAt: inMinutes(5),
    }
    const bound = await rooms.bindings.bind(ask)
    await expect(rooms.numbers.remove(mainAccount, xAt(400))).rejects.toEqual(
      refused('number-bound', 'isv.FORBIDDEN_ACTION'),
    )
    const unknown = refused('number-unknown', 'isv.NO_NOT_EXIST')
    await expect(rooms.numbers.get(stranger, xAt(400))).rejects.toEqual(unknown)
    await expect(rooms.numbers.lock(stranger, xAt(400))).rejects.toEqual(unknown)
    await rooms.bindings.unbind({ accountId: mainAccount, id: bound.id })
    await expect(rooms.numbers.remove(stranger, xAt(400))).rejects.toEqual(unknown)
    await rooms.numbers.remove(mainAccount, xAt(400))
    await expect(rooms.numbers.remove(mainAccount, xAt(400))).rejects.toEqual(unknown)
    expect((await rooms.bindings.get(mainAccount, bound.id)).x).toBe(xAt(400))
  })

  test('the list is narrowed by pool, state and use', async () => {
    const poolKey = await poolWith(rooms, [xAt(500), xAt(501), xAt(502)])
    await rooms.numbers.lock(mainAccount, xAt(501))
    const ask = {
      accountId: mainAccount,
      poolKey,
      a: person(1),
      b: person(2),
      expiresAt: inMinutes(5),
    }
    await rooms.bindings.bind({ ...ask, x: xAt(502) })
    const of = async (filter: object) =>
      (await rooms.numbers.list({ accountId: mainAccount, poolKey, ...filter })).items.map(
        ({ x }) => x,
      )
    expect(await of({})).toEqual([xAt(500), xAt(501), xAt(502)])
    expect(await of({ state: 'locked' })).toEqual([xAt(501)])
    expect(await of({ bound: true })).toEqual([xAt(502)])
    expect(await of({ bound: false })).toEqual([xAt(500), xAt(501)])
    expect(await of({ limit: 1 })).toEqual([xAt(500)])
    const page = await rooms.numbers.list({ accountId: mainAccount, poolKey, limit: 2 })
    expect(await of({ cursor: page.nextCursor })).toEqual([xAt(502)])
    expect(await of({ accountId: stranger })).toEqual([])
  })

  test('a thousand at once are added and found', async () => {
    const poolKey = await poolWith(
      rooms,
      Array.from({ length: 1000 }, (_, at) => xAt(10_000 + at)),
    )
    expect(await rooms.pools.get(mainAccount, poolKey)).toMatchObject({
      usage: { numbers: 1000, boundNumbers: 0 },
    })
    expect(await numberOf(10_999)).toMatchObject({ poolKey })
  })
})
