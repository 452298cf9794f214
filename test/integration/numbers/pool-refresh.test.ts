import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { createPoolRefresh } from '../../../src/numbers/pool-refresh.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import {
  apiRooms,
  mainAccount,
  person,
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
let apis: ReturnType<typeof apiRooms>[]
let routers: ReturnType<typeof routerRooms>[]
let worker: ReturnType<typeof workerRooms>
let nextX = 0
const childFile = fileURLToPath(new URL('./change-pool-until-killed.ts', import.meta.url))

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  const { sql } = database
  const client = () => server.client()
  apis = [apiRooms({ sql, redis: await client() }), apiRooms({ sql, redis: await client() })]
  routers = [
    routerRooms({ sql, redis: await client() }),
    routerRooms({ sql, redis: await client() }),
  ]
  worker = workerRooms({ sql, redis: await client() })
  worker.keeper.start()
  for (const { trust } of routers) trust.start()
  await until(() => routers.every(({ trust }) => trust.believes(xAt(0))))
})
afterAll(async () => {
  await Promise.all(routers.map(({ trust }) => trust.stop()))
  await worker.keeper.stop()
  await Promise.all(apis.map(({ publisher }) => publisher.close()))
  await server.stop()
  await database.drop()
})

let statements = 0
function run<Row>(text: string, values: readonly unknown[] = [], sql: Sql = database.sql) {
  statements += 1
  return sql.rows<Row>({ name: `test.${statements}`, text, values })
}

const at = <T>(items: readonly T[], place: number): T => items[place % items.length] as T

async function aPool(count: number): Promise<{ poolKey: PoolKey; numbers: VirtualNumber[] }> {
  const numbers = Array.from({ length: count }, (_, place) => xAt(nextX + place))
  nextX += count
  return { poolKey: await poolWith(at(apis, 0), numbers), numbers }
}

const settingsOf = async (x: VirtualNumber, router = at(routers, 0)) => {
  const { number, source } = await router.resolve({ caller: person(1), dialled: x })
  return { ...number?.settings, source }
}

/** Until Redis answers for it, with what is true now. */
const warm = (numbers: readonly VirtualNumber[]) =>
  Promise.all(numbers.map((x) => until(async () => (await settingsOf(x)).source === 'redis')))

const change = (poolKey: PoolKey, what: object, api = 0) =>
  at(apis, api).pools.change(mainAccount, poolKey, what)

const allWalked = () => until(async () => (await underWay()) === 0, 40_000)
const underWay = async () => (await run('select 1 from pool_refresh')).length

