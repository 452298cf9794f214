import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { BlockedWay } from '../../../src/numbers/blacklist-entry.ts'
import {
  apiRooms,
  inMinutes,
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
const stranger = 'other' as AccountId

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

const xOf = (product: Product, at: number) =>
  product === '95AXN' ? (`+8695013${String(at).padStart(6, '0')}` as VirtualNumber) : xAt(at)

async function aPool(product: Product = 'AXB', count = 1) {
  const numbers = Array.from({ length: count }, (_, at) => xOf(product, nextX + at))
  nextX += count
  const poolKey = await poolWith(rooms, numbers, product)
  return { poolKey, x: numbers[0] as VirtualNumber, in: { accountId: mainAccount, poolKey } }
}

async function bound(poolKey: PoolKey, a: PhoneNumber, b: PhoneNumber | undefined) {
  const ask = { accountId: mainAccount, poolKey, a, b, expiresAt: inMinutes(30) }
  return rooms.bindings.bind(ask)
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

describe('the blacklist of a pool', () => {
  test.each<Product>(['AXB', 'AXN', 'AXN_EXTENSION', '95AXN'])(
    'bars a caller of an %s pool from the next call on, until taken off',
    async (product) => {
      const pool = await aPool(product)
      const [nuisance, other] = [somebody(), somebody()]
      await warm(nuisance, pool.x)
      expect((await look(nuisance, pool.x)).number?.settings.screened).toBe(false)
      const blocked = await rooms.blacklist.blockCaller({ ...pool.in, number: nuisance })
      expect(blocked).toMatchObject({ added: true, entry: { remark: undefined } })
      expect(await look(nuisance, pool.x)).toMatchObject({
        number: { settings: { screened: true } },
        standing: { blockedByPool: true },
      })
      expect(await standing(other, pool.x)).toMatchObject({ blockedByPool: false })
      await warm(nuisance, pool.x)
      expect(await standing(nuisance, pool.x)).toMatchObject({ blockedByPool: true })
      await rooms.blacklist.unblockCaller({ ...pool.in, number: nuisance })
      expect(await standing(nuisance, pool.x)).toMatchObject({ blockedByPool: false })
      await warm(nuisance, pool.x)
      await rooms.blacklist.blockCaller({ ...pool.in, number: nuisance })
      expect(await standing(nuisance, pool.x)).toMatchObject({ blockedByPool: true })
    },
  )

  test('is of one pool only', async () => {
    const [pool, other] = [await aPool(), await aPool()]
    const nuisance = somebody()
    await rooms.blacklist.blockCaller({ ...pool.in, number: nuisance })
    await rooms.blacklist.blockCaller({ ...other.in, number: somebody() })
    expect(await standing(nuisance, pool.x)).toMatchObject({ blockedByPool: true })
    expect(await standing(nuisance, other.x)).toMatchObject({ blockedByPool: false })
  })

  test.each<Product>(['AXG', 'X_MODE'])('%s pools have none', async (product) => {
    const pool = await aPool(product)
    const refusal = {
      code: 'product-mismatch',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    }
    const [first, second] = [somebody(), somebody()]
    const pair = { ...pool.in, first, second }
    const { blacklist } = rooms
    await expect(blacklist.blockCaller({ ...pool.in, number: first })).rejects.toMatchObject(
      refusal,
    )
    await expect(blacklist.blockPair({ ...pair, way: 'DUPLEX_REJECT' })).rejects.toMatchObject(
      refusal,
    )
    await expect(blacklist.unblockCaller({ ...pool.in, number: first })).rejects.toMatchObject(
      refusal,
    )
    await expect(blacklist.unblockPair(pair)).rejects.toMatchObject(refusal)
    await expect(blacklist.callers(pool.in)).rejects.toMatchObject(refusal)
    await expect(blacklist.pairs(pool.in)).rejects.toMatchObject(refusal)
    expect((await look(first, pool.x)).number?.settings.screened).toBe(false)
  })

  test('takes an entry twice as once, and takes off what is not there', async () => {
    const pool = await aPool()
    const number = somebody()
    const { blacklist } = rooms
    const first = await blacklist.blockCaller({ ...pool.in, number, remark: 'spam' })
    const again = await blacklist.blockCaller({ ...pool.in, number })
    expect(again).toEqual({ entry: first.entry, added: false })
    const noted = await blacklist.blockCaller({ ...pool.in, number, remark: 'threats' })
    expect(noted.entry).toMatchObject({ id: first.entry.id, remark: 'threats' })
    expect(await rooms.pools.get(mainAccount, pool.poolKey)).toMatchObject({ blockedCallers: 1 })
    await blacklist.unblockCaller({ ...pool.in, id: first.entry.id })
    await blacklist.unblockCaller({ ...pool.in, number })
    await expect(blacklist.unblockCaller({ ...pool.in, id: first.entry.id })).rejects.toMatchObject(
      { code: 'blacklist-entry-unknown', httpStatus: 404 },
    )
    expect(await rooms.pools.get(mainAccount, pool.poolKey)).toMatchObject({ blockedCallers: 0 })
  })

  test('is listed newest first in pages, and searched by number', async () => {
    const pool = await aPool()
    const people = [somebody(), somebody(), somebody()]
    for (const number of people) await rooms.blacklist.blockCaller({ ...pool.in, number })
    const first = await rooms.blacklist.callers({ ...pool.in, limit: 2 })
    const rest = await rooms.blacklist.callers({ ...pool.in, cursor: first.nextCursor })
    const shown = [...first.items, ...rest.items].map(({ number }) => String(number))
    expect(shown).toEqual([...people].reverse().map(String))
    expect(rest.nextCursor).toBeUndefined()
    const [second] = people.slice(1)
    const found = await rooms.blacklist.callers({ ...pool.in, number: second })
    expect(found.items.map(({ number }) => String(number))).toEqual([String(second)])
    expect((await rooms.blacklist.callers({ ...pool.in, number: somebody() })).items).toEqual([])
    await expect(rooms.blacklist.callers({ ...pool.in, cursor: 'eA' })).rejects.toMatchObject({
      code: 'cursor-unknown',
    })
  })

  test('of another account, or of a pool that is not there, is unknown', async () => {
    const { poolKey, x } = await aPool()
    const unknown = { code: 'pool-unknown', vendorCode: 'isv.POOLKEY_NOT_EXISTS' }
    const number = somebody()
    const { blacklist } = rooms
    for (const at of [
      { accountId: stranger, poolKey },
      { accountId: mainAccount, poolKey: 'FC999999999999999' as PoolKey },
    ]) {
      const pair = { ...at, first: number, second: somebody() }
      const way = 'DUPLEX_REJECT' as const
      await expect(blacklist.blockCaller({ ...at, number })).rejects.toMatchObject(unknown)
      await expect(blacklist.unblockCaller({ ...at, number })).rejects.toMatchObject(unknown)
      await expect(blacklist.blockPair({ ...pair, way })).rejects.toMatchObject(unknown)
      await expect(blacklist.unblockPair(pair)).rejects.toMatchObject(unknown)
      await expect(blacklist.callers(at)).rejects.toMatchObject(unknown)
      await expect(blacklist.pairs(at)).rejects.toMatchObject(unknown)
    }
    expect((await look(number, x)).number?.settings.screened).toBe(false)
  })

  test.each([
    ['empty', ''],
    ['longer than 200 characters', 'x'.repeat(201)],
    ['with a NUL', 'a\0b'],
  ])('a remark that is %s is refused', async (_, remark) => {
    const pool = await aPool()
    const refused = { code: 'invalid-parameters', httpStatus: 422 }
    const [first, second] = [somebody(), somebody()]
    await expect(
      rooms.blacklist.blockCaller({ ...pool.in, number: first, remark }),
    ).rejects.toMatchObject(refused)
    await expect(
      rooms.blacklist.blockPair({ ...pool.in, first, second, way: 'DUPLEX_REJECT', remark }),
    ).rejects.toMatchObject(refused)
  })

  test('is full at 100 000 entries of a kind', async () => {
    const pool = await aPool()
    const [first, second] = [somebody(), somebody()]
    await run('update pool set blocked_callers = 100000, blocked_pairs = 100000 where key = $1', [
      pool.poolKey,
    ])
    const refused = {
      code: 'blacklist-full',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    }
    await expect(rooms.blacklist.blockCaller({ ...pool.in, number: first })).rejects.toMatchObject(
      refused,
    )
    await expect(
      rooms.blacklist.blockPair({ ...pool.in, first, second, way: 'DUPLEX_REJECT' }),
    ).rejects.toMatchObject(refused)
    expect((await rooms.blacklist.callers(pool.in)).items).toEqual([])
  })
})

describe('two people who may not be joined', () => {
  const ways: [BlockedWay, boolean, boolean][] = [
    ['DUPLEX_REJECT', true, true],
    ['PHONEA_REJECT', false, true],
    ['PHONEB_REJECT', true, false],
  ]

  test.each(ways)(
    '%s: the first is barred %s, the second %s',
    async (way, firstBarred, secondBarred) => {
      const pool = await aPool()
      const [first, second] = [somebody(), somebody()]
      await bound(pool.poolKey, first, second)
      await warm(first, pool.x)
      await warm(second, pool.x)
      const { entry } = await rooms.blacklist.blockPair({ ...pool.in, first, second, way })
      const barred = async () => [
        (await standing(first, pool.x)).blockedFromPeer,
        (await standing(second, pool.x)).blockedFromPeer,
      ]
      expect(await barred()).toEqual([firstBarred, secondBarred])
      await warm(first, pool.x)
      await warm(second, pool.x)
      expect(await barred()).toEqual([firstBarred, secondBarred])
      await rooms.blacklist.unblockPair({ ...pool.in, id: entry.id })
      expect(await barred()).toEqual([false, false])
    },
  )

  test('a caller N is barred from A of an AXN, and A from B', async () => {
    const pool = await aPool('AXN')
    const [a, b, n] = [somebody(), somebody(), somebody()]
    await bound(pool.poolKey, a, b)
    await warm(n, pool.x)
    await rooms.blacklist.blockPair({ ...pool.in, first: n, second: a, way: 'DUPLEX_REJECT' })
    await rooms.blacklist.blockPair({ ...pool.in, first: b, second: a, way: 'PHONEA_REJECT' })
    expect(await standing(n, pool.x)).toMatchObject({ blockedFromPeer: true })
    expect(await standing(a, pool.x)).toMatchObject({ blockedFromPeer: true })
    expect(await standing(b, pool.x)).toMatchObject({ blockedFromPeer: false })
  })

  test('given again they are the same entry, its way as given now', async () => {
    const pool = await aPool()
    const [first, second] = [somebody(), somebody()]
    const pair = { ...pool.in, first, second }
    const { blacklist } = rooms
    const made = await blacklist.blockPair({ ...pair, way: 'DUPLEX_REJECT', remark: 'divorce' })
    const again = await blacklist.blockPair({ ...pair, way: 'PHONEA_REJECT' })
    expect(again).toMatchObject({
      added: false,
      entry: { id: made.entry.id, way: 'PHONEA_REJECT', remark: 'divorce' },
    })
    // The other way round it is another entry: adding one never opens what another closes.
    await blacklist.blockPair({ ...pair, first: second, second: first, way: 'PHONEA_REJECT' })
    expect(await rooms.pools.get(mainAccount, pool.poolKey)).toMatchObject({ blockedPairs: 2 })
    const found = await blacklist.pairs({ ...pool.in, number: first })
    expect(found.items.map((each) => [String(each.first), String(each.second)])).toEqual([
      [String(second), String(first)],
      [String(first), String(second)],
    ])
    const page = await blacklist.pairs({ ...pool.in, limit: 1 })
    const rest = await blacklist.pairs({ ...pool.in, limit: 1, cursor: page.nextCursor })
    expect(rest.items.map(({ id }) => id)).toEqual([made.entry.id])
    await blacklist.unblockPair(pair)
    await blacklist.unblockPair(pair)
    expect((await blacklist.pairs(pool.in)).items).toHaveLength(1)
    await expect(blacklist.unblockPair({ ...pool.in, id: made.entry.id })).rejects.toMatchObject({
      code: 'blacklist-entry-unknown',
    })
  })

  test('nobody is a pair', async () => {
    const pool = await aPool()
    const first = somebody()
    const pair = { ...pool.in, first, second: first, way: 'DUPLEX_REJECT' as const }
    await expect(rooms.blacklist.blockPair(pair)).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
    await rooms.blacklist.unblockPair(pair)
  })

  test('a number stands in 1000 pairs of a pool at most', async () => {
    const pool = await aPool()
    const [first, second] = [somebody(), somebody()]
    await rooms.blacklist.blockPair({ ...pool.in, first, second, way: 'DUPLEX_REJECT' })
    await run(
      `insert into blocked_pair (pool_key, first_party, second_party, first_sealed, second_sealed, way)
       select pool_key, first_party, 'party ' || at, first_sealed, second_sealed, way
         from blocked_pair, generate_series(1, 999) as at where pool_key = $1`,
      [pool.poolKey],
    )
    const one = { ...pool.in, first: somebody(), second: first, way: 'DUPLEX_REJECT' as const }
    await expect(rooms.blacklist.blockPair(one)).rejects.toMatchObject({
      code: 'too-many-pairs',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
    expect(await standing(one.first, pool.x)).toMatchObject({ blockedFromPeer: false })
  })
})
