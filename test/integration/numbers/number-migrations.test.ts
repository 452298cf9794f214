import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import {
  createNumberMigrations,
  type NumberMigrations,
} from '../../../src/numbers/number-migrations.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Redis } from '../../../src/platform/redis.ts'
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

let database: TestDatabase
let server: TestRedis
let redis: Redis
let rooms: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
let migrations: NumberMigrations
let rows: ReturnType<typeof straightInto>['rows']
let aPool: ReturnType<typeof straightInto>['aPool']
let positionsIn: ReturnType<typeof straightInto>['positionsIn']
const accountId = mainAccount

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  ;({ rows, aPool, positionsIn } = straightInto(database.sql))
  server = await startRedis()
  redis = await server.client()
  rooms = apiRooms({ sql: database.sql, redis })
  router = routerRooms({ sql: database.sql, redis })
  worker = workerRooms({ sql: database.sql, redis })
  migrations = createNumberMigrations({
    sql: database.sql,
    clock: systemClock,
    publisher: rooms.publisher,
  })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(0)))
  await rows(`insert into account (id, name) values ('other', 'Somebody else')`)
})
afterAll(async () => {
  await router.trust.stop()
  await worker.keeper.stop()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

const refused = (code: string) => expect.objectContaining({ code })
const range = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => xAt(from + at))

const bind = (poolKey: PoolKey, at: number, x?: VirtualNumber) =>
  rooms.bindings.bind({
    accountId,
    poolKey,
    a: person(at),
    b: person(at + 1),
    x,
    expiresAt: inMinutes(10),
  })

test('numbers of a list move, each with its outcome, and the run is kept with the names of then', async () => {
  const from = await aPool(range(100, 7), { city: '杭州' })
  const to = await aPool(range(150, 2))
  await bind(from, 100, xAt(101))
  await rooms.numbers.lock(accountId, xAt(102))
  await rows(`update number set state = 'frozen' where x = $1`, [xAt(103)])
  await rows(`update number set state = 'faulty' where x = $1`, [xAt(104)])
  const numbers = [...range(100, 5), xAt(150), xAt(999), xAt(106)]
  const { migration, moves } = await migrations.run({
    accountId,
    from,
    to,
    selection: { by: 'list', numbers },
  })
  expect(moves.map(({ outcome }) => outcome)).toEqual([
    'moved',
    'bound',
    'moved',
    'frozen',
    'faulty',
    'not-in-pool',
    'unknown',
    'moved',
  ])
  expect(moves.map(({ x }) => x)).toEqual(numbers)
  expect(moves[0]?.city).toBe('杭州')
  expect(migration).toMatchObject({
    from: { key: from },
    to: { key: to },
    product: 'AXB',
    selectedBy: 'list',
    asked: 8,
    succeeded: 3,
  })
  expect(await positionsIn(to)).toEqual([1, 2, 3, 4, 5])
  expect(await positionsIn(from)).toEqual([2, 4, 5, 6])
  // Locked it stays, also there.
  expect(await rooms.numbers.get(accountId, xAt(102))).toMatchObject({
    poolKey: to,
    state: 'locked',
  })
  await rows(`update pool set name = 'renamed' where key = $1`, [from])
  const kept = await migrations.get(accountId, migration.id)
  expect(kept).toEqual(migration)
  expect(kept.from.name).not.toBe('renamed')
})

test('any numbers of a city move, and a shortage is told', async () => {
  const from = await aPool(range(200, 4), { city: '杭州' })
  const to = await aPool()
  await rows(`update number set city = '上海' where x = any($1)`, [range(202, 2)])
  const first = await migrations.run({
    accountId,
    from,
    to,
    selection: { by: 'count', count: 5, city: '上海' },
  })
  expect(first.migration).toMatchObject({
    asked: 5,
    succeeded: 2,
    city: '上海',
    selectedBy: 'count',
  })
  expect(first.moves.map(({ x }) => x).sort()).toEqual(range(202, 2))
  const second = await migrations.run({
    accountId,
    from,
    to,
    selection: { by: 'count', count: 1 },
  })
  expect(second.moves).toMatchObject([{ city: '杭州', outcome: 'moved' }])
  expect(await positionsIn(to)).toEqual([1, 2, 3])
})

test('the next call and the next binding see the new pool', async () => {
  const from = await aPool(range(300, 1))
  const to = await aPool()
  const look = async () =>
    (await router.resolve({ caller: person(1), dialled: xAt(300), extension: undefined })).number
      ?.poolKey
  expect(await look()).toBe(from)
  await migrations.run({ accountId, from, to, selection: { by: 'list', numbers: [xAt(300)] } })
  expect(await look()).toBe(to)
  await expect(bind(from, 310, xAt(300))).rejects.toEqual(refused('number-not-in-pool'))
  await expect(bind(from, 310)).rejects.toEqual(refused('pool-empty'))
  expect(await bind(to, 310)).toMatchObject({ x: xAt(300), poolKey: to })
})

test('holes that a move leaves are walked over by whoever allocates there', async () => {
  const from = await aPool(range(400, 40))
  const to = await aPool()
  const every = range(400, 40).filter((_, at) => at % 4 !== 0)
  await migrations.run({ accountId, from, to, selection: { by: 'list', numbers: every } })
  const bound = await Promise.all(Array.from({ length: 20 }, (_, at) => bind(from, 400 + 2 * at)))
  expect(bound.every(({ x }) => !every.includes(x))).toBe(true)
})

test.each([
  ['pools of two products', 'product-mismatch', { product: 'AXN' as Product }],
  ['a pool of somebody else', 'pool-unknown', { account: 'other' }],
])('%s are refused', async (_what, code, given) => {
  const from = await aPool()
  const to = await aPool([], given)
  const selection = { by: 'count', count: 1 } as const
  await expect(migrations.run({ accountId, from, to, selection })).rejects.toEqual(refused(code))
  await expect(migrations.run({ accountId, from: to, to: from, selection })).rejects.toEqual(
    refused(code),
  )
})

test.each([
  ['nothing', { by: 'list', numbers: [] }],
  ['more than 500 in a list', { by: 'list', numbers: range(10_000, 501) }],
  ['a number twice', { by: 'list', numbers: [xAt(1), xAt(1)] }],
  ['no number', { by: 'count', count: 0 }],
  ['half a number', { by: 'count', count: 1.5 }],
  ['more than 1000', { by: 'count', count: 1001 }],
  ['a city without a name', { by: 'count', count: 1, city: '' }],
] as const)('%s is refused', async (_what, selection) => {
  const [from, to] = [await aPool(), await aPool()]
  await expect(migrations.run({ accountId, from, to, selection })).rejects.toEqual(
    refused('invalid-parameters'),
  )
})

test('from a pool to itself is refused', async () => {
  const from = await aPool(range(500, 1))
  const selection = { by: 'count', count: 1 } as const
  await expect(migrations.run({ accountId, from, to: from, selection })).rejects.toEqual(
    refused('invalid-parameters'),
  )
})

test('another account sees neither numbers nor runs', async () => {
  const theirs = await aPool(range(600, 1), { account: 'other' })
  const [from, to] = [await aPool(range(610, 1)), await aPool()]
  const { moves, migration } = await migrations.run({
    accountId,
    from,
    to,
    selection: { by: 'list', numbers: [xAt(600), xAt(610)] },
  })
  expect(moves.map(({ outcome }) => outcome)).toEqual(['unknown', 'moved'])
  expect(await positionsIn(theirs)).toEqual([1])
  const other = 'other' as AccountId
  await expect(migrations.get(other, migration.id)).rejects.toEqual(refused('migration-unknown'))
  await expect(migrations.moves({ accountId: other, id: migration.id })).rejects.toEqual(
    refused('migration-unknown'),
  )
  expect((await migrations.list({ accountId: other })).items).toEqual([])
})

test('the same key is the same run, also when asked twice at once', async () => {
  const [from, to] = [await aPool(range(700, 10)), await aPool()]
  const command = {
    accountId,
    from,
    to,
    selection: { by: 'count', count: 3 },
    idempotencyKey: 'once',
  } as const
  const results = await Promise.all(Array.from({ length: 6 }, () => migrations.run(command)))
  expect(new Set(results.map(({ migration }) => migration.id)).size).toBe(1)
  expect(results.every(({ moves }) => moves.length === 3)).toBe(true)
  expect(await positionsIn(to)).toEqual([1, 2, 3])
  await expect(
    migrations.run({ ...command, selection: { by: 'count', count: 4 } }),
  ).rejects.toEqual(refused('idempotency-key-reused'))
})

test('an answer given a second time makes sure that calls see it', async () => {
  const [from, to] = [await aPool(range(750, 1)), await aPool()]
  const dying = createNumberMigrations({
    sql: database.sql,
    clock: systemClock,
    publisher: {
      forget: () => Promise.reject(new Error('died')),
      settle: rooms.publisher.settle,
    },
  })
  const look = async () =>
    (await router.resolve({ caller: person(1), dialled: xAt(750), extension: undefined })).number
      ?.poolKey
  expect(await look()).toBe(from)
  const command = {
    accountId,
    from,
    to,
    selection: { by: 'count', count: 1 },
    idempotencyKey: 'died',
  } as const
  await expect(dying.run(command)).rejects.toThrow('died')
  expect((await dying.run(command)).migration.succeeded).toBe(1)
  expect(await look()).toBe(to)
})

test('the history is paged, filtered and in either order', async () => {
  const [from, to, back] = [await aPool(range(800, 6)), await aPool(), await aPool()]
  const runs: string[] = []
  for (const x of range(800, 5)) {
    const selection = { by: 'list', numbers: [x] } as const
    runs.push((await migrations.run({ accountId, from, to, selection })).migration.id)
  }
  const again = { by: 'list', numbers: [xAt(801)] } as const
  const last = await migrations.run({ accountId, from: to, to: back, selection: again })
  const ids = (page: { items: readonly { id: string }[] }) => page.items.map(({ id }) => id)
  const first = await migrations.list({ accountId, from, limit: 2 })
  expect(ids(first)).toEqual([runs[4], runs[3]])
  const second = await migrations.list({ accountId, from, limit: 2, cursor: first.nextCursor })
  expect(ids(second)).toEqual([runs[2], runs[1]])
  const oldest = await migrations.list({ accountId, to, order: 'oldest', limit: 3 })
  expect(ids(oldest)).toEqual(runs.slice(0, 3))
  const rest = await migrations.list({
    accountId,
    to,
    order: 'oldest',
    limit: 3,
    cursor: oldest.nextCursor,
  })
  expect(ids(rest)).toEqual(runs.slice(3))
  expect(rest.nextCursor).toBeUndefined()
  expect(ids(await migrations.list({ accountId, x: xAt(801) }))).toEqual([
    last.migration.id,
    runs[1],
  ])
  await expect(migrations.list({ accountId, cursor: 'bm9uZQ' })).rejects.toEqual(
    refused('cursor-unknown'),
  )
})

test('what became of each number is paged in the order in which it was asked', async () => {
  const [from, to] = [await aPool(range(900, 5)), await aPool()]
  await bind(from, 900, xAt(903))
  const numbers = range(900, 5).reverse()
  const { migration } = await migrations.run({
    accountId,
    from,
    to,
    selection: { by: 'list', numbers },
  })
  const { id } = migration
  const first = await migrations.moves({ accountId, id, limit: 3 })
  const second = await migrations.moves({ accountId, id, limit: 3, cursor: first.nextCursor })
  expect([...first.items, ...second.items].map(({ x }) => x)).toEqual(numbers)
  expect(second.nextCursor).toBeUndefined()
  const bound = await migrations.moves({ accountId, id, outcome: 'bound' })
  expect(bound.items.map(({ x }) => x)).toEqual([xAt(903)])
})

test('binders and moves at once: every X ends in one place, and only unbound ones move', async () => {
  const [from, to] = [await aPool(range(2000, 60)), await aPool()]
  const results = await Promise.all([
    ...Array.from({ length: 40 }, (_, at) =>
      bind(from, 2000 + 2 * at, at % 2 === 0 ? xAt(2000 + at) : undefined).catch(
        (err: { code?: string }) => err.code ?? 'bug',
      ),
    ),
    ...Array.from({ length: 6 }, (_, at) =>
      migrations.run({
        accountId,
        from,
        to,
        selection:
          at % 2 === 0
            ? { by: 'list', numbers: range(2000, 60).filter((_x, place) => place % 6 === at) }
            : { by: 'count', count: 5 },
      }),
    ),
  ])
  const codes = results.filter((each) => typeof each === 'string')
  const allowed = ['number-not-in-pool', 'no-available-number', 'pool-empty']
  expect(codes.filter((code) => !allowed.includes(code))).toEqual([])
  const moved = results.flatMap((each) =>
    typeof each === 'object' && 'moves' in each
      ? each.moves.filter(({ outcome }) => outcome === 'moved').map(({ x }) => x)
      : [],
  )
  expect(new Set(moved).size).toBe(moved.length)
  const there = await positionsIn(to)
  expect(there).toEqual(Array.from({ length: moved.length }, (_, at) => at + 1))
  const strays = await rows(
    `select 1 from binding b join number n on n.x = b.x
      where b.ended_at is null and b.pool_key <> n.pool_key`,
  )
  expect(strays).toEqual([])
  const [counted] = await rows<{ off: number }>(
    `select count(*)::int as off from number n
      where n.bound <> (select count(distinct binding_id) from binding_leg l where l.x = n.x)`,
  )
  expect(counted?.off).toBe(0)
})

test('moves there and back at once do not lock each other out', async () => {
  const [one, other] = [await aPool(range(2200, 40)), await aPool(range(2300, 40))]
  const runs = Array.from({ length: 12 }, (_, at) =>
    migrations.run({
      accountId,
      from: at % 2 === 0 ? one : other,
      to: at % 2 === 0 ? other : one,
      selection:
        at % 3 === 0
          ? { by: 'list', numbers: [...range(2200, 40), ...range(2300, 40)].reverse() }
          : { by: 'count', count: 20 },
    }),
  )
  await Promise.all(runs)
  const all = [...(await positionsIn(one)), ...(await positionsIn(other))]
  expect(all).toHaveLength(80)
})
