import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AccountId, PoolKey } from '../../../src/domain/ids.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { createDeliveries } from '../../../src/receipts/deliveries.ts'
import { createReceiptSweep, readReceiptState } from '../../../src/receipts/receipt-keeper.ts'
import { createQueueRoutes } from '../../../src/receipts/routes.ts'
import { apiRooms, mainAccount } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type Receiver, refuses, startReceiver, takes } from '../../support/receiver.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { pushGround, statesOf, storeAll } from './push-ground.ts'

let server: TestRedis
let redis: Redis
let receiver: Receiver
let database: TestDatabase
let ground: ReturnType<typeof pushGround>
let queues: ReturnType<typeof createQueueRoutes>
let deliveries: ReturnType<typeof createDeliveries>
let pools: readonly PoolKey[]
const type = 'SecretReport' as const
const accountId = mainAccount
const key = { accountId, type }

beforeAll(async () => {
  server = await startRedis()
  redis = await server.client()
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await server.stop()
})

beforeEach(async () => {
  database = await createTestDatabase()
  ground = pushGround(database.sql)
  queues = createQueueRoutes(database)
  deliveries = createDeliveries({ sql: database.sql, clock: ground.clock })
  const rooms = apiRooms({ sql: database.sql, redis })
  const pool = async (name: string) =>
    (await rooms.pools.create({ accountId, product: 'AXB', name })).key
  pools = [await pool('one'), await pool('two')]
  receiver.answer(takes)
  receiver.received.splice(0)
  return async () => {
    ground.close()
    await database.drop()
  }
})

const aQueue = (suffix: string | undefined, poolKeys: readonly PoolKey[] = []) =>
  queues.create({ accountId, type, suffix, poolKeys })

async function inQueue(name: string): Promise<readonly string[]> {
  const rows = await database.sql.rows<{ id: string }>({
    name: 'test.in-queue',
    text: `select r.event_id as id from receipt_in_queue q join receipt r on r.id = q.receipt_id
            where q.queue_name = $1 order by r.id`,
    values: [name],
  })
  return rows.map(({ id }) => id)
}

test('queues are named by us, tied to pools, and take receipts from the next batch on', async () => {
  const all = await aQueue(undefined)
  expect(all).toMatchObject({ name: 'Alicom-Queue-main-SecretReport', isDefault: true })
  const [one, two] = pools as [PoolKey, PoolKey]
  const some = await aQueue('100000', [one])
  expect(some).toMatchObject({ name: `${all.name}-100000`, poolKeys: [one], isDefault: false })
  await storeAll(database.sql, [
    { id: 'a', poolKey: one },
    { id: 'b', poolKey: two },
  ])
  await queues.change({ accountId, name: some.name }, { poolKeys: [two] })
  await storeAll(database.sql, [
    { id: 'c', poolKey: one },
    { id: 'd', poolKey: two },
  ])
  await queues.change({ accountId, name: some.name }, { enabled: false })
  await storeAll(database.sql, [{ id: 'e', poolKey: two }])
  expect(await inQueue(some.name)).toEqual(['a', 'd'])
  expect(await inQueue(all.name)).toEqual(['b', 'c', 'e'])
})

test('queues come in pages by name', async () => {
  for (const suffix of ['b', 'a', 'c']) await aQueue(suffix)
  const first = await queues.list({ accountId, limit: 2 })
  const rest = await queues.list({ accountId, limit: 2, cursor: first.nextCursor })
  const names = [...first.items, ...rest.items].map(({ name }) => name.at(-1))
  expect(names).toEqual(['a', 'b', 'c'])
  expect(rest.nextCursor).toBeUndefined()
  expect((await queues.list({ accountId, type: 'SecretRingReport' })).items).toEqual([])
  await expect(queues.list({ accountId, cursor: '####' })).rejects.toMatchObject({
    httpStatus: 422,
  })
})

