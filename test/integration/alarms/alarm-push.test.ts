import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Sql } from '../../../src/platform/sql.ts'
import { createFanOut } from '../../../src/receipts/fan-out.ts'
import { recordSent } from '../../../src/receipts/push-outcomes.ts'
import { createQueueRoutes } from '../../../src/receipts/routes.ts'
import { openBody } from '../../../src/receipts/store.ts'
import { mainAccount, testVault } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type Receiver, refuses, startReceiver, takes } from '../../support/receiver.ts'
import { pushGround, storeAll } from '../receipts/push-ground.ts'

/** Pushes that fail, and the alarms about them, which are pushed too. */
let database: TestDatabase
let ground: ReturnType<typeof pushGround>
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())

beforeEach(async () => {
  database = await createTestDatabase()
  ground = pushGround(database.sql)
  receiver.answer(takes)
  receiver.received.splice(0)
  return async () => {
    ground.close()
    await database.drop()
  }
})

/** From what was noted to what is delivered, and then the deliveries that are due. */
async function work(): Promise<void> {
  const fanOut = createFanOut({
    ...{ sql: database.sql, vault: testVault, national: (e164: string) => e164 },
    feed: { next: async () => ({ events: [], finish: async () => undefined }) },
    toReceipt: () => ({ type: 'SecretReport', body: {} }),
    booked: async () => new Map(),
  })
  while (await fanOut.step());
  await ground.work(2)
}

const states = (path: string) =>
  receiver.received
    .filter((each) => each.path === path)
    .flatMap(({ receipts }) =>
      receipts.map(({ kind, subject, state }) => `${kind} ${subject} ${state}`),
    )

function rows<Row>(name: string, text: string): Promise<Row[]> {
  return database.sql.rows<Row>({ name: `test.${name}`, text, values: [] })
}

const alarmCount = async () => (await rows('alarms', 'select 1 from alarm')).length
const openCount = async () =>
  (await rows('open', 'select 1 from alarm where cleared_at is null')).length

/** Sixteen minutes, in which a receipt has all its tries and its push is paused. */
async function fail(): Promise<void> {
  receiver.answer((received, response) =>
    (received.path === '/ends' || received.path === '/alarms-away' ? refuses : takes)(
      received,
      response,
    ),
  )
  for (const minutes of [0, 1, 5, 10]) {
    ground.pass(minutes)
    await work()
  }
}

test('a push that fails is told of over the push of alarms, and so is its end', async () => {
  await ground.pushTo(`${receiver.url}/ends`)
  await ground.pushTo(`${receiver.url}/alarms`, { type: 'AlarmReport' })
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await fail()
  await work()
  expect(states('/alarms')).toEqual(['push-failing SecretReport raised'])
  receiver.answer(takes)
  await storeAll(database.sql, [{ id: 'b', callId: 'b' }])
  ground.pass(1)
  await work()
  await work()
  expect(states('/alarms')).toEqual([
    'push-failing SecretReport raised',
    'push-failing SecretReport cleared',
  ])
})

test('the alarm about the push of alarms goes into queues and not over that push: it does not feed itself', async () => {
  await ground.pushTo(`${receiver.url}/alarms-away`, { type: 'AlarmReport' })
  await ground.pushTo(`${receiver.url}/ends`)
  await createQueueRoutes({ sql: database.sql }).create({
    accountId: mainAccount,
    type: 'AlarmReport',
    suffix: undefined,
    poolKeys: [],
  })
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  // Both fail; the alarm about the first is what the second has to push.
  await fail()
  await fail()
  // What the last round has noted is told in the next.
  await work()
  expect(await alarmCount()).toBe(2)
  const queued = await rows<{ body_sealed: string }>(
    'queued',
    'select body_sealed from receipt_in_queue q join receipt r on r.id = q.receipt_id order by r.id',
  )
  const told = queued.map(
    ({ body_sealed }) =>
      JSON.parse(openBody(testVault, 'AlarmReport', body_sealed)) as Record<string, unknown>,
  )
  expect(told.map(({ subject, state }) => `${subject} ${state}`).sort()).toEqual([
    'AlarmReport raised',
    'SecretReport raised',
  ])
  const pushed = await rows(
    'pushed',
    `select 1 from receipt_to_push where message_type = 'AlarmReport'`,
  )
  expect(pushed).toHaveLength(1)

  receiver.answer(takes)
  await storeAll(database.sql, [{ id: 'b', callId: 'b' }])
  ground.pass(1)
  await work()
  await ground.routes.test({ accountId: mainAccount, type: 'AlarmReport' })
  await work()
  expect(await openCount()).toBe(0)
  expect(await alarmCount()).toBe(2)
  expect(states('/alarms-away').slice(-2)).toEqual([
    'push-failing SecretReport raised',
    'push-failing SecretReport cleared',
  ])
})

test('an alarm is told in order: its end waits for its beginning', async () => {
  await ground.pushTo(`${receiver.url}/alarms-away`, { type: 'AlarmReport', concurrency: 4 })
  await ground.pushTo(`${receiver.url}/ends`)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await fail()
  receiver.answer((received, response) =>
    (received.path === '/alarms-away' ? refuses : takes)(received, response),
  )
  await ground.routes.test({ accountId: mainAccount, type: 'SecretReport' })
  await work()
  receiver.received.splice(0)
  receiver.answer(takes)
  for (const minutes of [1, 5, 10]) {
    ground.pass(minutes)
    await work()
  }
  expect(states('/alarms-away')).toEqual([
    'push-failing SecretReport raised',
    'push-failing SecretReport cleared',
  ])
})

test('a worker that dies while a URL is taken up again leaves it paused, and the next success does all of it', async () => {
  await ground.pushTo(`${receiver.url}/ends`)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await fail()
  expect(await openCount()).toBe(1)
  const key = { accountId: mainAccount, type: 'SecretReport' } as const
  const tried = {
    ...{ ...key, url: `${receiver.url}/ends`, ids: [], now: ground.clock.now() },
    answer: { status: 200, fault: undefined, ms: 1 },
  }
  const dying: Sql = {
    ...database.sql,
    rows: (query) =>
      query.name === 'push.resume' ? Promise.reject(new Error('killed')) : database.sql.rows(query),
  }
  await expect(recordSent(dying, tried)).rejects.toThrow('killed')
  expect(await openCount()).toBe(1)
  expect((await ground.routes.get(key)).pausedAt).toBeDefined()
  expect(await recordSent(database.sql, tried)).toBe(true)
  expect(await openCount()).toBe(0)
  expect((await ground.routes.get(key)).pausedAt).toBeUndefined()
  expect(await recordSent(database.sql, tried)).toBe(false)
  receiver.answer(takes)
  await work()
  expect(receiver.received.at(-1)?.receipts).toMatchObject([{ id: 'a' }])
})
