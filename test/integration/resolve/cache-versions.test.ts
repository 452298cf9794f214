import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BindingId } from '../../../src/domain/ids.ts'
import type { RouteChange } from '../../../src/domain/route-change.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { createRouteCache, type RouteCache } from '../../../src/resolve/route-cache.ts'
import { callerKey, encodeAbsent, numberKey, partyKey } from '../../../src/resolve/route-record.ts'
import { aNumber } from '../../support/builders.ts'
import { inMinutes, xAt } from '../../support/data-rooms.ts'
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
type Kind = {
  readonly at: (version: number) => RouteChange
  /** The version that readers get, if the cache knows. */
  readonly cached: () => Promise<number | undefined>
}

const question = { x, party, extension: undefined }
const everything = { legs: true, caller: true }

function numberAt(version: number, product: 'AXB' | 'AXN'): RouteChange {
  const binding = {
    bindingId: String(version) as BindingId,
    expiresAt: inMinutes(60),
    recording: undefined,
    tones: undefined,
    ringSecondsMax: undefined,
    talkSecondsMax: undefined,
    restriction: undefined,
    outId: undefined,
  }
  const isBound = version % 2 === 1
  const single = {
    ...binding,
    aIndex: 'a',
    aSealed: 'k1.a',
    bSealed: undefined,
    groupId: undefined,
  }
  const leg = { ...binding, callerRole: 'A' as const, peerSealed: 'k1.sealed' }
  return {
    id: String(version),
    x,
    version,
    number: {
      ...aNumber({ x, product }),
      single: isBound && product === 'AXN' ? single : undefined,
    },
    parties: product === 'AXN' ? [] : [{ party, bound: isBound ? leg : undefined }],
  }
}

/** What an AXB caller meets, in a record of his own. */
const legKind: Kind = {
  at: (version) => numberAt(version, 'AXB'),
  async cached() {
    const { party: found } = await cache.read(question, everything)
    if (found.kind === 'bound') {
      expect(found.bound.bindingId).toBe(String(found.version))
      return found.version
    }
    if (found.kind === 'absent') expect(found.version % 2).toBe(0)
    return found.kind === 'absent' ? found.version : undefined
  },
}

/** What everybody meets on an X that carries one binding, in the record of X. */
const singleKind: Kind = {
  at: (version) => numberAt(version, 'AXN'),
  async cached() {
    const { number } = await cache.read(question, everything)
    if (number.kind !== 'number') return undefined
    const { single } = number.number
    expect(single?.bindingId).toBe(number.version % 2 === 1 ? String(number.version) : undefined)
    return number.version
  },
}

const changeAt = legKind.at
const cachedVersion = legKind.cached

type Reader = { claim: string; snapshot: number | undefined }

/** A world with one truth, writers whose writes arrive late and in any order, and readers that fill. */
function createWorld(kind: Kind = legKind) {
  let truth = 1
  let acknowledged = 0
  const late: number[] = []
  const readers: Reader[] = []
  const parties = kind.at(1).parties.map((each) => each.party)
  return {
    acknowledged: () => acknowledged,
    cached: kind.cached,
    commit() {
      truth += 1
      late.push(truth)
    },
    async deliver(pick: number) {
      const [version] = late.splice(pick % Math.max(late.length, 1), 1)
      if (version === undefined) return
      await cache.write(kind.at(version))
      acknowledged = Math.max(acknowledged, version)
    },
    async drain(pick: number) {
      const version = late[pick % Math.max(late.length, 1)]
      if (version === undefined) return
      await cache.forget([{ id: String(version), x, version, parties }])
    },
    async claim() {
      readers.push({ claim: await cache.claim(x, parties), snapshot: undefined })
    },
    look(pick: number) {
      const reader = readers[pick % Math.max(readers.length, 1)]
      if (reader !== undefined) reader.snapshot ??= truth
    },
    async fill(pick: number) {
      const [reader] = readers.splice(pick % Math.max(readers.length, 1), 1)
      if (reader?.snapshot !== undefined) await cache.fill(reader.claim, kind.at(reader.snapshot))
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
type Step = {
  readonly name: Exclude<keyof World, 'acknowledged' | 'cached'>
  readonly pick: number
}

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
  const version = await world.cached()
  if (version !== undefined) expect(version).toBeGreaterThanOrEqual(world.acknowledged())
}

const kinds = [
  ['of a caller on X', legKind],
  ['of X with its one binding', singleKind],
] as const

test.each(kinds)(
  'the record %s: whatever order writes, drains and fills arrive in, an older record never covers a newer one',
  async (_name, kind) => {
    await fc.assert(
      fc.asyncProperty(steps('commit', 'deliver', 'drain', 'claim', 'look', 'fill'), (taken) =>
        play(createWorld(kind), taken, nothingOlderThanAcknowledged),
      ),
      { numRuns: 150 },
    )
  },
)

test.each(kinds)(
  'the record %s: a reader that began before a change never undoes it, even when the cache was lost in between',
  async (_name, kind) => {
    const writing = (world: World) => ({ ...world, commit: () => commitAndDeliver(world) })
    await fc.assert(
      fc.asyncProperty(steps('commit', 'claim', 'look', 'fill', 'lose', 'evict'), (taken) =>
        play(writing(createWorld(kind)) as World, taken, nothingOlderThanAcknowledged),
      ),
      { numRuns: 150 },
    )
  },
)

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
  await cache.fill(await cache.claim(x, [party]), changeAt(4))
  expect(await cachedVersion()).toBe(4)
  await cache.forget([{ id: '4', x, version: 4, parties: [party] }])
  expect(await cachedVersion()).toBe(4)
})

