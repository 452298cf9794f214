import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Binding } from '../../../src/bindings/binding.ts'
import type { PoolKey } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { createSql, type SqlPool } from '../../../src/platform/sql.ts'
import { partyKey } from '../../../src/resolve/route-record.ts'
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
import {
  cloneTemplate,
  createTemplate,
  createTestDatabase,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const x = xAt(1)
const [a, b, c, d] = [person(1), person(2), person(3), person(4)]

let server: TestRedis
let redis: Redis
let api: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
let poolKey: PoolKey

async function open(sql: SqlPool) {
  server = await startRedis()
  redis = await server.client()
  api = apiRooms({ sql, redis })
  router = routerRooms({ sql, redis: await server.client() })
  worker = workerRooms({ sql, redis: await server.client() })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(x))
  poolKey = await poolWith(api, [x, xAt(2)])
}

async function close() {
  await router.trust.stop()
  await worker.keeper.stop()
  await api.publisher.close()
  await server.stop()
}

const bind = (parties = [a, b] as const, rooms = api): Promise<Binding> =>
  rooms.bindings.bind({
    accountId: mainAccount,
    poolKey,
    a: parties[0],
    b: parties[1],
    x,
    expiresAt: inMinutes(60),
  })
const unbind = ({ id }: Binding) => api.bindings.unbind({ accountId: mainAccount, id })
const look = (caller = a) => router.resolve({ caller, dialled: x })
const found = async (caller = a) => (await look(caller)).binding?.bindingId
const believed = () => until(() => router.trust.believes(x))

describe('with Redis failing', () => {
  let database: TestDatabase

  beforeEach(async () => {
    database = await createTestDatabase({ poolMax: 10 })
    await open(database.sql)
  })
  afterEach(async () => {
    await close()
    await database.drop()
  })

  test('a flushed Redis is filled again, and nothing is wrong meanwhile', async () => {
    const bound = await bind()
    const gone = await bind([c, d])
    await unbind(gone)
    await redis.flushall()
    expect(await found()).toBe(bound.id)
    expect(await found(c)).toBeUndefined()
    // Whether the router notices hangs on whether the worker was quicker.
    await until(async () => (await look()).source === 'redis')
    expect(await found()).toBe(bound.id)
    expect(await found(c)).toBeUndefined()
  })

  test('a Redis that lost what it had confirmed is not believed before it is replayed', async () => {
    const bound = await bind()
    expect(await found()).toBe(bound.id)
    const power = await server.appended()
    await unbind(bound)
    const later = await bind([c, d])
    // The rows are drained: nothing but the replay can know that Redis lost them.
    await until(async () => (await undrained(database)) === 0)

    await worker.keeper.stop()
    await server.kill()
    expect(await found()).toBeUndefined()
    await server.loseAfter(power)
    await server.start()
    const client = await server.client()
    const stale = await client.get(partyKey(x, testVault.blindIndex(a)))
    expect(stale, 'the test has lost the unbind').toContain('|b')
    for (let at = 0; at < 20; at += 1) {
      expect(await found()).toBeUndefined()
      expect((await look(c)).source).toBe('postgres')
    }

    worker.keeper.start()
    await believed()
    expect(await found()).toBeUndefined()
    expect(await found(c)).toBe(later.id)
    await until(async () => (await look(c)).source === 'redis')
    expect(await found()).toBeUndefined()
    expect(await found(c)).toBe(later.id)
  })

  test('without Redis, binds and unbinds are true for the next call, over Postgres', async () => {
    const before = await bind()
    await server.kill()
    const bound = await bind([c, d])
    expect(await found(c)).toBe(bound.id)
    await unbind(before)
    expect(await found()).toBeUndefined()
    expect((await look()).source).toBe('postgres')
    await server.start()
    await believed()
    expect(await found(c)).toBe(bound.id)
    expect(await found()).toBeUndefined()
    await until(async () => (await look(c)).source === 'redis')
    await until(async () => (await undrained(database)) === 0)
  })

  test('a writer cut off from Redis is believed all the same, and the worker heals what it left', async () => {
    const bound = await bind()
    const cutOff = await server.client()
    cutOff.disconnect()
    const alone = apiRooms({ sql: database.sql, redis: cutOff })
    await worker.keeper.stop()
    await alone.bindings.unbind({ accountId: mainAccount, id: bound.id })
    expect(await found()).toBeUndefined()
    const other = await bind([a, c], alone)
    expect(await found()).toBe(other.id)
    expect((await look()).source).toBe('postgres')

    worker.keeper.start()
    await until(async () => (await undrained(database)) === 0)
    await believed()
    await until(async () => (await look()).source === 'redis')
    expect(await found()).toBe(other.id)
    await alone.publisher.close()
  })

  test('a repeated request makes true what the first one died over', async () => {
    const cutOff = await server.client()
    cutOff.disconnect()
    const dying = apiRooms({ sql: database.sql, redis: cutOff })
    await worker.keeper.stop()
    expect(await found()).toBeUndefined()
    const ask = {
      accountId: mainAccount,
      poolKey,
      a,
      b,
      x,
      expiresAt: inMinutes(60),
      idempotencyKey: 'k',
    }
    const lost = dying.bindings.bind(ask)
    await until(async () => (await undrained(database)) > 0)
    const again = await api.bindings.bind(ask)
    expect(await found()).toBe(again.id)
    expect((await lost).id).toBe(again.id)
    await dying.publisher.close()
  })

  test('a Redis that hangs costs a call one timeout, then Postgres answers', async () => {
    const bound = await bind()
    const hanging = await server.client()
    await hanging.client('PAUSE', 1_500, 'ALL')
    expect(await found()).toBe(bound.id)
    const before = router.sources.postgres
    expect(await found(b)).toBe(bound.id)
    expect(router.sources.postgres).toBe(before + 1)
    await believed()
  })

  test('with thousands of calls at once over Postgres, those it can carry are answered and the rest are refused at once', async () => {
    const bound = await bind()
    await server.kill()
    const calls = await Promise.allSettled(
      Array.from({ length: 2_000 }, (_, at) =>
        router.resolve({ caller: at % 2 === 0 ? a : person(100 + at), dialled: x }),
      ),
    )
    const refused = calls.filter(({ status }) => status === 'rejected')
    for (const each of refused)
      expect(each).toMatchObject({ reason: { code: 'route-unavailable', httpStatus: 503 } })
    expect(refused.length).toBeLessThan(2_000)
    expect(await found()).toBe(bound.id)
  })
})