test('what a queue can not be is refused', async () => {
  const [one] = pools as [PoolKey]
  const refused = (code: string) => ({ code })
  const base = await aQueue(undefined)
  await expect(aQueue(undefined)).rejects.toMatchObject(refused('queue-exists'))
  const toPools = queues.change({ accountId, name: base.name }, { poolKeys: [one] })
  await expect(toPools).rejects.toMatchObject(refused('queue-default'))
  const defaultWithPools = queues.create({ accountId, type, suffix: undefined, poolKeys: [one] })
  await expect(defaultWithPools).rejects.toMatchObject(refused('queue-default'))
  await expect(aQueue('x', ['FC199' as PoolKey])).rejects.toMatchObject(refused('pool-unknown'))
  await aQueue('first', [one])
  await expect(aQueue('second', [one])).rejects.toMatchObject(refused('pool-tied'))
  const stranger = { accountId: 'other' as AccountId, name: base.name }
  await expect(queues.get(stranger)).rejects.toMatchObject(refused('queue-unknown'))
  await expect(queues.remove(stranger, { discard: true })).rejects.toMatchObject(
    refused('queue-unknown'),
  )
  for (let at = 1; at < 10; at += 1) await aQueue(`q${at}`)
  await expect(aQueue('eleventh')).rejects.toMatchObject(refused('queues-too-many'))
})

test('ten at once do not make an eleventh', async () => {
  const many = Array.from({ length: 14 }, (_, at) => aQueue(`q${at}`))
  const made = (await Promise.allSettled(many)).filter(({ status }) => status === 'fulfilled')
  expect(made).toHaveLength(10)
})

test('a queue with messages goes only when that is said', async () => {
  const { name } = await aQueue(undefined)
  await storeAll(database.sql, [{ id: 'a' }])
  const asked = queues.remove({ accountId, name }, { discard: false })
  await expect(asked).rejects.toMatchObject({ code: 'receipts-waiting', httpStatus: 409 })
  await queues.remove({ accountId, name }, { discard: true })
  await expect(queues.get({ accountId, name })).rejects.toMatchObject({ code: 'queue-unknown' })
})

test('a push with receipts that wait goes only when that is said', async () => {
  await expect(ground.routes.get(key)).rejects.toMatchObject({ code: 'push-unknown' })
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  const asked = ground.routes.remove(key, { discard: false })
  await expect(asked).rejects.toMatchObject({ code: 'receipts-waiting' })
  await ground.routes.remove(key, { discard: true })
  expect(await statesOf(database.sql)).toEqual([])
  expect(await ground.routes.list(accountId)).toEqual([])
  await expect(ground.routes.test(key)).rejects.toMatchObject({ code: 'push-unknown' })
  await expect(ground.routes.rotate(key, 0)).rejects.toMatchObject({ code: 'push-unknown' })
})

test('a change of a push says nothing of its secret, and a bad URL is refused', async () => {
  expect(await ground.pushTo(receiver.url)).toMatch(/^axp_[\w-]{43}$/)
  expect(await ground.pushTo(receiver.url, { batchMax: 3 })).toBe('')
  expect(await ground.routes.get(key)).toMatchObject({ batchMax: 3, concurrency: 4 })
  await expect(ground.pushTo('ftp://a.example.com/')).rejects.toMatchObject({
    code: 'push-url-refused',
    httpStatus: 422,
  })
})

test('the test button sends one example and tells how it was answered', async () => {
  await ground.pushTo(receiver.url)
  expect(await ground.routes.test(key)).toMatchObject({ status: 200, fault: undefined })
  expect(receiver.received).toHaveLength(1)
  expect(receiver.received[0]?.receipts).toMatchObject([{ control_msg: 'OK', call_type: 0 }])
  receiver.answer(refuses)
  expect(await ground.routes.test(key)).toMatchObject({ status: 500, fault: 'status 500' })
})

async function threeDead(): Promise<readonly string[]> {
  await ground.pushTo(receiver.url)
  await storeAll(
    database.sql,
    ['a', 'b', 'c'].map((id) => ({ id, callId: id })),
  )
  await database.sql.rows({
    name: 'test.dead',
    text: `update receipt_to_push set state = 'dead', attempts = 4, last_fault = 'status 500'`,
    values: [],
  })
  const { items } = await deliveries.list({ accountId, state: 'dead' })
  expect(items.map(({ eventId }) => eventId)).toEqual(['c', 'b', 'a'])
  return items.map(({ id }) => id).reverse()
}

const sentAgain = async () => {
  await ground.work()
  return receiver.received.flatMap(({ receipts }) => receipts.map(({ id }) => id)).sort()
}