describe('a change of a pool', () => {
  test('is true for the next call to each of its numbers, which Redis then has again', async () => {
    const { poolKey, numbers } = await aPool(2_300)
    const some = [numbers[0], numbers[999], numbers[1000], numbers[2299]] as VirtualNumber[]
    await warm(some)
    await change(poolKey, { ringSecondsMax: 21, recording: true, tones: { a: '10000002' } })
    for (const router of routers) {
      for (const x of some) {
        expect(await settingsOf(x, router)).toMatchObject({
          ringSecondsMax: 21,
          recording: true,
          tones: { a: '10000002' },
        })
      }
    }
    await allWalked()
    await warm(some)
  })

  test.each<[Product, object, object]>([
    ['AXN', { callbackMode: 'last-caller' }, { callbackMode: 'last-caller' }],
    ['AXN_EXTENSION', { callbackMode: 'disabled' }, { callbackMode: 'disabled' }],
    ['AXG', { tones: { alone: '7' } }, { tones: { alone: '7' } }],
    [
      'X_MODE',
      { controlUrl: 'https://other.example.com/' },
      { controlUrl: 'https://other.example.com/' },
    ],
  ])('of product %s, by what only that has', async (product, what, seen) => {
    const x = xAt(nextX)
    nextX += 1
    const poolKey = await poolWith(at(apis, 0), [x], product)
    await warm([x])
    await change(poolKey, what)
    expect(await settingsOf(x)).toMatchObject(seen)
    await warm([x])
    expect(await settingsOf(x)).toMatchObject(seen)
  })

  test('that calls do not see costs no number a new version', async () => {
    const { poolKey, numbers } = await aPool(2)
    const versions = () =>
      run<{ x: string }>('select x, version from number where pool_key = $1 order by x', [poolKey])
    const before = await versions()
    await change(poolKey, { name: 'renamed', alarmPercent: 50, coolingDays: 2, smsMode: 'smart' })
    await change(poolKey, { ringSecondsMax: 60 })
    expect(await versions()).toEqual(before)
    await change(poolKey, { ringSecondsMax: 61 })
    expect(await versions()).not.toEqual(before)
    expect(await settingsOf(at(numbers, 0))).toMatchObject({ ringSecondsMax: 61 })
  })

  test('at the same time as another: each is true when it has been answered, both in the end', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { poolKey, numbers } = await aPool(1_500)
      const some = numbers.filter((_, place) => place % 300 === 0)
      await warm(some)
      const first = change(poolKey, { ringSecondsMax: 20 + round }, 0).then(async () => {
        for (const x of some) {
          expect(await settingsOf(x, at(routers, 0))).toMatchObject({ ringSecondsMax: 20 + round })
        }
      })
      const second = change(poolKey, { talkSecondsMax: 200 + round }, 1).then(async () => {
        for (const x of some) {
          expect(await settingsOf(x, at(routers, 1))).toMatchObject({ talkSecondsMax: 200 + round })
        }
      })
      await Promise.all([first, second])
      for (const x of some) {
        expect(await settingsOf(x)).toMatchObject({
          ringSecondsMax: 20 + round,
          talkSecondsMax: 200 + round,
        })
      }
    }
    await allWalked()
  })

  test('is never seen to go back, however often it is changed and looked at', async () => {
    const { poolKey, numbers } = await aPool(30)
    let answered = 5
    let over = false
    const looks = routers.map(async (router, lane) => {
      for (let look = lane; !over; look += 1) {
        const atLeast = answered
        const { ringSecondsMax } = await settingsOf(at(numbers, look * 7), router)
        expect(ringSecondsMax).toBeGreaterThanOrEqual(atLeast)
      }
    })
    await change(poolKey, { ringSecondsMax: 5 })
    const changes = (async () => {
      for (let value = 6; value < 60; value += 1) {
        await change(poolKey, { ringSecondsMax: value }, value)
        answered = value
      }
    })()
    await changes.finally(() => {
      over = true
    })
    await Promise.all(looks)
  })

  test('reaches numbers that come while it is under way', async () => {
    const { poolKey } = await aPool(3_000)
    const late = Array.from({ length: 10 }, (_, place) => xAt(nextX + place))
    nextX += 10
    const adding = Promise.all(
      late.map((x) => at(apis, 1).numbers.add({ accountId: mainAccount, poolKey, numbers: [x] })),
    )
    await Promise.all([adding, change(poolKey, { ringSecondsMax: 44 })])
    for (const x of late) expect(await settingsOf(x)).toMatchObject({ ringSecondsMax: 44 })
  })

  test('is answered and true before its numbers have been walked', async () => {
    const { poolKey, numbers } = await aPool(2_500)
    const some = [numbers[0], numbers[1_500], numbers[2_499]] as VirtualNumber[]
    await warm(some)
    let isReleased = false
    let isHeld = (): void => undefined
    const holding = new Promise<void>((resolve) => {
      isHeld = resolve
    })
    // As a binder that takes its time: no walk gets past the number while it lasts.
    const holder = database.sql.transaction(async (session) => {
      await run('select 1 from number where x = $1 for no key update', [some[0]], session)
      isHeld()
      // A transaction that does nothing for long would be ended.
      const look = async () => (await run('select 1', [], session)).length === 1 && isReleased
      await until(look, 60_000)
    })
    await holding
    try {
      await change(poolKey, { ringSecondsMax: 66 })
      expect(await underWay()).toBe(1)
      for (const router of routers) {
        for (const x of some) {
          expect(await settingsOf(x, router)).toMatchObject({
            ringSecondsMax: 66,
            source: 'postgres',
          })
        }
      }
      // The same said again is answered as well.
      await change(poolKey, { ringSecondsMax: 66 })
      expect(await underWay()).toBe(1)
    } finally {
      isReleased = true
      await holder
    }
    await allWalked()
    await warm(some)
    for (const x of some) expect(await settingsOf(x)).toMatchObject({ ringSecondsMax: 66 })
  })

  test('of a process that is killed in the middle is finished by a worker', async () => {
    const { poolKey, numbers } = await aPool(30_000)
    const some = numbers.filter((_, place) => place % 3_000 === 0 || place === 29_999)
    await warm(some)
    const args = ['--import', 'tsx', childFile, database.url, server.url, poolKey]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const exited = once(child, 'exit')
    await until(async () => {
      const [row] = await run<{ next_position: number }>('select next_position from pool_refresh')
      return (row?.next_position ?? 0) > 1_000
    })
    child.kill('SIGKILL')
    await exited
    const [left] = await run<{ next_position: number }>('select next_position from pool_refresh')
    expect(left?.next_position).toBeLessThan(30_000)
    await allWalked()
    for (const x of some) expect(await settingsOf(x)).toMatchObject({ ringSecondsMax: 33 })
    await warm(some)
    for (const x of some) expect(await settingsOf(x)).toMatchObject({ ringSecondsMax: 33 })
  })

  test('that was left by another is finished by whoever says the same, before the answer', async () => {
    const { poolKey, numbers } = await aPool(3)
    await warm(numbers)
    await worker.keeper.stop()
    try {
      // What a process leaves that dies right after its commit.
      await run(`update pool set ring_seconds_max = 37 where key = $1`, [poolKey])
      expect(await settingsOf(at(numbers, 0))).toMatchObject({ ringSecondsMax: 60 })
      await run(`insert into pool_refresh (pool_key, touched_at) values ($1, to_timestamp(0))`, [
        poolKey,
      ])
      await change(poolKey, { ringSecondsMax: 37 })
      for (const x of numbers) expect(await settingsOf(x)).toMatchObject({ ringSecondsMax: 37 })
      await allWalked()
    } finally {
      worker.keeper.start()
    }
  })

  test('is answered and true although Redis is away', async () => {
    const other = await startRedis()
    const redis: Redis = await other.client()
    const api = apiRooms({ sql: database.sql, redis })
    const router = routerRooms({ sql: database.sql, redis: await other.client() })
    const keeper = workerRooms({ sql: database.sql, redis: await other.client() })
    keeper.keeper.start()
    router.trust.start()
    const { poolKey, numbers } = await aPool(5_000)
    const x = at(numbers, 4_999)
    await until(async () => (await settingsOf(x, router)).source === 'redis')
    await other.kill()
    const began = performance.now()
    await api.pools.change(mainAccount, poolKey, { ringSecondsMax: 55 })
    // Every batch by itself would wait for as long as one does.
    expect(performance.now() - began).toBeLessThan(12_000)
    expect(await settingsOf(x, router)).toMatchObject({ ringSecondsMax: 55, source: 'postgres' })
    await router.trust.stop()
    await keeper.keeper.stop()
    await api.publisher.close()
    await other.stop()
  })
})

