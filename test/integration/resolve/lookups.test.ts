import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Binding } from '../../../src/bindings/binding.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  poolWith,
  routerRooms,
  testVault,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

/** Two API processes, two routers and two workers, each with connections of its own. */
let database: TestDatabase
let server: TestRedis
let admin: Redis
let apis: ReturnType<typeof apiRooms>[]
let routers: ReturnType<typeof routerRooms>[]
let sceptic: ReturnType<typeof routerRooms>
let workers: ReturnType<typeof workerRooms>[]
let now = new Date()
const clock = { now: () => now }
let nextX = 0

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  admin = await server.client()
  const { sql } = database
  const two = async <T>(make: (redis: Redis) => T) => [
    make(await server.client()),
    make(await server.client()),
  ]
  // Their writes come late and cross each other.
  apis = await two((redis) => apiRooms({ sql, redis, clock, lateMsMax: 4 }))
  routers = await two((redis) => routerRooms({ sql, redis }))
  sceptic = routerRooms({ sql, redis: admin })
  workers = await two((redis) => workerRooms({ sql, redis, clock }))
  for (const { keeper } of workers) keeper.start()
  for (const { trust } of routers) trust.start()
  await until(() => routers.every(({ trust }) => trust.believes(xAt(0))))
})
afterAll(async () => {
  await Promise.all(routers.map(({ trust }) => trust.stop()))
  await Promise.all(workers.map(({ keeper }) => keeper.stop()))
  await Promise.all(apis.map(({ publisher }) => publisher.close()))
  await server.stop()
  await database.drop()
})

async function freshX(): Promise<{ x: VirtualNumber; poolKey: PoolKey }> {
  nextX += 1
  const x = xAt(nextX)
  return { x, poolKey: await poolWith(firstOf(apis), [x]) }
}

function firstOf<T>(items: readonly T[]): T {
  const [first] = items
  if (first === undefined) throw new Error('there is none')
  return first
}

/** When something certainly was true, and when it may have been: in ticks of one counter. */
type Life = {
  readonly binding: Binding
  readonly parties: readonly [number, number]
  readonly mayBeginAt: number
  readonly begunAt: number
  mayEndAt: number
  endedAt: number
}

type Step =
  | { readonly do: 'bind'; readonly a: number; readonly b: number; readonly minutes: number }
  | { readonly do: 'unbind'; readonly pick: number }
  | { readonly do: 'look'; readonly who: number }
  | { readonly do: 'wait'; readonly minutes: number }
  | { readonly do: 'lose'; readonly all: boolean }

const people = 4
const who = fc.nat(people - 1)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('bind' as const),
      a: who,
      b: who,
      minutes: fc.integer({ min: 2, max: 8 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('unbind' as const), pick: fc.nat(9) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('look' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      minutes: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), all: fc.boolean() }) },
)
const programs = fc.array(fc.array(step, { maxLength: 25 }), { minLength: 2, maxLength: 6 })

/** One run: several programs at once against the same X, everything noted with ticks before and after. */
async function createRun() {
  const { x, poolKey } = await freshX()
  const lives: Life[] = []
  let tick = 0
  const next = () => {
    tick += 1
    return tick
  }
  const personOf = (at: number) => person(nextX * 10 + at)

  async function bind(at: number, each: Step & { do: 'bind' }) {
    const mayBeginAt = next()
    const api = apis[at % 2] ?? firstOf(apis)
    const ask = {
      a: personOf(each.a),
      b: personOf(each.b),
      expiresAt: inMinutes(each.minutes, now),
    }
    const binding = await api.bindings
      .bind({ accountId: mainAccount, poolKey, x, ...ask })
      .catch(expectedRefusal)
    if (binding === undefined) return
    lives.push({
      binding,
      parties: [each.a, each.b],
      mayBeginAt,
      begunAt: next(),
      mayEndAt: Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY,
    })
  }
  async function unbind(at: number, pick: number) {
    const life = lives[pick % Math.max(lives.length, 1)]
    if (life === undefined) return
    const began = next()
    const api = apis[at % 2] ?? firstOf(apis)
    life.mayEndAt = Math.min(life.mayEndAt, began)
    await api.bindings
      .unbind({ accountId: mainAccount, id: life.binding.id })
      .catch(expectedRefusal)
    life.endedAt = Math.min(life.endedAt, next())
  }
  async function look(at: number, asking: number) {
    const began = next()
    const timeBefore = now
    // The third is a router that does not believe Redis: its trust is not started.
    const router = [...routers, sceptic][at % 3] ?? sceptic
    const { binding } = await router.resolve({ caller: personOf(asking), dialled: x })
    const ended = next()
    const found = binding === undefined || binding.expiresAt <= now ? undefined : binding.bindingId
    return { asking, began, ended, timeBefore, timeAfter: now, found }
  }
  return { bind, unbind, look, lives }
}

function expectedRefusal(err: unknown): undefined {
  if (!(err instanceof DomainError) || err.httpStatus >= 500) throw err
}

type Look = {
  readonly asking: number
  readonly began: number
  readonly ended: number
  readonly timeBefore: Date
  readonly timeAfter: Date
  readonly found: BindingId | undefined
}

