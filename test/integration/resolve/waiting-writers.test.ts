import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VirtualNumber } from '../../../src/domain/ids.ts'
import { mainAccount, person, until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { aPool, bindOn, type Place, type Rooms, startRooms } from './some-calls.ts'

let database: TestDatabase
let server: TestRedis
let rooms: Rooms
const [a, b, c] = [person(72_001), person(72_002), person(72_003)]

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

/** Whether somebody waits for a row that another transaction has. */
async function isSomebodyWaiting(): Promise<boolean> {
  const rows = await database.sql.rows({
    name: 'test.waiting',
    text: `select 1 from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
    values: [],
  })
  return rows.length > 0
}

/** Holds X until the work waits for it, then changes the pool as a refresh does, and lets go. */
async function changePoolUnder<T>(x: VirtualNumber, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select 1 from number where x = $1 for no key update', [x])
    const working = work()
    await until(() => isSomebodyWaiting().catch(() => false))
    await client.query(
      `update pool set callback_mode = 'disabled', recording = true
        where key = (select pool_key from number where x = $1)`,
      [x],
    )
    await client.query(
      `with n as (
         update number set version = nextval('route_version') where x = $1 returning x, version
       )
       insert into invalidation (x, version, parties, drained_at)
       select x, version, '{}', clock_timestamp() from n`,
      [x],
    )
    await client.query('commit')
    return await working
  } finally {
    await client.end()
  }
}

async function settingsOf({ x }: Place) {
  const { number, source } = await rooms.router.resolve({ caller: a, dialled: x })
  return { source, mode: number?.settings.callbackMode, recording: number?.settings.recording }
}

const changed = { source: 'redis', mode: 'disabled', recording: true }

test('a bind that has waited for X while its pool was changed tells the pool as it is now', async () => {
  const place = await aPool(rooms, 'AXN')
  await changePoolUnder(place.x, () => bindOn(rooms, place, { a, b }))
  expect(await settingsOf(place)).toEqual(changed)
})

test('so does an update', async () => {
  const place = await aPool(rooms, 'AXN')
  const { id } = await bindOn(rooms, place, { a, b })
  await changePoolUnder(place.x, () =>
    rooms.api.bindings.update({ accountId: mainAccount, id, change: { b: c } }),
  )
  expect(await settingsOf(place)).toEqual(changed)
})

test('so does an unbind', async () => {
  const place = await aPool(rooms, 'AXN')
  const { id } = await bindOn(rooms, place, { a, b })
  await changePoolUnder(place.x, () => rooms.api.bindings.unbind({ accountId: mainAccount, id }))
  expect(await settingsOf(place)).toEqual(changed)
})
