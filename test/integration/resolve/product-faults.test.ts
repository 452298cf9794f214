import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'
import { createSql } from '../../../src/platform/sql.ts'
import { createSimulate } from '../../../src/route/simulate.ts'
import { apiRooms, mainAccount, person, until, xAt } from '../../support/data-rooms.ts'
import {
  cloneTemplate,
  createTemplate,
  createTestDatabase,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { aPool, bindOn, outcomeOf, type Rooms, refused, ringing, startRooms } from './some-calls.ts'
import { type Change, someChanges } from './some-changes.ts'

let server: TestRedis
let rooms: Rooms

const outcome = ({ call }: Change) => outcomeOf(rooms.router, call)

async function expectAll(changes: readonly Change[], when: 'before' | 'after') {
  for (const change of changes) expect(await outcome(change), change.name).toEqual(change[when])
}

const makeAll = (changes: readonly Change[], api = rooms.api) =>
  Promise.all(changes.map((change) => change.make(api)))

/** Asked until Redis tells everything. */
const fromRedis = (changes: readonly Change[]) =>
  until(async () => {
    for (const { call } of changes) {
      if ((await rooms.router.resolve(call)).source !== 'redis') return false
    }
    return true
  })
const believed = () => until(() => rooms.router.trust.believes(xAt(0)))

describe('with Redis failing', () => {
  let database: TestDatabase

  beforeEach(async () => {
    database = await createTestDatabase({ poolMax: 10 })
    server = await startRedis()
    rooms = await startRooms(database, server)
  })
  afterEach(async () => {
    await rooms.stop()
    await server.stop()
    await database.drop()
  })

  const undrained = async () => {
    const rows = await database.sql.rows({
      name: 'test.undrained',
      text: 'select 1 from invalidation where drained_at is null',
      values: [],
    })
    return rows.length
  }
  const allDrained = () => until(async () => (await undrained()) === 0)

  test('every change is true for the next call, and from Redis after that', async () => {
    const changes = await someChanges(rooms)
    await expectAll(changes, 'before')
    await fromRedis(changes)
    await expectAll(changes, 'before')
    await makeAll(changes)
    await expectAll(changes, 'after')
    await fromRedis(changes)
    await expectAll(changes, 'after')
  })

  test('a Redis that lost what it had confirmed is not believed before it is replayed', async () => {
    const changes = await someChanges(rooms)
    await expectAll(changes, 'before')
    await fromRedis(changes)
    const power = await server.appended()
    await makeAll(changes)
    // The rows are drained: nothing but the replay can know that Redis lost them.
    await allDrained()

    await rooms.worker.keeper.stop()
    await server.kill()
    await expectAll(changes, 'after')
    await server.loseAfter(power)
    await server.start()
    await expectAll(changes, 'after')
    rooms.worker.keeper.start()
    await believed()
    await expectAll(changes, 'after')
    await fromRedis(changes)
    await expectAll(changes, 'after')
  })

  test('without Redis every change is true for the next call, over Postgres, and stays so when it is back', async () => {
    const changes = await someChanges(rooms)
    await fromRedis(changes)
    await server.kill()
    await makeAll(changes)
    await expectAll(changes, 'after')
    await server.start()
    await believed()
    await expectAll(changes, 'after')
    await fromRedis(changes)
    await expectAll(changes, 'after')
    await allDrained()
  })

  test('a writer cut off from Redis is believed all the same, and the worker heals what it left', async () => {
    const changes = await someChanges(rooms)
    await fromRedis(changes)
    const cutOff = await server.client()
    cutOff.disconnect()
    const alone = apiRooms({ sql: database.sql, redis: cutOff })
    await rooms.worker.keeper.stop()
    await makeAll(changes, alone)
    await expectAll(changes, 'after')
    rooms.worker.keeper.start()
    await allDrained()
    await believed()
    await fromRedis(changes)
    await expectAll(changes, 'after')
    await alone.publisher.close()
  })

  test('a writer that died between its commit and Redis is healed by the worker', async () => {
    const changes = await someChanges(rooms)
    await fromRedis(changes)
    const cutOff = await server.client()
    cutOff.disconnect()
    const dying = apiRooms({ sql: database.sql, redis: cutOff })
    const lost = makeAll(changes, dying)
    // What it has left behind is not in Redis for the worker's two seconds, then it is.
    await until(async () => (await undrained()) > 0)
    await allDrained()
    await lost
    await allDrained()
    await believed()
    await expectAll(changes, 'after')
    await fromRedis(changes)
    await expectAll(changes, 'after')
    await dying.publisher.close()
  })

  test('a repeated edit of a group or blacklist makes true what the first one died over', async () => {
    const changes = (await someChanges(rooms)).filter(({ name }) => /member|entry|pair/.test(name))
    await fromRedis(changes)
    const cutOff = await server.client()
    cutOff.disconnect()
    const dying = apiRooms({ sql: database.sql, redis: cutOff })
    await rooms.worker.keeper.stop()
    const lost = makeAll(changes, dying)
    const held = async () => {
      const [row] = await database.sql.rows<{ held: number }>({
        name: 'test.held',
        text: `select count(distinct parties)::int as held from invalidation
                where x is null and drained_at is null`,
        values: [],
      })
      return row?.held ?? 0
    }
    await until(async () => (await held()) > 0)
    await makeAll(changes)
    await expectAll(changes, 'after')
    await lost
    rooms.worker.keeper.start()
    await dying.publisher.close()
  })

  test('of more changes than can be told apart, none is believed to be in Redis', async () => {
    const changes = await someChanges(rooms)
    await fromRedis(changes)
    await rooms.worker.keeper.stop()
    // All but the last of one X: who counts only numbers takes them for one.
    await database.sql.rows({
      name: 'test.left-behind',
      text: `
        insert into invalidation (x, version, parties, created_at)
        select case when at <= 1000 then $1 else $2 end, 0, '{}', clock_timestamp() - interval '2 s'
          from generate_series(1, 1001) as at`,
      values: [xAt(1), xAt(2)],
    })
    await until(() => !rooms.router.trust.believes(xAt(3)))
    await expectAll(changes, 'before')
    rooms.worker.keeper.start()
    await allDrained()
    await believed()
  })

  test('a Redis emptied under way is filled again, and nothing is wrong meanwhile', async () => {
    const changes = await someChanges(rooms)
    await fromRedis(changes)
    const client = await server.client()
    await client.flushall()
    await expectAll(changes, 'before')
    await makeAll(changes)
    await expectAll(changes, 'after')
    await believed()
    await fromRedis(changes)
    await expectAll(changes, 'after')
  })
})

describe('with Postgres failing', () => {
  const [a, b, n, other] = [person(71_001), person(71_002), person(71_003), person(71_004)]

  test('what Redis knows goes on, and of the rest only what may', async () => {
    const cluster = await startPostgres()
    await createTemplate(cluster.url)
    const database = await cloneTemplate(cluster.url, { poolMax: 5 })
    const sql = createSql({ url: database.url, log: createLogger({ level: 'silent' }) })
    server = await startRedis()
    rooms = await startRooms({ ...database, sql }, server)
    try {
      const axn = await aPool(rooms, 'AXN', { callbackMode: 'last-caller' })
      await bindOn(rooms, axn, { a, b })
      const screened = await aPool(rooms, 'AXN')
      await bindOn(rooms, screened, { a })
      const entry = { accountId: mainAccount, poolKey: screened.poolKey, number: n }
      await rooms.api.blacklist.blockCaller(entry)
      const axg = await aPool(rooms, 'AXG')
      const { id } = await rooms.api.groups.create({
        accountId: mainAccount,
        poolKey: axg.poolKey,
        numbers: [n, other],
      })
      await bindOn(rooms, axg, { a, groupId: id })
      const call = (x: typeof axn.x, caller = n) => outcomeOf(rooms.router, { caller, dialled: x })
      // Of these callers Redis knows what is held about them.
      expect(await call(screened.x)).toEqual(refused('blacklisted'))
      expect(await call(axg.x)).toEqual(ringing(a, 'G'))
      await until(async () => {
        const { source } = await rooms.router.resolve({ caller: n, dialled: axg.x })
        return source === 'redis'
      })
      await cluster.crash()

      expect(await call(axn.x)).toEqual(ringing(a, 'N'))
      // Nobody can tell who called last: A is sent to B.
      expect(await call(axn.x, a)).toEqual(ringing(b, 'A'))
      expect(await call(screened.x)).toEqual(refused('blacklisted'))
      // Whether these are barred, or belong, nobody can tell.
      expect(await call(screened.x, person(71_009))).toEqual(ringing(a, 'N'))
      const unavailable = { code: 'route-unavailable', httpStatus: 503 }
      await expect(call(axg.x, other)).rejects.toMatchObject(unavailable)
      expect(await call(axg.x)).toEqual(ringing(a, 'G'))
      expect(await call(axg.x, a)).toEqual(refused('no-callback', 'A'))

      const simulate = createSimulate({
        resolve: rooms.router.resolve,
        trunks: () => [],
        unmatchedSipStatus: 403,
        now: () => new Date(),
      })
      const asked = { accountId: mainAccount, x: screened.x, extension: undefined, at: undefined }
      const { plan } = await simulate({ ...asked, caller: person(71_009) })
      expect(plan.reasons.join('; ')).toContain('the call goes on without it')
      const unknown = { ...asked, x: axg.x, caller: other }
      await expect(simulate(unknown)).rejects.toMatchObject(unavailable)

      await cluster.start()
      await until(async () => (await call(axg.x, other).catch(() => undefined))?.does === 'connect')
    } finally {
      await rooms.stop()
      await server.stop()
      await sql.close()
      await database.sql.close()
      await cluster.stop()
    }
  })
})
