import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  routerRooms,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import {
  bind,
  block,
  createTown,
  editGroup,
  extensions,
  type Look,
  look,
  people,
  setCallback,
  setLocked,
  type Town,
  unbind,
  update,
} from './a-town.ts'
import { judge } from './judge.ts'
import type { Rooms } from './some-calls.ts'

/** Two API processes, two routers, a sceptic that asks Postgres, and two workers. */
let database: TestDatabase
let server: TestRedis
let admin: Redis
let apis: readonly [Rooms['api'], Rooms['api']]
let routers: readonly Rooms['router'][]
let believing: readonly Rooms['router'][]
let workers: readonly Rooms['worker'][]
let now = new Date()
const clock = { now: () => now }

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  admin = await server.client({ commandMsMax: 10_000 })
  const { sql } = database
  // Their writes come late and cross each other.
  const api = async () => apiRooms({ sql, redis: await server.client(), clock, lateMsMax: 4 })
  const router = async () => routerRooms({ sql, redis: await server.client() })
  const worker = async () => workerRooms({ sql, redis: await server.client(), clock })
  apis = [await api(), await api()]
  believing = [await router(), await router()]
  routers = [...believing, await router()]
  workers = [await worker(), await worker()]
  for (const { keeper } of workers) keeper.start()
  for (const { trust } of believing) trust.start()
  await until(() => believing.every(({ trust }) => trust.believes(xAt(0))))
})
afterAll(async () => {
  await Promise.all(believing.map(({ trust }) => trust.stop()))
  await Promise.all(workers.map(({ keeper }) => keeper.stop()))
  await Promise.all(apis.map(({ publisher }) => publisher.close()))
  await server.stop()
  await database.drop()
})

const who = fc.nat(people - 1)
const extension = fc.constantFrom(...extensions)
const one = <Do extends string, More extends object>(name: Do, more: fc.Arbitrary<More>) =>
  more.map((each) => ({ do: name, ...each }))

const howToLose = ['one', 'one', 'records', 'records', 'records', 'everything'] as const

const steps = {
  bind: one(
    'bind',
    fc.record({ a: who, b: who, minutes: fc.integer({ min: 2, max: 8 }), extension }),
  ),
  unbind: one('unbind', fc.record({ pick: fc.nat(9) })),
  update: one(
    'update',
    fc.record({
      pick: fc.nat(9),
      what: fc.constantFrom('a' as const, 'restriction' as const),
      who,
      restriction: fc.constantFrom('AX' as const, 'BX' as const, null),
    }),
  ),
  look: one('look', fc.record({ who, extension: fc.option(extension, { nil: undefined }) })),
  wait: one('wait', fc.record({ minutes: fc.integer({ min: 1, max: 4 }) })),
  lose: one('lose', fc.record({ how: fc.constantFrom(...howToLose) })),
  group: one('group', fc.record({ who, isIn: fc.boolean() })),
  block: one('block', fc.record({ who, isBlocked: fc.boolean() })),
  callback: one(
    'callback',
    fc.record({
      mode: fc.constantFrom('default-b' as const, 'last-caller' as const, 'disabled' as const),
    }),
  ),
  lock: one('lock', fc.record({ isLocked: fc.boolean() })),
}
/** What can be done to an X of this product. */
function programsFor(product: string) {
  const step = fc.oneof(
    { weight: 4, arbitrary: steps.bind },
    { weight: 2, arbitrary: steps.unbind },
    { weight: 3, arbitrary: steps.update },
    { weight: 14, arbitrary: steps.look },
    { weight: 1, arbitrary: steps.wait },
    { weight: 1, arbitrary: steps.lose },
    product === 'AXG'
      ? { weight: 6, arbitrary: steps.group }
      : { weight: 4, arbitrary: steps.block },
    { weight: product === 'AXB' ? 0 : 1, arbitrary: steps.callback },
    { weight: 1, arbitrary: steps.lock },
  )
  return fc.array(fc.array(step, { maxLength: 25 }), { minLength: 2, maxLength: 5 })
}
type Step = {
  [Name in keyof typeof steps]: (typeof steps)[Name] extends fc.Arbitrary<infer S> ? S : never
}[keyof typeof steps]

async function take(town: Town, looks: Look[], at: number, each: Step): Promise<void> {
  const api = apis[at % 2] ?? apis[0]
  switch (each.do) {
    case 'bind':
      return bind(town, api, each)
    case 'unbind':
      return unbind(town, api, each.pick)
    case 'update':
      return update(town, api, each)
    case 'group':
      return editGroup(town, api, each.who, each.isIn)
    case 'block':
      return block(town, api, each.who, each.isBlocked)
    case 'callback':
      return setCallback(town, api, each.mode)
    case 'lock':
      return setLocked(town, api, each.isLocked)
    case 'wait':
      now = inMinutes(each.minutes, now)
      return
    case 'lose':
      return lose(each.how)
    case 'look': {
      const router = routers[at % routers.length]
      if (router === undefined) throw new Error('there is no router')
      looks.push(await look(town, router, each.who, each.extension))
    }
  }
}

/**
 * Redis may lose anything at any time: whatever it likes, or everything. With that it loses the mark
 * by which it is believed, and nobody asks it for a while: too dull to be done often.
 */
async function lose(how: 'one' | 'records' | 'everything'): Promise<void> {
  if (how === 'everything') {
    await admin.flushall()
    return
  }
  const keys = await admin.keys('route:{*')
  const [some = ''] = how === 'one' ? keys.sort(() => Math.random() - 0.5) : []
  const lost = how === 'one' ? [some] : keys
  if (lost.length > 0) await admin.del(...lost)
}

test.each(['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG'] as const)(
  '%s: whatever happens at once, no lookup sees what has ended or misses what has begun',
  async (product) => {
    await fc.assert(
      fc.asyncProperty(programsFor(product), async (all) => {
        await until(() => believing.every(({ trust }) => trust.believes(xAt(0))))
        const town = await createTown({ apis, now: clock.now }, product)
        const looks: Look[] = []
        await Promise.all(
          all.map(async (program, at) => {
            for (const each of program) await take(town, looks, at, each)
          }),
        )
        judge(town, looks)
      }),
      { numRuns: 30 },
    )
    const told = { redis: 0, elsewhere: 0 }
    for (const { sources } of believing) {
      told.redis += sources.redis
      told.elsewhere += sources.postgres + sources.miss
    }
    expect(told.redis, 'Redis was hardly asked').toBeGreaterThan(told.elsewhere / 10)
  },
)
