import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { inMinutes, mainAccount, person, xAt } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import {
  aCallRecord,
  aPool,
  bindOn,
  expectCallIn,
  type Outcome,
  outcomeOf,
  type Place,
  type Rooms,
  refused,
  ringing,
  startRooms,
} from './some-calls.ts'

let database: TestDatabase
let server: TestRedis
let rooms: Rooms
const [a, b, n, other] = [person(40_001), person(40_002), person(40_003), person(40_004)]

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 10 })
  server = await startRedis()
  rooms = await startRooms(database, server)
})
afterAll(async () => {
  await rooms.stop()
  await server.stop()
  await database.drop()
})

const expectCall = (
  place: Place,
  caller: PhoneNumber | undefined,
  outcome: Outcome,
  extension?: string,
) => expectCallIn(rooms, place, caller, outcome, extension)

describe('blacklist', () => {
  const pools = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN'] as const
  const reach = async (product: (typeof pools)[number]) => {
    const place = await aPool(rooms, product)
    const parties = product === 'AXB' ? { a, b: n } : { a, b }
    const extension = product === 'AXN_EXTENSION' ? '5' : undefined
    await bindOn(rooms, place, { ...parties, extension })
    const caller = product === 'AXB' ? n : other
    return { place, caller, extension, as: product === 'AXB' ? 'B' : 'N' }
  }

  test.each(pools)(
    'of an %s pool bars a caller from all its numbers at once, and lets him back',
    async (product) => {
      const { place, caller, extension, as } = await reach(product)
      const entry = { accountId: mainAccount, poolKey: place.poolKey, number: caller }
      await expectCall(place, caller, ringing(a, as), extension)
      await rooms.api.blacklist.blockCaller(entry)
      await expectCall(place, caller, refused('blacklisted'), extension)
      await rooms.api.blacklist.unblockCaller(entry)
      await expectCall(place, caller, ringing(a, as), extension)
    },
  )

  test.each(pools)(
    'of an %s pool keeps two parties apart, each way on its own',
    async (product) => {
      const { place, caller, extension, as } = await reach(product)
      const pair = { accountId: mainAccount, poolKey: place.poolKey, first: a, second: caller }
      for (const [way, isBarred] of [
        ['PHONEA_REJECT', true],
        ['PHONEB_REJECT', false],
        ['DUPLEX_REJECT', true],
      ] as const) {
        await rooms.api.blacklist.blockPair({ ...pair, way })
        const outcome = isBarred ? refused('blacklisted', as) : ringing(a, as)
        await expectCall(place, caller, outcome, extension)
      }
      await rooms.api.blacklist.unblockPair(pair)
      await expectCall(place, caller, ringing(a, as), extension)
    },
  )

  test('of one pool means nothing in another', async () => {
    const [here, there] = [await aPool(rooms, 'AXN'), await aPool(rooms, 'AXN')]
    for (const place of [here, there]) await bindOn(rooms, place, { a, b })
    for (const { poolKey } of [here, there]) {
      const number = poolKey === here.poolKey ? other : n
      await rooms.api.blacklist.blockCaller({ accountId: mainAccount, poolKey, number })
    }
    await expectCall(here, other, refused('blacklisted'))
    await expectCall(there, other, ringing(a, 'N'))
    await expectCall(here, undefined, ringing(a, 'N'))
  })

  test('bars A from the one he would call back, not from B', async () => {
    const place = await aPool(rooms, 'AXN', { callbackMode: 'last-caller' })
    const bound = await bindOn(rooms, place, { a, b })
    await aCallRecord(database, { binding: bound.id, x: place.x, caller: n, secondsAgo: 30 })
    await expectCall(place, a, ringing(n, 'A'))
    const pair = { accountId: mainAccount, poolKey: place.poolKey, first: a, second: n }
    await rooms.api.blacklist.blockPair({ ...pair, way: 'PHONEB_REJECT' })
    await expectCall(place, a, refused('blacklisted', 'A'))
    await expectCall(place, n, ringing(a, 'N'))
  })
})

