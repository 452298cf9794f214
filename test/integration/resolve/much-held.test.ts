import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerKey } from '../../../src/resolve/route-record.ts'
import { mainAccount, person, testVault, until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import {
  aCallRecord,
  aPool,
  bindOn,
  expectCallIn,
  type Rooms,
  refused,
  ringing,
  startRooms,
} from './some-calls.ts'

/** A caller about whom more is held than is kept in one record: each call asks for what counts. */
let database: TestDatabase
let server: TestRedis
let rooms: Rooms
const [a, n, other] = [person(73_001), person(73_002), person(73_003)]

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

const insert = (text: string, values: readonly unknown[]) =>
  database.sql.rows({ name: `test.${text.length}`, text, values })

async function kept(caller: typeof a): Promise<string | undefined> {
  const client = await server.client()
  return (await client.get(callerKey(testVault.blindIndex(caller)))) ?? undefined
}

test('in very many pairs', async () => {
  const place = await aPool(rooms, 'AXN')
  await bindOn(rooms, place, { a })
  const pair = { accountId: mainAccount, poolKey: place.poolKey, first: n, second: a }
  await insert(
    `insert into blocked_pair (pool_key, first_party, second_party, first_sealed, second_sealed, way)
     select $1, $2, 'party-' || at, 's', 's', 'DUPLEX_REJECT' from generate_series(1, 600) as at`,
    [place.poolKey, testVault.blindIndex(n)],
  )
  await rooms.api.blacklist.blockPair({ ...pair, way: 'PHONEB_REJECT' })
  await expectCallIn(rooms, place, n, refused('blacklisted', 'N'))
  await until(async () => (await kept(n))?.endsWith('|m') === true)
  await expectCallIn(rooms, place, n, refused('blacklisted', 'N'))
  await expectCallIn(rooms, place, other, ringing(a, 'N'))

  await rooms.api.blacklist.blockPair({ ...pair, way: 'PHONEA_REJECT' })
  await expectCallIn(rooms, place, n, ringing(a, 'N'))
  await rooms.api.blacklist.blockCaller({ ...pair, number: n })
  await expectCallIn(rooms, place, n, refused('blacklisted'))
  await rooms.api.blacklist.unblockCaller({ ...pair, number: n })
  await rooms.api.blacklist.unblockPair(pair)
  await expectCallIn(rooms, place, n, ringing(a, 'N'))
})

test('as A who calls back', async () => {
  const place = await aPool(rooms, 'AXN', { callbackMode: 'last-caller' })
  const { id } = await bindOn(rooms, place, { a: n, b: a })
  const pair = { accountId: mainAccount, poolKey: place.poolKey, first: n, second: other }
  await expectCallIn(rooms, place, n, ringing(a, 'A'))
  await aCallRecord(database, { binding: id, x: place.x, caller: other, secondsAgo: 10 })
  await expectCallIn(rooms, place, n, ringing(other, 'A'))
  await rooms.api.blacklist.blockPair({ ...pair, way: 'DUPLEX_REJECT' })
  await expectCallIn(rooms, place, n, refused('blacklisted', 'A'))
})

test('in very many groups', async () => {
  const place = await aPool(rooms, 'AXG')
  const group = { accountId: mainAccount, poolKey: place.poolKey }
  const { id } = await rooms.api.groups.create({ ...group, numbers: [other] })
  await bindOn(rooms, place, { a, groupId: id })
  await insert(
    `with made as (
       insert into number_group (account_id, pool_key, name)
       select $1, $2, 'many' from generate_series(1, 600) returning id
     )
     insert into group_member (group_id, party, sealed) select id, $3, 's' from made`,
    [mainAccount, place.poolKey, testVault.blindIndex(n)],
  )
  await expectCallIn(rooms, place, n, refused('not-in-group', 'G'))
  await rooms.api.groups.edit({ ...group, id }, 'add', [n])
  await expectCallIn(rooms, place, n, ringing(a, 'G'))
  expect(await kept(n)).toMatch(/\|m$/)
  await rooms.api.groups.edit({ ...group, id }, 'delete', [n])
  await expectCallIn(rooms, place, n, refused('not-in-group', 'G'))
})
