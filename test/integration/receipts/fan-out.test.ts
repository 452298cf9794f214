import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBookedCalls } from '../../../src/cdr/booked-calls.ts'
import { createCallRecordStore } from '../../../src/cdr/call-record-store.ts'
import { createCallRecords } from '../../../src/cdr/call-records.ts'
import { createEventFeed } from '../../../src/cdr/event-feed.ts'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import type { CallEvent } from '../../../src/domain/call-event.ts'
import type { AccountId, CallId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { toEndReport, toReport } from '../../../src/receipts/call-receipts.ts'
import { createFanOut } from '../../../src/receipts/fan-out.ts'
import { fullNumber } from '../../../src/receipts/full-number.ts'
import type { MessageType } from '../../../src/receipts/receipt-types.ts'
import { openBody } from '../../../src/receipts/store.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { apiRooms, mainAccount } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const vault = aVault()
const seal = createEventSealer(vault)
const log = createLogger({ level: 'silent' })
/** Later than the calls of the tests, whatever this machine's clock says. */
const clock = { now: () => new Date('2099-01-01T00:00:00.000Z') }
const national = (e164: string) => e164.replace('+86', '')
let server: TestRedis
let redis: Redis
let database: TestDatabase
let poolKey: PoolKey
let tied: PoolKey

beforeAll(async () => {
  server = await startRedis()
  redis = await server.client()
})
afterAll(() => server.stop())

beforeEach(async () => {
  await redis.flushall()
  database = await createTestDatabase()
  const rooms = apiRooms({ sql: database.sql, redis })
  const pool = { accountId: mainAccount, product: 'AXB' as const }
  poolKey = (await rooms.pools.create({ ...pool, name: 'one' })).key
  tied = (await rooms.pools.create({ ...pool, name: 'two' })).key
  return () => database.drop()
})

async function put(events: readonly CallEvent[]): Promise<void> {
  for (const event of events) {
    await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
  }
}

/** A worker of its own, until nothing is left to do. */
async function work(): Promise<void> {
  const feed = createEventFeed({ redis, vault, group: 'receipts', log })
  const fanOut = createFanOut({
    sql: database.sql,
    vault,
    feed,
    toReceipt(event) {
      const { messageType, report } = toReport(event, { national, show: fullNumber(national) })
      return { type: messageType, body: report }
    },
    booked: createBookedCalls({ sql: database.sql, vault, clock }),
    national,
  })
  while (await fanOut.step());
  feed.close()
}

async function addQueue(name: string, type: MessageType, pool?: PoolKey): Promise<void> {
  const { sql } = database
  await sql.rows({
    name: 'test.queue',
    text: `insert into receipt_queue (name, account_id, message_type, is_default)
           values ($1, 'main', $2, $3)`,
    values: [name, type, pool === undefined],
  })
  if (pool === undefined) return
  await sql.rows({
    name: 'test.tie',
    text: 'insert into receipt_queue_pool (message_type, pool_key, queue_name) values ($1, $2, $3)',
    values: [type, pool, name],
  })
}

async function inQueue(name: string): Promise<Record<string, unknown>[]> {
  const rows = await database.sql.rows<{ message_type: MessageType; body_sealed: string }>({
    name: 'test.in-queue',
    text: `select r.message_type, r.body_sealed from receipt_in_queue q
             join receipt r on r.id = q.receipt_id
            where q.queue_name = $1 order by r.id`,
    values: [name],
  })
  return rows.map((row) => JSON.parse(openBody(vault, row.message_type, row.body_sealed)))
}

const calls = (pool: PoolKey, callId: string) => aCall({ callId: callId as CallId, poolKey: pool })

test('receipts go to the queue of their pool, or to the default one; what nobody wants is not kept', async () => {
  await addQueue('all-ends', 'SecretReport')
  await addQueue('ends-of-two', 'SecretReport', tied)
  await put([...calls(poolKey, 'a'), ...calls(tied, 'b')])
  await work()
  expect(await inQueue('all-ends')).toMatchObject([
    { id: 'a:end', call_id: 'a', pool_key: poolKey, phone_no: '13800138000', call_type: 0 },
  ])
  expect(await inQueue('ends-of-two')).toMatchObject([{ id: 'b:end', pool_key: tied }])
  const [kept] = await database.sql.rows<{ count: string }>({
    name: 'test.kept',
    text: 'select count(*) as count from receipt',
    values: [],
  })
  expect(kept?.count).toBe('2')
})

test('the same events again change nothing', async () => {
  await addQueue('starts', 'SecretStartReport')
  await put(calls(poolKey, 'a'))
  await work()
  await put(calls(poolKey, 'a'))
  await work()
  expect(await inQueue('starts')).toHaveLength(1)
})

test('what was read and not finished comes again, to whichever worker is next', async () => {
  await addQueue('ends', 'SecretReport')
  await put(calls(poolKey, 'a'))
  const dying = createEventFeed({ redis, vault, group: 'receipts', log })
  expect((await dying.next(10)).events).toHaveLength(4)
  dying.close()
  await put(calls(poolKey, 'b'))
  await work()
  expect((await inQueue('ends')).map((each) => each['id'])).toEqual(['a:end', 'b:end'])
})

test('an end that was written for a lost router is followed by the router’s own', async () => {
  await addQueue('ends', 'SecretReport')
  const events = calls(poolKey, 'a')
  const end = events.at(-1)
  if (end === undefined) throw new Error('a call ends')
  await put([{ ...end, releaseReason: 'router-lost', releaseCause: 41 }])
  await work()
  await put([end])
  await work()
  expect((await inQueue('ends')).map((each) => [each['id'], each['release_cause']])).toEqual([
    ['a:end', 41],
    ['a:end', end.releaseCause],
  ])
})

/** What is in the books, written as the worker writes it. */
async function keepRecords(events: readonly CallEvent[]): Promise<void> {
  const store = createCallRecordStore({ sql: database.sql, clock })
  await store.store(events.map((each) => ({ id: each.id, fields: ['event', seal(each)] })))
}

async function bookedEnd(callId: string): Promise<object | undefined> {
  const record = await createCallRecords({ sql: database.sql, vault }).get(
    mainAccount,
    callId as CallId,
  )
  return record && toEndReport(record, { national, show: fullNumber(national) })
}

/** The closer knows of the ringing only, and when the lease ran out; the router's disk knows more. */
function endsOfLostRouter(callId: string) {
  const [start, ring, answer, end] = calls(poolKey, callId)
  if (!(start && ring && answer && end)) throw new Error('a call has four events')
  const lost = { releaseReason: 'router-lost', releaseCause: 41, releaseDirection: 0 } as const
  const at = (second: number) => new Date(start.callTime.getTime() + second * 1000)
  const byCloser = {
    ...ring,
    ...lost,
    id: end.id,
    type: 'end',
    at: at(2),
    releaseTime: at(2),
  } as const
  const byRouter = {
    ...answer,
    ...lost,
    id: end.id,
    type: 'end',
    at: at(9),
    releaseTime: at(9),
  } as const
  return { start, ring, answer, end, byCloser, byRouter }
}

test('two ends for one lost router: what is told last is what the call record says', async () => {
  await addQueue('ends', 'SecretReport')
  const { start, ring, answer, byCloser, byRouter } = endsOfLostRouter('a')
  await put([start, ring, byCloser])
  await work()
  await put([answer, byRouter])
  await work()
  await keepRecords([start, ring, byCloser, answer, byRouter])
  const told = await inQueue('ends')
  expect(told.map((each) => each['release_time'])).toEqual([
    '2026-11-24 10:00:02',
    '2026-11-24 10:00:09',
  ])
  expect(told.at(-1)).toEqual(await bookedEnd('a'))
})

test('the shorter of two ends for one lost router says nothing new, nor does the same again', async () => {
  await addQueue('ends', 'SecretReport')
  const { start, byCloser, byRouter } = endsOfLostRouter('a')
  await put([start, byRouter])
  await work()
  await put([byCloser, byRouter, byCloser])
  await work()
  await keepRecords([start, byRouter, byCloser])
  expect(await inQueue('ends')).toEqual([await bookedEnd('a')])
})

test('ends for one lost router in one batch, and behind the call records, are told once', async () => {
  await addQueue('ends', 'SecretReport')
  const { start, byCloser, byRouter } = endsOfLostRouter('a')
  await keepRecords([start, byCloser, byRouter])
  await put([start, byCloser, byRouter])
  await work()
  expect(await inQueue('ends')).toEqual([await bookedEnd('a')])
})

test('after the router’s own end, one that is written for it as if lost is not told', async () => {
  await addQueue('ends', 'SecretReport')
  const { start, end, byCloser } = endsOfLostRouter('a')
  await put([start, end])
  await work()
  await put([byCloser])
  await work()
  await keepRecords([start, end, byCloser])
  expect(await inQueue('ends')).toEqual([await bookedEnd('a')])
})

test('another account’s calls, and calls to a number that is nobody’s, are not told', async () => {
  await addQueue('ends', 'SecretReport')
  const [, , , end] = calls(poolKey, 'a')
  if (end === undefined) throw new Error('a call ends')
  await put([
    { ...end, id: 'x:end', accountId: 'other' as AccountId },
    { ...end, id: 'y:end', accountId: undefined },
  ])
  await work()
  expect(await inQueue('ends')).toEqual([])
})

/** As a router writes it when neither Redis nor Postgres answers. */
function callNobodyLookedUp(callId: string, x: VirtualNumber): readonly CallEvent[] {
  const unknown = { accountId: undefined, poolKey: undefined, product: undefined, city: undefined }
  const call = { ...unknown, callId: callId as CallId, x, bindingId: undefined, callee: undefined }
  const [start, , , end] = aCall({ ...call, callTime: new Date(Date.now() + 1_000) })
  if (!(start && end)) throw new Error('a call starts and ends')
  const refused = { controlMsg: 'INTERNAL_ERROR', unconnectedCause: 4, intercepted: true } as const
  return [
    { ...start, ...refused },
    { ...end, ...refused, startTime: undefined, releaseReason: 'internal-error' },
  ]
}

test('a call that nobody could look up is told to whom its X belongs, and is in their books', async () => {
  await addQueue('starts', 'SecretStartReport')
  await addQueue('ends', 'SecretReport')
  const { numbers } = apiRooms({ sql: database.sql, redis })
  const [x, strange] = ['+8617000000001', '+8617000000002'] as VirtualNumber[]
  if (!(x && strange)) throw new Error('two numbers')
  await numbers.add({ accountId: mainAccount, poolKey, numbers: [x], city: '杭州', carrier: 2 })
  const events = [...callNobodyLookedUp('a', x), ...callNobodyLookedUp('b', strange)]
  await put(events)
  await work()
  await keepRecords(events)
  expect(await inQueue('starts')).toMatchObject([
    { id: 'a:start', pool_key: poolKey, city: '杭州', control_msg: 'INTERNAL_ERROR' },
  ])
  expect(await inQueue('ends')).toEqual([await bookedEnd('a')])
  const { get } = createCallRecords({ sql: database.sql, vault })
  expect(await get(undefined, 'b' as CallId)).toMatchObject({ accountId: undefined })
})

test('a call that came before its X was anybody’s is not told to who has it now', async () => {
  await addQueue('starts', 'SecretStartReport')
  const x = '+8617000000001' as VirtualNumber
  const { numbers } = apiRooms({ sql: database.sql, redis })
  await numbers.add({ accountId: mainAccount, poolKey, numbers: [x] })
  const before = new Date(Date.now() - 60_000)
  await put(callNobodyLookedUp('a', x).map((each) => ({ ...each, callTime: before })))
  await work()
  expect(await inQueue('starts')).toEqual([])
})

test('poison is put aside and does not stand in the way', async () => {
  await addQueue('ends', 'SecretReport')
  const end = seal(calls(poolKey, 'a').at(-1) as CallEvent)
  const poison = [
    '{"v":1}',
    end.replace(/"releaseTime":"[^"]*"/, '"releaseTime":"2026-11-42T02:00:00.000Z"'),
    end.replace(/"callTime":"[^"]*"/, '"callTime":"0000-01-01T02:00:00.000Z"'),
    end.replaceAll('"a', '"a\\u0000'),
    end.replaceAll('"a:end"', `"${'a'.repeat(300)}"`),
    end.replace(poolKey, 'FC\\u0000'),
    end.replace(/"accountId":"main",/, '').replace('+86', '\\u000086'),
  ]
  for (const text of poison) await redis.xadd(eventStream, '*', 'id', 'bad', 'event', text)
  await put(calls(poolKey, 'b'))
  await work()
  expect((await inQueue('ends')).map((each) => each['id'])).toEqual(['b:end'])
  expect(await redis.xlen(`${eventStream}:dead`)).toBe(poison.length)
})

test('an X that comes, goes, becomes faulty or is well again is told of', async () => {
  await addQueue('numbers', 'NumberManagementReport')
  await addQueue('faults', 'SecretExceptionPhoneReport')
  const { numbers } = apiRooms({ sql: database.sql, redis })
  const x = '+8617000000001' as VirtualNumber
  await numbers.add({ accountId: mainAccount, poolKey, numbers: [x], city: '杭州', carrier: 2 })
  await numbers.stop(x, 'faulty')
  await numbers.stop(x, 'frozen')
  await numbers.lock(mainAccount, x).catch(() => undefined)
  await numbers.resume(x)
  await numbers.remove(mainAccount, x)
  await work()
  const common = { secret_no: '17000000001', city: '杭州', partner_key: poolKey, vendor: 2 }
  const operating_time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  expect(await inQueue('numbers')).toEqual([
    { ...common, operating_time, status: 1 },
    { ...common, operating_time, status: 2 },
  ])
  const fault = { secretNo: '17000000001', partnerKey: poolKey, timestamp: expect.any(Number) }
  expect(await inQueue('faults')).toEqual([
    { ...fault, noStatus: 0 },
    { ...fault, noStatus: 1 },
  ])
})