/** The two promises, judged only once everything has returned, because a bind may be found before it has. */
function judge(looks: readonly Look[], lives: readonly Life[]) {
  for (const look of looks) {
    const mine = lives.filter(({ parties }) => parties.includes(look.asking))
    const found = mine.find(({ binding }) => binding.id === look.found)
    if (look.found !== undefined) {
      expect(found, 'what was found is a binding of the caller').toBeDefined()
      expect(found?.mayBeginAt, 'found before it was asked for').toBeLessThan(look.ended)
      expect(found?.endedAt, 'found after its end').toBeGreaterThan(look.began)
    }
    const certain = mine.find(
      ({ binding, begunAt, mayEndAt }) =>
        begunAt < look.began && mayEndAt > look.ended && binding.expiresAt > look.timeAfter,
    )
    if (certain !== undefined) expect(look.found, 'not found though bound').toBe(certain.binding.id)
  }
}

test('whatever happens at once, no lookup finds a binding after its end or misses one after its begin', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (all) => {
      const run = await createRun()
      const looks: Look[] = []
      const take = async (at: number, each: Step) => {
        if (each.do === 'bind') await run.bind(at, each)
        if (each.do === 'unbind') await run.unbind(at, each.pick)
        if (each.do === 'look') looks.push(await run.look(at, each.who))
        if (each.do === 'wait') now = inMinutes(each.minutes, now)
        if (each.do === 'lose') await lose(each.all)
      }
      await Promise.all(
        all.map(async (program, at) => {
          for (const each of program) await take(at, each)
        }),
      )
      judge(looks, run.lives)
    }),
    { numRuns: 60 },
  )
})

/** Redis may lose anything at any time: everything, or whatever it likes. */
async function lose(all: boolean) {
  if (all) return admin.flushall()
  const key = await admin.randomkey()
  return key === null ? 0 : admin.del(key)
}

test('32 binders on a small pool at once: Postgres, Redis and the API agree on every leg', async () => {
  const numbers = Array.from({ length: 5 }, (_, at) => xAt(50_000 + at))
  const poolKey = await poolWith(firstOf(apis), numbers)
  const crowd = Array.from({ length: 12 }, (_, at) => person(900_000 + at))
  const bound: Binding[] = []
  const refusals: string[] = []
  const binder = async (at: number) => {
    for (let turn = 0; turn < 6; turn += 1) {
      const a = crowd[(at + turn) % 12]
      const b = crowd[(at * 5 + turn * 7 + 1) % 12]
      if (a === undefined || b === undefined || a.equals(b)) continue
      const api = apis[at % 2] ?? firstOf(apis)
      await api.bindings
        .bind({ accountId: mainAccount, poolKey, a, b, expiresAt: inMinutes(60, now) })
        .then((binding) => bound.push(binding))
        .catch((err: unknown) => {
          if (!(err instanceof DomainError)) throw err
          refusals.push(err.code)
        })
      if (turn % 3 === 2) {
        const mine = bound.splice(Math.floor(bound.length / 2), 1)
        for (const { id } of mine) await api.bindings.unbind({ accountId: mainAccount, id })
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, (_, at) => binder(at)))
  // The busiest user is what runs dry, or it was at that moment.
  expect(['party-on-every-number', 'no-available-number']).toEqual(
    expect.arrayContaining([...new Set(refusals)]),
  )

  const legs = await database.sql.rows<{ x: string; party: string; binding_id: string }>({
    name: 'test.legs',
    text: 'select l.x, party, binding_id from binding_leg l join number using (x) where pool_key = $1',
    values: [poolKey],
  })
  const truth = new Map(legs.map((leg) => [`${leg.x} ${leg.party}`, leg.binding_id]))
  expect(legs.length).toBe(2 * bound.length)
  const page = await firstOf(apis).bindings.list({
    accountId: mainAccount,
    poolKey,
    state: 'live',
    limit: 200,
  })
  expect(page.items.map(({ id }) => id).sort()).toEqual(bound.map(({ id }) => id).sort())
  for (const dialled of numbers) {
    const { bindings } = await firstOf(apis).numbers.get(mainAccount, dialled)
    expect(bindings).toBe(bound.filter(({ x }) => x === dialled).length)
    for (const caller of crowd) {
      const record = await firstOf(routers).resolve({ caller, dialled })
      expect(record.binding?.bindingId).toBe(
        truth.get(`${dialled} ${testVault.blindIndex(caller)}`),
      )
    }
  }
})

test('allocation is fair: a pool is used evenly', async () => {
  const numbers = Array.from({ length: 20 }, (_, at) => xAt(60_000 + at))
  const poolKey = await poolWith(firstOf(apis), numbers)
  const used = new Map<string, number>()
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let at = 0; at < 50; at += 1) {
        const [a, b] = [
          person(800_000 + lane * 100 + at * 2),
          person(800_001 + lane * 100 + at * 2),
        ]
        const ask = { accountId: mainAccount, poolKey, a, b, expiresAt: inMinutes(60, now) }
        const { x } = await firstOf(apis)
          .bindings.bind(ask)
          .catch(() => ({ x: 'none' }))
        used.set(x, (used.get(x) ?? 0) + 1)
      }
    }),
  )
  used.delete('none')
  const counts = numbers.map((x) => used.get(x) ?? 0)
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect(Math.max(...counts)).toBeLessThan(3 * mean)
})