test('a worker does a part of a large walk at a time, and comes to its end', async () => {
  const { poolKey } = await aPool(12_000)
  await worker.keeper.stop()
  try {
    await run(`insert into pool_refresh (pool_key, touched_at) values ($1, to_timestamp(0))`, [
      poolKey,
    ])
    const { finishLeft } = createPoolRefresh({
      sql: database.sql,
      publisher: at(apis, 0).publisher,
    })
    await finishLeft()
    const [left] = await run<{ next_position: number }>('select next_position from pool_refresh')
    expect(left?.next_position).toBeGreaterThan(5_000)
    await finishLeft()
    expect(await underWay()).toBe(0)
    await finishLeft()
  } finally {
    worker.keeper.start()
  }
})

test('a statement that has waited for a number tells what the pool says by then, not when it began', async () => {
  const { poolKey, numbers } = await aPool(1)
  const x = at(numbers, 0)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let isHeld = () => {}
  const holding = new Promise<void>((resolve) => {
    isHeld = resolve
  })
  const holder = database.sql.transaction(async (session) => {
    await run('select pg_advisory_xact_lock(77)', [], session)
    isHeld()
    await held
  })
  await holding
  const waiter = run<{ before: { ringSecondsMax: number }; now: { ringSecondsMax: number } }>(
    `with waited as materialized (select pg_advisory_xact_lock(77)),
     chosen as materialized (
       select pool_settings(p) as before, pool_settings_now(n.pool_key) as now
         from number n join pool p on p.key = n.pool_key
        where n.x = $1 and (select count(*) from waited) = 1 for no key update of n
     ) select before, now from chosen`,
    [x],
  )
  await until(async () => {
    const waiting = await run(
      `select 1 from pg_stat_activity where wait_event = 'advisory' and datname = current_database()`,
    )
    return waiting.length > 0
  })
  await change(poolKey, { ringSecondsMax: 99 })
  release()
  await holder
  expect(await waiter).toMatchObject([
    { before: { ringSecondsMax: 60 }, now: { ringSecondsMax: 99 } },
  ])
})
