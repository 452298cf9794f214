import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BindCommand } from '../../../src/bindings/binding.ts'
import type { AccountId, BindingId, PoolKey } from '../../../src/domain/ids.ts'
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
let nextX = 0
let poolKey: PoolKey
let now: Date

/** A clock that the test moves, an hour ahead of the real one so that nothing else expires meanwhile. */
const clock = { now: () => now }

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis, clock })
  router = routerRooms({ sql: database.sql, redis })
  worker = workerRooms({ sql: database.sql, redis, clock })
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
beforeEach(async () => {
  now = new Date()
  nextX += 10
  poolKey = await poolWith(rooms, [xAt(nextX), xAt(nextX + 1), xAt(nextX + 2)])
})
afterEach(() => {
  now = new Date()
})

const command = (change: Partial<BindCommand> = {}): BindCommand => ({
  accountId: mainAccount,
  poolKey,
  a: person(1),
  b: person(2),
  expiresAt: inMinutes(60, now),
  ...change,
})
const refused = (code: string, vendorCode?: string) =>
  expect.objectContaining({ code, ...(vendorCode === undefined ? {} : { vendorCode }) })

describe('bind', () => {
  test('the next call of either party finds the other', async () => {
    const bound = await rooms.bindings.bind(
      command({ x: xAt(nextX), outId: 'order|7', recording: true }),
    )
    expect(bound.id).toMatch(/^1000\d{12}$/)
    const fromA = await router.resolve({ caller: person(1), dialled: xAt(nextX) })
    expect(fromA).toMatchObject({
      source: 'redis',
      number: { x: xAt(nextX), poolKey, product: 'AXB', state: 'normal' },
      binding: {
        bindingId: bound.id,
        callerRole: 'A',
        recording: true,
        outId: 'order|7',
        ringSecondsMax: 60,
      },
    })
    expect(fromA.binding?.peer?.reveal()).toBe(person(2).reveal())
    const fromB = await router.resolve({ caller: person(2), dialled: xAt(nextX) })
    expect(fromB.binding?.callerRole).toBe('B')
    expect(fromB.binding?.peer?.reveal()).toBe(person(1).reveal())
    expect(fromB.binding?.expiresAt.getTime()).toBe(bound.expiresAt.getTime())
  })

  test('somebody else, and somebody without a number, find nobody', async () => {
    await rooms.bindings.bind(command({ x: xAt(nextX) }))
    for (const caller of [person(3), undefined]) {
      const record = await router.resolve({ caller, dialled: xAt(nextX) })
      expect(record.number?.x).toBe(xAt(nextX))
      expect(record.binding).toBeUndefined()
    }
  })

  test('a party that has been told "nobody" is found once it is bound', async () => {
    const lookup = () => router.resolve({ caller: person(1), dialled: xAt(nextX) })
    expect((await lookup()).binding).toBeUndefined()
    await until(async () => (await lookup()).source === 'redis')
    await rooms.bindings.bind(command({ x: xAt(nextX) }))
    expect((await lookup()).binding).toBeDefined()
  })

  test('the same two, or either of them, cannot be bound on the same X twice', async () => {
    await rooms.bindings.bind(command({ x: xAt(nextX) }))
    const conflict = refused('bind-conflict', 'isv.BIND_CONFLICT')
    const again = [
      command({ x: xAt(nextX) }),
      command({ x: xAt(nextX), a: person(2), b: person(1) }),
      command({ x: xAt(nextX), b: person(3) }),
      command({ x: xAt(nextX), a: person(3), b: person(1) }),
    ]
    for (const each of again) await expect(rooms.bindings.bind(each)).rejects.toEqual(conflict)
    await rooms.bindings.bind(command({ x: xAt(nextX), a: person(3), b: person(4) }))
  })

  test('without X, one is chosen that neither uses, until there is none', async () => {
    const chosen = new Set<string>()
    for (let at = 0; at < 3; at += 1) {
      chosen.add((await rooms.bindings.bind(command({ b: person(10 + at) }))).x)
    }
    expect([...chosen].sort()).toEqual([xAt(nextX), xAt(nextX + 1), xAt(nextX + 2)])
    await expect(rooms.bindings.bind(command({ b: person(20) }))).rejects.toEqual(
      refused('party-on-every-number', 'isv.NO_AVAILABLE_NUMBER'),
    )
    await expect(
      rooms.bindings.bind(command({ a: person(20), b: person(21) })),
    ).resolves.toBeDefined()
  })

  test('an X carries 200 bindings and no more, and expired ones make way', async () => {
    const x = xAt(nextX)
    await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        rooms.bindings.bind(
          command({
            x,
            a: person(1000 + at),
            b: person(2000 + at),
            expiresAt: inMinutes(at === 0 ? 5 : 60, now),
          }),
        ),
      ),
    )
    await expect(rooms.bindings.bind(command({ x }))).rejects.toEqual(refused('number-full'))
    now = inMinutes(6, now)
    await expect(rooms.bindings.bind(command({ x }))).resolves.toBeDefined()
    await expect(rooms.bindings.bind(command({ x, a: person(3), b: person(4) }))).rejects.toEqual(
      refused('number-full'),
    )
  })

  test.each<[string, string, () => Partial<BindCommand>]>([
    ['pool-unknown', 'isv.POOLKEY_NOT_EXISTS', () => ({ poolKey: 'FC999999999999999' as PoolKey })],
    ['pool-unknown', 'isv.POOLKEY_NOT_EXISTS', () => ({ accountId: 'other' as AccountId })],
    ['number-unknown', 'isv.NO_NOT_EXIST', () => ({ x: xAt(999_999) })],
    ['number-not-in-pool', 'isv.FORBIDDEN_ACTION', () => ({ x: xAt(10), poolKey })],
    ['expiry-illegal', 'isv.EXPIRE_DATE_ILLEGAL', () => ({ expiresAt: inMinutes(1, now) })],
    ['expiry-illegal', 'isv.EXPIRE_DATE_ILLEGAL', () => ({ expiresAt: new Date(Number.NaN) })],
    ['parties-equal', 'isv.MOBILE_NUMBER_ILLEGAL', () => ({ b: person(1) })],
    ['party-is-virtual', 'isv.MOBILE_NUMBER_ILLEGAL', () => ({ b: phone(xAt(nextX)) })],
    ['party-is-virtual', 'isv.MOBILE_NUMBER_ILLEGAL', () => ({ a: phone(xAt(10)), x: xAt(nextX) })],
    ['invalid-parameters', 'isv.INVALID_PARAMETERS', () => ({ ringSecondsMax: 4 })],
    ['invalid-parameters', 'isv.INVALID_PARAMETERS', () => ({ outId: 'x'.repeat(129) })],
    ['invalid-parameters', 'isv.INVALID_PARAMETERS', () => ({ tones: { a: '../etc' } })],
  ])('%s is refused with %s', async (code, vendorCode, change) => {
    await expect(rooms.bindings.bind(command(change()))).rejects.toEqual(refused(code, vendorCode))
  })

  test('a locked X takes no new bindings and keeps the old ones', async () => {
    const x = xAt(nextX)
    await rooms.bindings.bind(command({ x }))
    await rooms.numbers.lock(mainAccount, x)
    const other = command({ x, a: person(3), b: person(4) })
    await expect(rooms.bindings.bind(other)).rejects.toEqual(
      refused('number-not-bindable', 'isv.FORBIDDEN_ACTION'),
    )
    const record = await router.resolve({ caller: person(1), dialled: x })
    expect(record).toMatchObject({ number: { state: 'locked' }, binding: { callerRole: 'A' } })
    const chosen = await rooms.bindings.bind(command({ a: person(3), b: person(4) }))
    expect(chosen.x).not.toBe(x)
    await rooms.numbers.unlock(mainAccount, x)
    await expect(rooms.bindings.bind(other)).resolves.toBeDefined()
  })
})