test('dead receipts are sent again by id', async () => {
  const [a = '', , c = ''] = await threeDead()
  expect(await deliveries.resend({ accountId, ids: [a, c] })).toBe(2)
  expect(await sentAgain()).toEqual(['a', 'c'])
  expect(await deliveries.resend({ accountId: 'other' as AccountId, ids: [a] })).toBe(0)
})

test('dead receipts are sent again by time, and sent ones only when that is said', async () => {
  await threeDead()
  const hour = 3_600_000
  const [past, future] = [new Date(Date.now() - hour), new Date(Date.now() + hour)]
  expect(await deliveries.resend({ accountId, since: future })).toBe(0)
  expect(await deliveries.resend({ accountId, until: past })).toBe(0)
  expect(await deliveries.resend({ accountId, type, since: past, until: future })).toBe(3)
  expect(await sentAgain()).toEqual(['a', 'b', 'c'])
  expect(await deliveries.resend({ accountId, since: past })).toBe(0)
  expect(await deliveries.resend({ accountId, since: past, state: 'sent' })).toBe(3)
  expect(await sentAgain()).toHaveLength(6)
})

test('what is kept is replayed into a push or a queue that never had it', async () => {
  const { name } = await aQueue(undefined)
  await storeAll(
    database.sql,
    ['a', 'b'].map((id) => ({ id, callId: id })),
  )
  await ground.pushTo(receiver.url)
  const since = new Date(Date.now() - 60_000)
  expect(await deliveries.replay({ accountId, type, since })).toBe(2)
  expect(await sentAgain()).toEqual(['a', 'b'])
  await queues.remove({ accountId, name }, { discard: true })
  const unknown = deliveries.replay({ accountId, type, since, queue: name })
  await expect(unknown).rejects.toMatchObject({ code: 'queue-unknown' })
  await aQueue(undefined)
  expect(await deliveries.replay({ accountId, type, since, queue: name })).toBe(2)
  expect(await deliveries.replay({ accountId, type, since, queue: name })).toBe(2)
  expect(await inQueue(name)).toEqual(['a', 'b'])
})

test('the log of deliveries: filters, pages, answer times', async () => {
  await ground.pushTo(receiver.url)
  await storeAll(
    database.sql,
    ['a', 'b', 'c'].map((id) => ({ id, callId: id })),
  )
  await ground.work()
  const first = await deliveries.list({ accountId, limit: 2, state: 'sent', type })
  const rest = await deliveries.list({ accountId, limit: 2, cursor: first.nextCursor })
  expect([...first.items, ...rest.items].map(({ eventId }) => eventId)).toEqual(['c', 'b', 'a'])
  const [one] = first.items
  expect(one).toMatchObject({ attempts: 1, lastStatus: 200, dueAt: undefined, callId: 'c' })
  expect(one?.answeredMs).toBeGreaterThanOrEqual(0)
  expect((await deliveries.list({ accountId, callId: 'b' })).items).toHaveLength(1)
  expect((await deliveries.list({ accountId, since: new Date(Date.now() + 1e6) })).items).toEqual(
    [],
  )
  expect((await deliveries.list({ accountId: 'other' as AccountId })).items).toEqual([])
})

test('old receipts go, wherever they wait', async () => {
  await aQueue(undefined)
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'old' }, { id: 'new' }])
  await database.sql.rows({
    name: 'test.age',
    text: `update receipt set created_at = now() - interval '16 days' where event_id = 'old'`,
    values: [],
  })
  await createReceiptSweep({ sql: database.sql, keepDays: 15 })()
  expect((await statesOf(database.sql)).map(({ id }) => id)).toEqual(['new'])
  expect(await inQueue('Alicom-Queue-main-SecretReport')).toEqual(['new'])
})

test('how far behind the receipts are is read in one go', async () => {
  const state = () => readReceiptState(database.sql, redis, 'a-stream')
  const none = { eventsWaiting: 0, oldestToPushSeconds: 0, oldestInQueueSeconds: 0, paused: 0 }
  expect(await state()).toEqual(none)
  await aQueue(undefined)
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a' }])
  await redis.xadd('a-stream', '*', 'id', '1')
  await redis.xgroup('CREATE', 'a-stream', 'receipts', '0')
  await redis.xadd('a-stream', '*', 'id', '2')
  const now = await state()
  expect(now.eventsWaiting).toBe(2)
  expect(now.oldestToPushSeconds).toBeGreaterThan(0)
  expect(now.oldestInQueueSeconds).toBeGreaterThan(0)
})
