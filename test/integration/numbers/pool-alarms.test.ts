import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Alarms, createAlarms } from '../../../src/alarms/alarms.ts'
import type { AccountId, PoolKey } from '../../../src/domain/ids.ts'
import { createPoolWatch } from '../../../src/numbers/pool-alarms.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { apiRooms, mainAccount, poolWith, xAt } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let rooms: ReturnType<typeof apiRooms>
let alarms: Alarms
let nextX = 0
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  rooms = apiRooms({ sql: database.sql, redis: await server.client() })
  alarms = createAlarms({ sql: database.sql })
})
afterAll(async () => {
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

/** A worker's look at all pools. A worker that has only just looked would rest. */
const look = () => createPoolWatch({ sql: database.sql, log })()
const of = async (poolKey: PoolKey) =>
  (await alarms.list({ accountId: mainAccount, poolKey })).items

async function aPool(numbers: number, alarmPercent: number | 'none' = 'none'): Promise<PoolKey> {
  const poolKey = await poolWith(
    rooms,
    Array.from({ length: numbers }, (_, at) => xAt(nextX + at)),
    'AXN',
  )
  nextX += numbers
  await rooms.pools.change(mainAccount, poolKey, { alarmPercent })
  return poolKey
}

async function use(poolKey: PoolKey, numbers: number): Promise<void> {
  await database.sql.rows({
    name: 'test.use',
    text: `update number set bound = case when position <= $2 then 1 else 0 end where pool_key = $1`,
    values: [poolKey, numbers],
  })
}

test('an alarm is raised once when the threshold is reached, and again only after it was well below', async () => {
  const poolKey = await aPool(100, 80)
  const states = async () => (await of(poolKey)).map((each) => each.clearedAt === undefined)
  await use(poolKey, 79)
  await look()
  expect(await states()).toEqual([])
  await use(poolKey, 80)
  await look()
  await look()
  expect(await of(poolKey)).toMatchObject([
    {
      accountId: mainAccount,
      kind: 'pool-utilisation',
      poolKey,
      percent: 80,
      threshold: 80,
      clearedAt: undefined,
    },
  ])
  await use(poolKey, 95)
  await look()
  // Not yet far enough below for it to be over.
  for (const numbers of [79, 81, 72, 80]) {
    await use(poolKey, numbers)
    await look()
  }
  expect(await states()).toEqual([true])
  await use(poolKey, 71)
  await look()
  expect(await states()).toEqual([false])
  await use(poolKey, 79)
  await look()
  expect(await states()).toEqual([false])
  await use(poolKey, 90)
  await look()
  expect(await states()).toEqual([true, false])
  expect((await of(poolKey))[0]?.percent).toBe(90)
})

test('any number of workers raise it once', async () => {
  const poolKey = await aPool(10, 50)
  await use(poolKey, 6)
  await Promise.all(Array.from({ length: 8 }, look))
  expect(await of(poolKey)).toHaveLength(1)
  await use(poolKey, 1)
  await Promise.all(Array.from({ length: 8 }, look))
  expect((await of(poolKey)).map(({ clearedAt }) => clearedAt instanceof Date)).toEqual([true])
})

test('a pool without a threshold, without numbers or in X mode raises none', async () => {
  const quiet = await aPool(2)
  await use(quiet, 2)
  const empty = await aPool(0, 1)
  const xMode = await poolWith(rooms, [], 'X_MODE')
  await look()
  for (const poolKey of [quiet, empty, xMode]) expect(await of(poolKey)).toEqual([])
})

test('an alarm is over when its pool has no threshold any more, or one that is far away', async () => {
  const [silenced, raised] = [await aPool(10, 50), await aPool(10, 50)]
  await use(silenced, 6)
  await use(raised, 6)
  await look()
  await rooms.pools.change(mainAccount, silenced, { alarmPercent: 'none' })
  await rooms.pools.change(mainAccount, raised, { alarmPercent: 90 })
  await look()
  for (const poolKey of [silenced, raised]) {
    expect((await of(poolKey)).map(({ clearedAt }) => clearedAt instanceof Date)).toEqual([true])
  }
})

test('a worker that has just looked at a pool rests before it looks again', async () => {
  const poolKey = await aPool(10, 50)
  const watch = createPoolWatch({ sql: database.sql, log })
  await watch()
  await use(poolKey, 6)
  await watch()
  expect(await of(poolKey)).toEqual([])
  await look()
  expect(await of(poolKey)).toHaveLength(1)
})

test('alarms are listed newest first in pages, by pool and by whether they are over, each to its own account', async () => {
  const pools = [await aPool(2, 50), await aPool(2, 50), await aPool(2, 50)]
  for (const poolKey of pools) {
    await use(poolKey, 1)
    await look()
  }
  const first = await alarms.list({ accountId: mainAccount, open: true, limit: 2 })
  expect(first.items.map(({ poolKey }) => poolKey)).toEqual([pools[2], pools[1]])
  const next = await alarms.list({
    accountId: mainAccount,
    open: true,
    limit: 1,
    cursor: first.nextCursor,
  })
  expect(next.items.map(({ poolKey }) => poolKey)).toEqual([pools[0]])
  await use(pools[1] as PoolKey, 0)
  await look()
  const over = await alarms.list({ accountId: mainAccount, open: false, poolKey: pools[1] })
  expect(over.items).toHaveLength(1)
  expect(
    (await alarms.list({ accountId: mainAccount, open: true, poolKey: pools[1] })).items,
  ).toEqual([])
  expect((await alarms.list({ accountId: 'other' as AccountId })).items).toEqual([])
  await expect(alarms.list({ accountId: mainAccount, cursor: 'eA' })).rejects.toMatchObject({
    code: 'cursor-unknown',
  })
})