describe('the same request twice', () => {
  test('with an idempotency key there is one binding', async () => {
    const keyed = command({ idempotencyKey: `k-${nextX}` })
    const [first, second] = await Promise.all([
      rooms.bindings.bind(keyed),
      rooms.bindings.bind(keyed),
    ])
    const third = await rooms.bindings.bind(keyed)
    expect(second?.id).toBe(first?.id)
    expect(third).toMatchObject({ id: first?.id, x: first?.x })
    expect(third.a.reveal()).toBe(person(1).reveal())
  })

  test('a key is refused for a different request, and forgotten after a day', async () => {
    const idempotencyKey = `k-${nextX}`
    const first = await rooms.bindings.bind(command({ idempotencyKey }))
    await expect(rooms.bindings.bind(command({ idempotencyKey, b: person(3) }))).rejects.toEqual(
      refused('idempotency-key-reused'),
    )
    now = inMinutes(25 * 60, now)
    const other = await rooms.bindings.bind(command({ idempotencyKey, b: person(3) }))
    expect(other.id).not.toBe(first.id)
  })
})

describe('unbind', () => {
  test('the next call does not find the binding, and X is free for another', async () => {
    const x = xAt(nextX)
    const bound = await rooms.bindings.bind(command({ x }))
    const ended = await rooms.bindings.unbind({ accountId: mainAccount, id: bound.id })
    expect(ended).toMatchObject({ id: bound.id, state: 'unbound' })
    for (const caller of [person(1), person(2)]) {
      const record = await router.resolve({ caller, dialled: x })
      expect(record).toMatchObject({ binding: undefined, source: 'redis' })
    }
    await rooms.bindings.bind(command({ x, b: person(3) }))
    expect((await router.resolve({ caller: person(3), dialled: x })).binding).toBeDefined()
  })

  test('twice, of another account, or with the wrong X or pool, it is unknown', async () => {
    const unknown = refused('binding-unknown', 'isv.SUBS_NOT_EXIST')
    const { id, x } = await rooms.bindings.bind(command({ x: xAt(nextX) }))
    const wrong = [
      { accountId: 'other' as AccountId, id },
      { accountId: mainAccount, id, x: xAt(nextX + 1) },
      { accountId: mainAccount, id, poolKey: 'FC999999999999999' as PoolKey },
      { accountId: mainAccount, id: '1' as BindingId },
    ]
    for (const ref of wrong) await expect(rooms.bindings.unbind(ref)).rejects.toEqual(unknown)
    await rooms.bindings.unbind({ accountId: mainAccount, id, x, poolKey })
    await expect(rooms.bindings.unbind({ accountId: mainAccount, id })).rejects.toEqual(unknown)
  })

  test('at the same time by two, one of them ends it', async () => {
    const { id, x } = await rooms.bindings.bind(command({ x: xAt(nextX) }))
    const both = await Promise.allSettled([
      rooms.bindings.unbind({ accountId: mainAccount, id }),
      rooms.bindings.unbind({ accountId: mainAccount, id }),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await rooms.numbers.get(mainAccount, x)).bindings).toBe(0)
  })
})