describe('whatever the product', () => {
  test('an X that nobody has is unknown', async () => {
    await expectCall({ x: xAt(999_999), poolKey: '' as never }, n, refused('number-unknown'))
  })

  test('a locked number goes on, a frozen or faulty one carries no call', async () => {
    const place = await aPool(rooms, 'AXN')
    await bindOn(rooms, place, { a, b })
    await rooms.api.numbers.lock(mainAccount, place.x)
    await expectCall(place, n, ringing(a, 'N'))
    for (const state of ['frozen', 'faulty'] as const) {
      await become(place.x, state)
      await expectCall(place, n, refused(`number-${state}`))
    }
    await become(place.x, 'normal')
    await expectCall(place, n, ringing(a, 'N'))
  })

  test('an expired binding is told from none for a minute, and is none then', async () => {
    for (const product of ['AXN', 'AXB', 'AXG'] as const) {
      const place = await aPool(rooms, product)
      const group =
        product === 'AXG'
          ? await rooms.api.groups.create({
              accountId: mainAccount,
              poolKey: place.poolKey,
              numbers: [b],
            })
          : undefined
      await bindOn(rooms, place, { a, b, groupId: group?.id, expiresAt: inMinutes(10) })
      const at = async (minutes: number) => {
        const receivedAt = inMinutes(minutes)
        const call = { caller: b, dialled: place.x, receivedAt }
        const { binding } = await rooms.router.resolve(call)
        return binding === undefined ? 'none' : binding.expiresAt > receivedAt ? 'live' : 'expired'
      }
      expect([await at(9), await at(10.5), await at(11.5)]).toEqual(['live', 'expired', 'none'])
    }
  })

  test('no lookup of a known X asks Postgres, and each is one command', async () => {
    const commands = async (work: () => Promise<unknown>) => {
      const before = await mgets()
      const sources = { ...rooms.router.sources }
      await work()
      expect(rooms.router.sources.miss).toBe(sources.miss)
      expect(rooms.router.sources.postgres).toBe(sources.postgres)
      return (await mgets()) - before
    }
    const axb = await aPool(rooms, 'AXB')
    const axn = await aPool(rooms, 'AXN')
    const ext = await aPool(rooms, 'AXN_EXTENSION')
    const axg = await aPool(rooms, 'AXG')
    const group = await rooms.api.groups.create({
      accountId: mainAccount,
      poolKey: axg.poolKey,
      numbers: [n],
    })
    await bindOn(rooms, axb, { a, b })
    await bindOn(rooms, axn, { a, b })
    await bindOn(rooms, ext, { a, b, extension: '9' })
    await bindOn(rooms, axg, { a, b, groupId: group.id })
    const screened = await aPool(rooms, 'AXN')
    await bindOn(rooms, screened, { a, b })
    await rooms.api.blacklist.blockCaller({
      accountId: mainAccount,
      poolKey: screened.poolKey,
      number: other,
    })
    // The first call of a stranger, and to an X of an unusual kind, may cost more.
    for (const { x } of [axg, screened]) await outcomeOf(rooms.router, { caller: n, dialled: x })
    await outcomeOf(rooms.router, { caller: n, dialled: axn.x })
    await outcomeOf(rooms.router, { caller: n, dialled: screened.x })

    const calls = [
      { caller: a, dialled: axb.x },
      { caller: b, dialled: axb.x },
      // Also of somebody who has never called before.
      { caller: person(40_100), dialled: axn.x },
      { caller: undefined, dialled: axn.x },
      { caller: a, dialled: axn.x },
      { caller: a, dialled: ext.x },
      { caller: n, dialled: axg.x },
      { caller: n, dialled: screened.x },
    ]
    for (const call of calls) {
      expect(await commands(() => outcomeOf(rooms.router, call)), String(call.caller)).toBe(1)
    }
    const extension = { caller: person(40_101), dialled: ext.x, extension: '9' }
    expect(await commands(() => outcomeOf(rooms.router, extension))).toBe(1)
    expect(
      await commands(() => Promise.all(calls.map((each) => outcomeOf(rooms.router, each)))),
    ).toBe(1)
  })
})

/** How many MGETs Redis was asked. */
async function mgets(): Promise<number> {
  const client = await server.client()
  const stats = await client.info('commandstats')
  return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

/** As operators and carriers do. */
async function become(x: string, state: string) {
  const [row] = await database.sql.rows<{ id: string; version: string }>({
    name: 'test.become',
    text: `
      with n as (
        update number set state = $2, version = nextval('route_version') where x = $1
        returning x, version
      )
      insert into invalidation (x, version, parties) select x, version, '{}' from n
      returning id, version`,
    values: [x, state],
  })
  if (row === undefined) throw new Error('there is no such number')
  const change = { id: row.id, x: x as never, version: Number(row.version), parties: [] }
  await rooms.api.publisher.forget([change])
}
