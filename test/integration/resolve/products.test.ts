import { afterAll, beforeAll, describe, test } from 'vitest'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { mainAccount, person } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import {
  aCallRecord,
  aPool,
  bindOn,
  expectCallIn,
  type Outcome,
  type Place,
  type Rooms,
  refused,
  ringing,
  startRooms,
} from './some-calls.ts'

let database: TestDatabase
let server: TestRedis
let rooms: Rooms
const [a, b, n, other] = [person(40_001), person(40_002), person(40_003), person(40_004)]

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

const expectCall = (
  place: Place,
  caller: PhoneNumber | undefined,
  outcome: Outcome,
  extension?: string,
) => expectCallIn(rooms, place, caller, outcome, extension)

describe('AXB', () => {
  test('A and B ring each other, and nobody else rings anybody', async () => {
    const place = await aPool(rooms, 'AXB')
    const bound = await bindOn(rooms, place, { a, b })
    await expectCall(place, a, ringing(b, 'A'))
    await expectCall(place, b, ringing(a, 'B'))
    await expectCall(place, n, refused('no-binding'))
    await expectCall(place, undefined, refused('no-binding'))
    await expectCall(place, a, ringing(b, 'A'), '12')
    await rooms.api.bindings.unbind({ accountId: mainAccount, id: bound.id })
    await expectCall(place, a, refused('no-binding'))
  })
})

describe.each(['AXN', '95AXN'] as const)('%s', (product) => {
  test('anybody rings A, and A rings the default B', async () => {
    const place = await aPool(rooms, product)
    await expectCall(place, n, refused('no-binding'))
    const bound = await bindOn(rooms, place, { a, b })
    await expectCall(place, n, ringing(a, 'N'))
    await expectCall(place, b, ringing(a, 'N'))
    await expectCall(place, undefined, ringing(a, 'N'))
    await expectCall(place, n, ringing(a, 'N'), '12')
    await expectCall(place, a, ringing(b, 'A'))
    await rooms.api.bindings.unbind({ accountId: mainAccount, id: bound.id })
    await expectCall(place, n, refused('no-binding'))
    await expectCall(place, a, refused('no-binding'))
  })

  test('A without a B reaches nobody', async () => {
    const place = await aPool(rooms, product)
    await bindOn(rooms, place, { a })
    await expectCall(place, a, refused('no-callback', 'A'))
    await expectCall(place, n, ringing(a, 'N'))
  })

  test('restrictions bar one side each', async () => {
    for (const [restriction, barred] of [
      ['AX', a],
      ['BX', n],
    ] as const) {
      const place = await aPool(rooms, product)
      await bindOn(rooms, place, { a, b, restriction })
      await expectCall(place, a, barred === a ? refused('restricted', 'A') : ringing(b, 'A'))
      await expectCall(place, n, barred === n ? refused('restricted', 'N') : ringing(a, 'N'))
    }
  })
})

describe('callback', () => {
  test('switched off, A reaches nobody, B or not', async () => {
    const place = await aPool(rooms, 'AXN', { callbackMode: 'disabled' })
    await bindOn(rooms, place, { a, b })
    await expectCall(place, a, refused('no-callback', 'A'))
  })

  test('to the last caller: whoever was put through last, else B', async () => {
    const place = await aPool(rooms, 'AXN', { callbackMode: 'last-caller' })
    const bound = await bindOn(rooms, place, { a, b })
    await expectCall(place, a, ringing(b, 'A'))
    await aCallRecord(database, { binding: bound.id, x: place.x, caller: n, secondsAgo: 30 })
    await expectCall(place, a, ringing(n, 'A'))
    await aCallRecord(database, { binding: bound.id, x: place.x, caller: other, secondsAgo: 20 })
    await expectCall(place, a, ringing(other, 'A'))
    const notPutThrough = { binding: bound.id, x: place.x, caller: n, secondsAgo: 10 }
    await aCallRecord(database, { ...notPutThrough, intercepted: true })
    await aCallRecord(database, { ...notPutThrough, caller: undefined })
    await expectCall(place, a, ringing(other, 'A'))
  })

  test('without a B and without a caller nobody is reached', async () => {
    const place = await aPool(rooms, 'AXN', { callbackMode: 'last-caller' })
    await bindOn(rooms, place, { a })
    await expectCall(place, a, refused('no-callback', 'A'))
  })

  test('another mode is true for the next call', async () => {
    const place = await aPool(rooms, 'AXN')
    await bindOn(rooms, place, { a, b })
    await expectCall(place, a, ringing(b, 'A'))
    await rooms.api.pools.change(mainAccount, place.poolKey, { callbackMode: 'disabled' })
    await expectCall(place, a, refused('no-callback', 'A'))
  })
})