describe('expiry', () => {
  test('a binding is live until its second, then both parties and X are free', async () => {
    const x = xAt(nextX)
    const bound = await rooms.bindings.bind(
      command({ x, expiresAt: new Date(now.getTime() + 120_900) }),
    )
    expect(bound.expiresAt.getMilliseconds()).toBe(0)
    now = new Date(bound.expiresAt.getTime() - 1)
    expect((await rooms.bindings.get(mainAccount, bound.id)).state).toBe('live')
    await expect(rooms.bindings.bind(command({ x, b: person(3) }))).rejects.toEqual(
      refused('bind-conflict'),
    )
    now = bound.expiresAt
    expect(await rooms.bindings.get(mainAccount, bound.id)).toMatchObject({
      state: 'expired',
      endedAt: bound.expiresAt,
    })
    await expect(rooms.bindings.unbind({ accountId: mainAccount, id: bound.id })).rejects.toEqual(
      refused('binding-unknown'),
    )
    const next = await rooms.bindings.bind(command({ x, b: person(3) }))
    expect((await router.resolve({ caller: person(1), dialled: x })).binding?.bindingId).toBe(
      next.id,
    )
  })

  test('the sweeper gives the places back', async () => {
    const x = xAt(nextX)
    const bound = await rooms.bindings.bind(command({ x, expiresAt: inMinutes(2, now) }))
    now = inMinutes(3, now)
    await until(async () => (await rooms.numbers.get(mainAccount, x)).bindings === 0)
    expect((await rooms.bindings.get(mainAccount, bound.id)).state).toBe('expired')
    await rooms.numbers.remove(mainAccount, x)
    expect((await router.resolve({ caller: person(1), dialled: x })).number).toBeUndefined()
  })
})

describe('list', () => {
  test('pages follow one another and filters narrow', async () => {
    for (let at = 0; at < 5; at += 1) {
      await rooms.bindings.bind(
        command({
          x: xAt(nextX),
          a: person(50 + 2 * at),
          b: person(51 + 2 * at),
          outId: `o${at % 2}`,
        }),
      )
    }
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await rooms.bindings.list({
        accountId: mainAccount,
        x: xAt(nextX),
        limit: 2,
        cursor,
      })
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(ids).toEqual([...ids].sort().reverse())
    expect(ids).toHaveLength(5)

    const of = async (filter: object) =>
      (await rooms.bindings.list({ accountId: mainAccount, poolKey, ...filter })).items.length
    expect(await of({ party: person(51) })).toBe(1)
    expect(await of({ party: person(52) })).toBe(1)
    expect(await of({ outId: 'o0' })).toBe(3)
    expect(await of({ outId: 'o0', party: person(52) })).toBe(0)
    await rooms.bindings.unbind({ accountId: mainAccount, id: ids[0] as BindingId })
    expect(await of({})).toBe(5)
    expect(await of({ state: 'live' })).toBe(4)
    expect((await rooms.bindings.list({ accountId: 'other' as AccountId })).items).toEqual([])
    await expect(
      rooms.bindings.list({ accountId: mainAccount, cursor: 'nonsense' }),
    ).rejects.toEqual(refused('cursor-unknown'))
  })
})
