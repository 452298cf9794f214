import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BindingId } from '../../../src/domain/ids.ts'
import type { RouteChange } from '../../../src/domain/route-change.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { createRouteCache, type RouteCache } from '../../../src/resolve/route-cache.ts'
import { encodeAbsent, numberKey, partyKey } from '../../../src/resolve/route-record.ts'
import { inMinutes, mainAccount, xAt } from '../../support/data-rooms.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let server: TestRedis
let redis: Redis
let cache: RouteCache
const x = xAt(1)
const party = 'p'

beforeAll(async () => {
  server = await startRedis()
  redis = await server.client()
  cache = createRouteCache({ redis })
})
afterAll(() => server.stop())

/** Odd versions are bound, even ones are not: whatever is read tells its version and its content. */
function changeAt(version: number): RouteChange {
  const number = {
    x,
    accountId: mainAccount,
    poolKey: 'FC100000000000001' as never,
    product: 'AXB' as const,
    state: 'normal' as const,
    city: undefined,
  }
  const bound = {
    bindingId: String(version) as BindingId,
    callerRole: 'A' as const,
    calleeSealed: 'k1.sealed',
    expiresAt: inMinutes(60),
    recording: false,
    ringback: undefined,
    ringSecondsMax: 60,
    talkSecondsMax: 60,
    restriction: undefined,
    outId: undefined,
  }
  const parties = [{ party, bound: version % 2 === 1 ? bound : undefined }]
  return { id: String(version), x, version, number, parties }
}

/** The version that readers get, if the cache knows. */
async function cachedVersion(): Promise<number | undefined> {
  const { party: found } = await cache.read(x, party)
  if (found.kind === 'bound') {
    expect(found.bound.bindingId).toBe(String(found.version))
    return found.version
  }
  if (found.kind === 'absent') expect(found.version % 2).toBe(0)
  return found.kind === 'absent' ? found.version : undefined
}

type Reader = { claim: string; snapshot: number | undefined }

/** A world with one truth, writers whose writes arrive late and in any order, and readers that fill. */
function createWorld() {
  let truth = 1
  let acknowledged = 0
  const late: number[] = []
  const readers: Reader[] = []
  return {
    acknowledged: () => acknowledged,
    commit() {
      truth += 1
      late.push(truth)
    },
    async deliver(pick: number) {
      const [version] = late.splice(pick % Math.max(late.length, 1), 1)
      if (version === undefined) return
      await cache.write(changeAt(version))
      acknowledged = Math.max(acknowledged, version)
    },
    async drain(pick: number) {
      const version = late[pick % Math.max(late.length, 1)]
      if (version === undefined) return
      await cache.forget([{ id: String(version), x, version, parties: [party] }])
    },
    async claim() {
      readers.push({ claim: await cache.claim(x, party), snapshot: undefined })
    },
    look(pick: number) {
      const reader = readers[pick % Math.max(readers.length, 1)]
      if (reader !== undefined) reader.snapshot ??= truth
    },
    async fill(pick: number) {
      const [reader] = readers.splice(pick % Math.max(readers.length, 1), 1)
      if (reader?.snapshot !== undefined) await cache.fill(reader.claim, changeAt(reader.snapshot))
    },
    async lose() {
      await redis.flushall()
    },
    async evict() {
      await redis.del(numberKey(x), partyKey(x, party))
    },
  }
}

type World = ReturnType<typeof createWorld>
type Step = { readonly name: Exclude<keyof World, 'acknowledged'>; readonly pick: number }

const steps = (...names: Step['name'][]) =>
  fc.array(fc.record({ name: fc.constantFrom(...names), pick: fc.nat(7) }), { maxLength: 40 })

async function play(world: World, taken: readonly Step[], after: (world: World) => Promise<void>) {
  await redis.flushall()
  for (const { name, pick } of taken) {
    await world[name](pick)
    await after(world)
  }
}

async function nothingOlderThanAcknowledged(world: World) {
  const version = await cachedVersion()
  if (version !== undefined) expect(version).toBeGreaterThanOrEqual(world.acknowledged())
}

test('whatever order writes, drains and fills arrive in, an older record never covers a newer one', async () => {
  await fc.assert(
    fc.asyncProperty(steps('commit', 'deliver', 'drain', 'claim', 'look', 'fill'), (taken) =>
      play(createWorld(), taken, nothingOlderThanAcknowledged),
    ),
    { numRuns: 150 },
  )
})

test('a reader that began before a change never undoes it, even when the cache was lost in between', async () => {
  const writing = (world: World) => ({ ...world, commit: () => commitAndDeliver(world) })
  await fc.assert(
    fc.asyncProperty(steps('commit', 'claim', 'look', 'fill', 'lose', 'evict'), (taken) =>
      play(writing(createWorld()) as World, taken, nothingOlderThanAcknowledged),
    ),
    { numRuns: 150 },
  )
})

async function commitAndDeliver(world: World) {
  world.commit()
  await world.deliver(0)
}

test('what was drained is forgotten, and the next reader may fill it', async () => {
  await redis.flushall()
  await cache.write(changeAt(3))
  await cache.forget([{ id: '4', x, version: 4, parties: [party] }])
  expect(await cachedVersion()).toBeUndefined()
  await cache.write(changeAt(3))
  expect(await cachedVersion()).toBeUndefined()
  await cache.fill(await cache.claim(x, party), changeAt(4))
  expect(await cachedVersion()).toBe(4)
  await cache.forget([{ id: '4', x, version: 4, parties: [party] }])
  expect(await cachedVersion()).toBe(4)
})

test('an X that is not ours is remembered until somebody adds it', async () => {
  await redis.flushall()
  const unknown = { x, version: 0, number: undefined, parties: [] }
  await cache.fill(await cache.claim(x, party), unknown)
  expect((await cache.read(x, party)).number.kind).toBe('absent')
  await cache.write({ ...changeAt(1), parties: [] })
  expect((await cache.read(x, party)).number.kind).toBe('number')
})

test('a reader that finds an X gone does not take away what fends off older writes', async () => {
  await redis.flushall()
  await cache.forget([{ id: '9', x, version: 9, parties: [] }])
  await cache.fill(await cache.claim(x, undefined), {
    x,
    version: 0,
    number: undefined,
    parties: [],
  })
  expect(await redis.get(numberKey(x))).toBe(encodeAbsent(9))
})

test('every record has an end, and no real number is in it', async () => {
  await redis.flushall()
  await cache.write(changeAt(1))
  await cache.write({ ...changeAt(2), x: xAt(2) })
  for (const key of await redis.keys('*')) expect(await redis.ttl(key)).toBeGreaterThan(0)
})
