import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BindCommand, Binding } from '../../../src/bindings/binding.ts'
import type { Product } from '../../../src/domain/call.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { BindingId, PoolKey } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { Redis } from '../../../src/platform/redis.ts'
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

/**
 * Sixty-four binders at once on one small pool, over two API processes, each binding, changing and
 * unbinding among few people. When they have ended, Postgres, Redis and the API must tell the same
 * of every leg, and nobody else may be bound.
 */
const binders = 64
const stepsEach = 8
const peopleCount = 24
const xCount = 6

let database: TestDatabase
let server: TestRedis
let redis: Redis

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: binders + 4 })
  server = await startRedis()
  redis = await server.client()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

/**
 * Refusals are what a small pool is for; anything else is a fault. A database that is too busy on a
 * slow machine is asked again, as a client would, with the same key.
 */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      return await work()
    } catch (err) {
      if (!(err instanceof DomainError)) throw err
      if (err.httpStatus < 500) return undefined
      if (err.code !== 'database-away') throw err
    }
  }
}

const pick = <T>(list: readonly T[]): T => {
  const item = list[Math.floor(Math.random() * list.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

type Api = ReturnType<typeof apiRooms>
type Scene = {
  readonly apis: readonly Api[]
  readonly product: Product
  readonly poolKey: PoolKey
  readonly xs: readonly ReturnType<typeof xAt>[]
  readonly people: readonly PhoneNumber[]
  readonly groupId: string | undefined
}

function wish(scene: Scene): BindCommand {
  const { people, product, poolKey, xs, groupId } = scene
  const a = pick(people)
  const b = pick(people.filter((each) => each !== a))
  return {
    accountId: mainAccount,
    poolKey,
    a,
    b: product === 'AXB' || Math.random() < 0.5 ? b : undefined,
    x: Math.random() < 0.5 ? pick(xs) : undefined,
    groupId,
    expiresAt: inMinutes(60),
  }
}

const named = ({ id }: Binding) => ({ accountId: mainAccount, id })

const bindWith = (bindings: Api['bindings'], command: BindCommand) => {
  const asked = { ...command, idempotencyKey: randomUUID() }
  return () => bindings.bind(asked)
}

async function binder(scene: Scene, made: BindingId[]): Promise<void> {
  const mine: Binding[] = []
  for (let step = 0; step < stepsEach; step += 1) {
    const { bindings } = pick(scene.apis)
    const last = mine.at(-1)
    if (last === undefined || Math.random() < 0.55) {
      const bound = await unlessRefused(bindWith(bindings, wish(scene)))
      if (bound !== undefined) {
        mine.push(bound)
        made.push(bound.id)
      }
    } else if (Math.random() < 0.5) {
      const change = { a: pick(scene.people), outId: `step-${step}` }
      await unlessRefused(() => bindings.update({ ...named(last), change }))
    } else {
      mine.pop()
      await unlessRefused(() => bindings.unbind(named(last)))
    }
  }
}

async function expectAgreement(scene: Scene, made: readonly BindingId[]): Promise<void> {
  const { bindings } = pick(scene.apis)
  const router = routerRooms({ sql: database.sql, redis: await server.client() })
  router.trust.start()
  await until(() => router.trust.believes(pick(scene.xs)))

  const live = new Map<BindingId, Binding>()
  for (const id of made) {
    const binding = await bindings.get(mainAccount, id)
    if (binding.state === 'live') live.set(id, binding)
  }
  const rows = await database.sql.rows<{ x: string; bound: number; ids: string[] }>({
    name: 'test.legs',
    text: `select n.x, n.bound, array(select distinct l.binding_id::text from binding_leg l
                                       where l.x = n.x order by 1) as ids
             from number n where n.pool_key = $1`,
    values: [scene.poolKey],
  })
  expect(rows.flatMap((row) => row.ids).sort(), 'legs and bindings').toEqual(
    [...live.keys()].sort(),
  )
  for (const row of rows) expect(row.bound, 'count of X').toBe(row.ids.length)

  for (const x of scene.xs) {
    const here = [...live.values()].filter((each) => each.x === x)
    for (const caller of scene.people) {
      await expectCaller(scene, { router, x, caller, here })
    }
    for (const { extension, id } of here) {
      if (extension === undefined) continue
      const stranger = person(9_999)
      const found = await router.resolve({ caller: stranger, dialled: x, extension })
      expect(found.binding?.bindingId, 'by extension').toBe(id)
    }
  }
  expect(router.sources.failed).toBe(0)
  expect(router.sources.redis, 'answers from Redis').toBeGreaterThan(0)
  await router.trust.stop()
}

async function expectCaller(
  { product }: Scene,
  asked: {
    readonly router: ReturnType<typeof routerRooms>
    readonly x: ReturnType<typeof xAt>
    readonly caller: PhoneNumber
    readonly here: readonly Binding[]
  },
): Promise<void> {
  const { router, x, caller, here } = asked
  const isOf = (each: Binding) =>
    each.a.equals(caller) || (product === 'AXB' && each.b?.equals(caller) === true)
  const own = here.filter(isOf)
  expect(own.length, 'bindings of one caller on one X').toBeLessThan(2)
  const anybodys = product === 'AXN' || product === 'AXG' ? here : []
  const expected = own[0] ?? anybodys[0]
  // Twice: from wherever, and then surely from Redis.
  for (let time = 0; time < 2; time += 1) {
    const { binding } = await router.resolve({ caller, dialled: x })
    expect(binding?.bindingId, 'binding of a caller').toBe(expected?.id)
    if (binding === undefined || expected === undefined) continue
    const peer = expected.a.equals(caller) ? expected.b : expected.a
    expect(binding.peer?.equals(peer ?? caller) ?? peer === undefined, 'whom it rings').toBe(true)
    expect(binding.outId).toBe(expected.outId)
  }
}

test.each<[Product, number]>([
  ['AXB', 100],
  ['AXN', 200],
  ['AXN_EXTENSION', 300],
  ['AXG', 400],
])(
  '%s: Postgres, Redis and the API agree on every leg',
  { timeout: 120_000 },
  async (product, first) => {
    const { sql } = database
    const apis = [
      apiRooms({ sql, redis, lateMsMax: 5 }),
      apiRooms({ sql, redis: await server.client() }),
    ]
    const [api] = apis
    if (api === undefined) throw new Error('there is no API')
    const xs = Array.from({ length: xCount }, (_, at) => xAt(first + at))
    const people = Array.from({ length: peopleCount }, (_, at) => person(first * 100 + at))
    const worker = workerRooms({ sql, redis })
    worker.keeper.start()
    const poolKey = await poolWith(api, xs, product)
    const group =
      product === 'AXG'
        ? await api.groups.create({ accountId: mainAccount, poolKey, numbers: people })
        : undefined
    const scene: Scene = { apis, product, poolKey, xs, people, groupId: group?.id }
    const made: BindingId[] = []
    await Promise.all(Array.from({ length: binders }, () => binder(scene, made)))
    expect(made.length).toBeGreaterThan(xCount)
    await expectAgreement(scene, made)
    await worker.keeper.stop()
    await Promise.all(apis.map((each) => each.publisher.close()))
  },
)
