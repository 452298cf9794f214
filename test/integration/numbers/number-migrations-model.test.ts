import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { createNumberMigrations } from '../../../src/numbers/number-migrations.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  routerRooms,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { straightInto } from '../../support/straight-in.ts'

/** Whatever is done to a few numbers in three pools, each move does what a small model of it says. */
let database: TestDatabase
let server: TestRedis
let rooms: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
let straight: ReturnType<typeof straightInto>
const accountId = mainAccount

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  const redis = await server.client()
  straight = straightInto(database.sql)
  rooms = apiRooms({ sql: database.sql, redis })
  router = routerRooms({ sql: database.sql, redis })
  worker = workerRooms({ sql: database.sql, redis })
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

type State = 'normal' | 'locked' | 'frozen' | 'faulty'
type ModelNumber = { x: VirtualNumber; pool: number; state: State; bindings: BindingId[] }

const at = fc.nat({ max: 7 })
const pool = fc.nat({ max: 2 })
const step = fc.oneof(
  fc.record({ do: fc.constant('bind' as const), at }),
  fc.record({ do: fc.constant('unbind' as const), at }),
  fc.record({
    do: fc.constant('state' as const),
    at,
    state: fc.constantFrom<State>('normal', 'locked', 'frozen', 'faulty'),
  }),
  fc.record({
    do: fc.constant('move-list' as const),
    from: pool,
    to: pool,
    list: fc.uniqueArray(at, { minLength: 1 }),
  }),
  fc.record({
    do: fc.constant('move-count' as const),
    from: pool,
    to: pool,
    count: fc.integer({ min: 1, max: 8 }),
  }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

let worlds = 0
let people = 0

async function aWorld() {
  worlds += 1
  const xs = Array.from({ length: 8 }, (_, place) => xAt(100 * worlds + place))
  const keys = [
    await straight.aPool(xs.slice(0, 4)),
    await straight.aPool(xs.slice(4)),
    await straight.aPool(),
  ]
  const numbers = xs.map(
    (x, place): ModelNumber => ({ x, pool: place < 4 ? 0 : 1, state: 'normal', bindings: [] }),
  )
  const publisher = rooms.publisher
  const migrations = createNumberMigrations({ sql: database.sql, clock: systemClock, publisher })
  return { keys, numbers, migrations }
}
type World = Awaited<ReturnType<typeof aWorld>>

const keyOf = (world: World, index: number) => world.keys[index] as PoolKey
const numberOf = (world: World, place: number) => world.numbers[place] as ModelNumber
const movable = (each: ModelNumber) =>
  each.bindings.length === 0 && (each.state === 'normal' || each.state === 'locked')

async function take(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'bind':
      return bind(world, numberOf(world, step.at))
    case 'unbind': {
      const id = numberOf(world, step.at).bindings.pop()
      if (id !== undefined) await rooms.bindings.unbind({ accountId, id })
      return
    }
    case 'state': {
      const number = numberOf(world, step.at)
      number.state = step.state
      await straight.rows('update number set state = $2 where x = $1', [number.x, step.state])
      return
    }
    default:
      return move(world, step)
  }
}

async function bind(world: World, number: ModelNumber): Promise<void> {
  people += 2
  const [a, b] = [person(people), person(people + 1)]
  const poolKey = keyOf(world, number.pool)
  const command = { accountId, poolKey, a, b, x: number.x, expiresAt: inMinutes(10) }
  if (number.state === 'normal') number.bindings.push((await rooms.bindings.bind(command)).id)
  else await expect(rooms.bindings.bind(command)).rejects.toThrow()
}

async function move(
  world: World,
  step: Extract<Step, { do: 'move-list' | 'move-count' }>,
): Promise<void> {
  const selection =
    step.do === 'move-list'
      ? ({ by: 'list', numbers: step.list.map((place) => numberOf(world, place).x) } as const)
      : ({ by: 'count', count: step.count } as const)
  const [from, to] = [keyOf(world, step.from), keyOf(world, step.to)]
  const run = world.migrations.run({ accountId, from, to, selection })
  if (step.from === step.to) {
    await expect(run).rejects.toThrow('the same')
    return
  }
  const { migration, moves } = await run
  const free = world.numbers.filter((each) => each.pool === step.from && movable(each))
  if (step.do === 'move-list') {
    expect(moves.map(({ outcome }) => outcome)).toEqual(
      step.list.map((place) => expectedOutcome(numberOf(world, place), step.from)),
    )
  } else {
    expect(migration.succeeded).toBe(Math.min(step.count, free.length))
    const stays = moves.filter(({ x }) => !free.some((each) => each.x === x))
    expect(stays).toEqual([])
  }
  for (const { x, outcome } of moves) {
    const number = world.numbers.find((each) => each.x === x)
    if (outcome === 'moved' && number !== undefined) number.pool = step.to
  }
}

function expectedOutcome(number: ModelNumber, from: number): string {
  if (number.pool !== from) return 'not-in-pool'
  if (number.state === 'frozen' || number.state === 'faulty') return number.state
  return number.bindings.length > 0 ? 'bound' : 'moved'
}

async function agree(world: World): Promise<void> {
  const stored = await straight.rows<{ x: VirtualNumber; pool_key: PoolKey; bound: number }>(
    'select x, pool_key, bound from number where x = any($1) order by x',
    [world.numbers.map(({ x }) => x)],
  )
  expect(stored).toEqual(
    world.numbers.map((each) => ({
      x: each.x,
      pool_key: keyOf(world, each.pool),
      bound: each.bindings.length,
    })),
  )
  const beyond = await straight.rows(
    `select 1 from number n join pool p on p.key = n.pool_key
      where p.key = any($1) and n.position not between 1 and p.positions`,
    [world.keys],
  )
  expect(beyond).toEqual([])
  for (const { x, pool: index } of world.numbers) {
    const seen = await router.resolve({ caller: person(0), dialled: x, extension: undefined })
    expect(seen.number?.poolKey).toBe(keyOf(world, index))
  }
}

test('numbers are where the model says, for Postgres and for calls', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = await aWorld()
      // Calls in between have every record in the cache that a move must make forgotten.
      await agree(world)
      for (const each of steps) {
        await take(world, each)
        if (each.do === 'move-list' || each.do === 'move-count') await agree(world)
      }
      await agree(world)
    }),
    { numRuns: 25, endOnFailure: true },
  )
})