describe('AXN extension', () => {
  test('an extension rings its A; without one, digits are asked for', async () => {
    const place = await aPool(rooms, 'AXN_EXTENSION')
    await bindOn(rooms, place, { a, b, extension: '12' })
    await bindOn(rooms, place, { a: other, extension: '7' })
    await expectCall(place, n, { does: 'ask-digits', because: 'extension-missing' })
    await expectCall(place, undefined, { does: 'ask-digits', because: 'extension-missing' })
    await expectCall(place, n, ringing(a, 'N'), '12')
    await expectCall(place, undefined, ringing(a, 'N'), '12')
    await expectCall(place, n, ringing(other, 'N'), '7')
    await expectCall(place, n, refused('extension-unknown'), '13')
    await expectCall(place, n, refused('extension-unknown'), '012')
  })

  test('A needs no extension, may dial his own, and rings others by theirs', async () => {
    const place = await aPool(rooms, 'AXN_EXTENSION')
    await bindOn(rooms, place, { a, b, extension: '1' })
    const second = await bindOn(rooms, place, { a: other, extension: '2' })
    await expectCall(place, a, ringing(b, 'A'))
    await expectCall(place, a, ringing(b, 'A'), '1')
    await expectCall(place, a, ringing(other, 'N'), '2')
    await expectCall(place, other, refused('no-callback', 'A'))
    await rooms.api.bindings.unbind({ accountId: mainAccount, id: second.id })
    await expectCall(place, n, refused('extension-unknown'), '2')
    await expectCall(place, other, { does: 'ask-digits', because: 'extension-missing' })
    await expectCall(place, other, ringing(a, 'N'), '1')
  })
})

describe('AXG', () => {
  const aGroup = async (place: Place, numbers: readonly PhoneNumber[]) => {
    const group = await rooms.api.groups.create({
      accountId: mainAccount,
      poolKey: place.poolKey,
      numbers,
    })
    const ref = { accountId: mainAccount, poolKey: place.poolKey, id: group.id }
    return { ...ref, edit: rooms.api.groups.edit }
  }

  test('members ring A, A rings B, and nobody else rings anybody', async () => {
    const place = await aPool(rooms, 'AXG')
    const group = await aGroup(place, [n])
    await bindOn(rooms, place, { a, b, groupId: group.id })
    await expectCall(place, n, ringing(a, 'G'))
    await expectCall(place, a, ringing(b, 'A'))
    await expectCall(place, other, refused('not-in-group', 'G'))
    await expectCall(place, b, refused('not-in-group', 'G'))
    await expectCall(place, undefined, refused('not-in-group', 'G'))
  })

  test('an edit of the group is true for the next call', async () => {
    const place = await aPool(rooms, 'AXG')
    const group = await aGroup(place, [n])
    await bindOn(rooms, place, { a, b, groupId: group.id })
    await expectCall(place, other, refused('not-in-group', 'G'))
    await group.edit(group, 'add', [other])
    await expectCall(place, other, ringing(a, 'G'))
    await group.edit(group, 'overwrite', [other])
    await expectCall(place, n, refused('not-in-group', 'G'))
    await group.edit(group, 'delete', [other])
    await expectCall(place, other, refused('not-in-group', 'G'))
  })

  test('a member of another group is nobody here', async () => {
    const place = await aPool(rooms, 'AXG')
    const group = await aGroup(place, [n])
    await aGroup(place, [other])
    await bindOn(rooms, place, { a, groupId: group.id })
    await expectCall(place, other, refused('not-in-group', 'G'))
    await expectCall(place, a, refused('no-callback', 'A'))
  })
})

describe('X mode', () => {
  test('the customer is asked, whoever calls', async () => {
    const place = await aPool(rooms, 'X_MODE')
    const asked = { does: 'ask-customer', because: 'no-instructions' } as const
    await expectCall(place, n, asked)
    await expectCall(place, undefined, asked)
  })
})