describe('with Postgres failing', () => {
  test('bound calls go on from Redis, changes are refused, and all is well when it is back', async () => {
    const cluster = await startPostgres()
    await createTemplate(cluster.url)
    const database = await cloneTemplate(cluster.url, { poolMax: 5 })
    const sql = createSql({ url: database.url, log: createLogger({ level: 'silent' }) })
    await open(sql)
    try {
      const bound = await bind()
      expect((await look(c)).binding).toBeUndefined()
      await until(async () => (await look(c)).source === 'redis')
      await cluster.crash()
      for (const caller of [a, b]) expect(await found(caller)).toBe(bound.id)
      expect(await found(c)).toBeUndefined()
      const unknown = { code: 'route-unavailable', httpStatus: 503 }
      for (let at = 0; at < 10; at += 1) await expect(look(d)).rejects.toMatchObject(unknown)
      await expect(bind([c, d])).rejects.toMatchObject({ code: 'database-away', httpStatus: 503 })
      await expect(unbind(bound)).rejects.toMatchObject({ code: 'database-away' })
      expect(await found()).toBe(bound.id)

      await cluster.start()
      await until(() =>
        found(d).then(
          (id) => id === undefined,
          () => false,
        ),
      )
      const later = await bind([c, d])
      expect(await found(d)).toBe(later.id)
      await unbind(bound)
      expect(await found()).toBeUndefined()
    } finally {
      await close()
      await sql.close()
      await database.sql.close()
      await cluster.stop()
    }
  })
})

async function undrained({ sql }: TestDatabase): Promise<number> {
  const rows = await sql.rows({
    name: 'test.undrained',
    text: 'select 1 from invalidation where drained_at is null',
    values: [],
  })
  return rows.length
}
