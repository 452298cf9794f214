import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
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
let rooms: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
let nextX = 0
let nextPerson = 0

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  const { sql } = database
  rooms = apiRooms({ sql, redis: await server.client() })
  router = routerRooms({ sql, redis: await server.client() })
  worker = workerRooms({ sql, redis: await server.client() })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(0)))
})
afterAll(async () => {
  await router.trust.stop()
  await worker.keeper.stop()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

function somebody(): PhoneNumber {
  nextPerson += 1
  return person(nextPerson)
}

async function aPool(product: Product = 'AXB', count = 1) {
  const numbers = Array.from({ length: count }, (_, at) => xAt(nextX + at))
  nextX += count
  const poolKey = await poolWith(rooms, numbers, product)
  return { poolKey, x: numbers[0] as VirtualNumber, in: { accountId: mainAccount, poolKey } }
}

const look = (caller: PhoneNumber, dialled: VirtualNumber, extension?: string) =>
  router.resolve({ caller, dialled, extension })
const standing = async (caller: PhoneNumber, x: VirtualNumber) => (await look(caller, x)).standing
/** Until Redis has everything about this call. */
const warm = (caller: PhoneNumber, x: VirtualNumber) =>
  until(async () => (await look(caller, x)).source === 'redis')

let statements = 0
function run<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  statements += 1
  return database.sql.rows<Row>({ name: `test.${statements}`, text, values })
}

describe('blacklists under concurrency', () => {
  test('first entries of one pool at once: each is true when it has been answered', async () => {
    const pool = await aPool('AXN', 1_500)
    const people = Array.from({ length: 16 }, somebody)
    await Promise.all(people.map((caller) => warm(caller, pool.x)))
    await Promise.all(
      people.map(async (number) => {
        await rooms.blacklist.blockCaller({ ...pool.in, number })
        expect(await standing(number, pool.x)).toMatchObject({ blockedByPool: true })
      }),
    )
    expect(await rooms.pools.get(mainAccount, pool.poolKey)).toMatchObject({ blockedCallers: 16 })
  })

  test('the same people blocked and unblocked in every order never wait in a circle', async () => {
    const pools = await Promise.all(Array.from({ length: 4 }, () => aPool()))
    const people = Array.from({ length: 6 }, somebody)
    const two = (at: number) => ({
      first: people[at % 6] as PhoneNumber,
      second: people[(at * 5 + 1 + (at % 4)) % 6] as PhoneNumber,
    })
    await Promise.all(
      Array.from({ length: 24 }, async (_, lane) => {
        for (let turn = 0; turn < 6; turn += 1) {
          const pool = pools[(lane + turn) % 4] as Awaited<ReturnType<typeof aPool>>
          const pair = { ...pool.in, ...two(lane + turn * 7) }
          const number = pair.second
          if (pair.first.equals(pair.second)) continue
          await rooms.blacklist.blockPair({ ...pair, way: 'DUPLEX_REJECT' })
          await rooms.blacklist.blockCaller({ ...pool.in, number })
          if (turn % 2 === 0) await rooms.blacklist.unblockPair(pair)
          else await rooms.blacklist.unblockCaller({ ...pool.in, number })
        }
      }),
    )
    for (const pool of pools) {
      const shown = await rooms.pools.get(mainAccount, pool.poolKey)
      const [truth] = await run<{ callers: number; pairs: number }>(
        `select (select count(*)::int from blocked_caller where pool_key = $1) as callers,
                (select count(*)::int from blocked_pair where pool_key = $1) as pairs`,
        [pool.poolKey],
      )
      expect([shown.blockedCallers, shown.blockedPairs]).toEqual([truth?.callers, truth?.pairs])
      for (const caller of people) {
        const { items } = await rooms.blacklist.callers({ ...pool.in, number: caller })
        expect(await standing(caller, pool.x)).toMatchObject({ blockedByPool: items.length === 1 })
      }
    }
  })

  test('an entry that goes on and off is never seen otherwise than it was last answered', async () => {
    const pool = await aPool()
    const caller = somebody()
    let answered = false
    let changing = false
    let over = false
    let looks = 0
    const looking = (async () => {
      while (!over) {
        const before: boolean = answered
        const wasChanging: boolean = changing
        const { blockedByPool } = await standing(caller, pool.x)
        if (!wasChanging && !changing && before === answered) {
          expect(blockedByPool).toBe(answered)
          looks += 1
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let turn = 0; turn < 40; turn += 1) {
      changing = true
      if (answered) await rooms.blacklist.unblockCaller({ ...pool.in, number: caller })
      else await rooms.blacklist.blockCaller({ ...pool.in, number: caller })
      answered = !answered
      changing = false
      expect(await standing(caller, pool.x)).toMatchObject({ blockedByPool: answered })
    }
    over = true
    await looking
    expect(looks).toBeGreaterThan(0)
  })
})