test('an X that is not ours is remembered until somebody adds it', async () => {
  await redis.flushall()
  const unknown = { x, version: 0, number: undefined, parties: [] }
  await cache.fill(await cache.claim(x, [party]), unknown)
  expect((await cache.read(question, everything)).number.kind).toBe('absent')
  await cache.write({ ...changeAt(1), parties: [] })
  expect((await cache.read(question, everything)).number.kind).toBe('number')
})

test('a reader that finds an X gone does not take away what fends off older writes', async () => {
  await redis.flushall()
  await cache.forget([{ id: '9', x, version: 9, parties: [] }])
  await cache.fill(await cache.claim(x, []), {
    x,
    version: 0,
    number: undefined,
    parties: [],
  })
  expect(await redis.get(numberKey(x))).toBe(encodeAbsent(9))
})

describe('what is held about a caller', () => {
  /** In group `<version>`, and never in none: whatever is read tells its version. */
  const heldAt = (version: number) => ({
    party,
    version,
    holdings: { groups: [String(version)], blockedBy: [], blockedFrom: [] },
  })
  const rowAt = (version: number) => ({
    id: String(version),
    x: undefined,
    version,
    parties: [party],
  })
  const cachedGroup = async () => {
    const { caller } = await cache.read(question, everything)
    if (caller.kind !== 'caller' || caller.holdings === 'much') return undefined
    expect(caller.holdings.groups).toEqual([String(caller.version)])
    return caller.version
  }
  const fill = async (version: number) =>
    cache.fillCaller(await cache.claimCaller(party), heldAt(version))

  test('is kept from one call to the next until it changes', async () => {
    await redis.flushall()
    expect(await cachedGroup()).toBeUndefined()
    await fill(3)
    expect(await cachedGroup()).toBe(3)
    await cache.forget([rowAt(3)])
    expect(await cachedGroup()).toBe(3)
    await cache.forget([rowAt(4)])
    expect(await cachedGroup()).toBeUndefined()
    await fill(4)
    expect(await cachedGroup()).toBe(4)
  })

  function createCallerWorld() {
    let truth = 1
    const readers: Reader[] = []
    return {
      truth: () => truth,
      async change() {
        truth += 1
        await cache.forget([rowAt(truth)])
      },
      async claim() {
        readers.push({ claim: await cache.claimCaller(party), snapshot: undefined })
      },
      look(pick: number) {
        const reader = readers[pick % Math.max(readers.length, 1)]
        if (reader !== undefined) reader.snapshot ??= truth
      },
      async fill(pick: number) {
        const [reader] = readers.splice(pick % Math.max(readers.length, 1), 1)
        if (reader?.snapshot !== undefined) {
          await cache.fillCaller(reader.claim, heldAt(reader.snapshot))
        }
      },
      async lose() {
        await redis.flushall()
      },
      async evict() {
        await redis.del(callerKey(party))
      },
    }
  }

  test('of a reader that began before a change never outlives it', async () => {
    const names = ['change', 'claim', 'look', 'fill', 'lose', 'evict'] as const
    const step = fc.record({ name: fc.constantFrom(...names), pick: fc.nat(5) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (taken) => {
        await redis.flushall()
        const world = createCallerWorld()
        for (const { name, pick } of taken) {
          await world[name](pick)
          const known = await cachedGroup()
          if (known !== undefined) expect(known).toBe(world.truth())
        }
      }),
      { numRuns: 150 },
    )
  })

  test('is kept shorter when it is nothing, for the sake of memory', async () => {
    await redis.flushall()
    await cache.fillCaller(await cache.claimCaller(party), {
      party,
      version: 0,
      holdings: { groups: [], blockedBy: [], blockedFrom: [] },
    })
    const ofStranger = await redis.ttl(callerKey(party))
    await redis.flushall()
    await fill(3)
    expect(ofStranger).toBeLessThanOrEqual(3_600)
    expect(await redis.ttl(callerKey(party))).toBeGreaterThan(3_600)
  })

  test('goes with everything else when nobody can tell what is old', async () => {
    await redis.flushall()
    await fill(3)
    await cache.write(changeAt(3))
    await redis.set('{route-cache}:other', 'stays')
    await cache.wipe()
    expect(await redis.keys('*')).toEqual(['{route-cache}:other'])
  })
})

test('every record has an end, and no real number is in it', async () => {
  await redis.flushall()
  await cache.write(changeAt(1))
  await cache.write({ ...changeAt(2), x: xAt(2) })
  for (const key of await redis.keys('*')) expect(await redis.ttl(key)).toBeGreaterThan(0)
})
