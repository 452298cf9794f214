import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type CallRecordWriter,
  createCallRecordWriter,
} from '../../../src/cdr/call-record-writer.ts'
import { createCallRecords } from '../../../src/cdr/call-records.ts'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { deadLetterStream, eventStream, recordGroup } from '../../../src/cdr/stream.ts'
import type { CallEvent } from '../../../src/domain/call-event.ts'
import type { AccountId, BindingId, CallId, VirtualNumber } from '../../../src/domain/ids.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { aCall, aNumber, aVault } from '../../support/call-events.ts'
import {
  cloneTemplate,
  createTemplate,
  createTestDatabase,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const log = createLogger({ level: 'silent' })
const patience = { timeout: 20_000, interval: 20 }
const vault = aVault()
const seal = createEventSealer(vault)

describe('call records', () => {
  let server: TestRedis
  let redis: Redis
  let database: TestDatabase
  let writers: CallRecordWriter[] = []

  beforeAll(async () => {
    server = await startRedis()
    redis = await server.client({ commandMsMax: 0 })
    database = await createTestDatabase()
  })
  afterAll(async () => {
    await database.drop()
    await server.stop()
  })
  beforeEach(async () => {
    await redis.flushall()
    await database.sql.rows({ name: 'empty', text: 'truncate call_record', values: [] })
    return async () => {
      await Promise.all(writers.map((each) => each.stop()))
      writers = []
    }
  })

  function startWriter(over: Partial<Parameters<typeof createCallRecordWriter>[0]> = {}) {
    const writer = createCallRecordWriter({
      ...{ redis, sql: database.sql, clock: systemClock, log },
      ...over,
    })
    writers.push(writer)
    writer.start()
    return writer
  }

  async function publish(events: readonly CallEvent[]): Promise<void> {
    for (const event of events) {
      await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
    }
  }

  async function drained(): Promise<void> {
    await vi.waitFor(async () => {
      const [group] = (await redis.xinfo('GROUPS', eventStream)) as unknown[][]
      const [pending, lag] = [group?.[5], group?.at(-1)]
      expect({ pending, lag }).toEqual({ pending: 0, lag: 0 })
    }, patience)
  }

  const records = () => createCallRecords({ sql: database.sql, vault })
  const get = (event: CallEvent | undefined) =>
    records().get(undefined, (event?.callId ?? '') as CallId)

  function revealed(record: object | undefined): object {
    return Object.fromEntries(
      Object.entries(record ?? {}).map(([name, value]) =>
        name === 'caller' || name === 'callee' ? [name, value?.reveal()] : [name, value],
      ),
    )
  }

  test('a call becomes one row that gives back every fact', async () => {
    startWriter()
    const events = aCall({ extension: '12' })
    await publish(events)
    await drained()
    const { id, type: _type, at: _at, ...facts } = events[3] as CallEvent
    expect(revealed(await get(events[0]))).toEqual(
      revealed({ ...facts, startEventId: events[0]?.id, endEventId: id }),
    )
  })

  test('repeats and any order of events make the same row', async () => {
    startWriter()
    const calls = Array.from({ length: 5 }, () => aCall())
    const orders = [
      [0, 1, 2, 3],
      [3, 0, 2, 1],
      [3, 3, 0, 0, 1, 2, 3],
      [2, 3, 1, 0],
      [1, 0, 3, 2, 0],
    ]
    for (const [at, order] of orders.entries()) {
      for (const step of order) {
        const event = calls[at]?.[step]
        if (event === undefined) continue
        await publish([event])
        // Each in a batch of its own, so that the database merges, not we.
        await drained()
      }
    }
    for (const call of calls) {
      const { id, type: _type, at: _at, ...facts } = call[3] as CallEvent
      expect(revealed(await get(call[0]))).toEqual(
        revealed({ ...facts, startEventId: call[0]?.id, endEventId: id }),
      )
    }
    const rows = await database.sql.rows<{ count: string }>({
      name: 'count',
      text: 'select count(*) from call_record',
      values: [],
    })
    expect(rows).toEqual([{ count: '5' }])
  })

  test.each([
    ['in batches of their own', true],
    ['in one batch', false],
  ])(
    'a recording that turned out not to be there is not in the record: events %s',
    async (_, apart) => {
      startWriter()
      const call = aCall().map((event) =>
        event.type === 'end' ? { ...event, recording: undefined } : event,
      )
      for (const events of apart ? call.map((event) => [event]) : [call]) {
        await publish(events)
        await drained()
      }
      expect((await get(call[0]))?.recording).toBeUndefined()
    },
  )

  test('an end that was written for a lost router gives way to the real one, also in the database', async () => {
    startWriter()
    const [start, , answer, end] = aCall()
    if (!start || !answer || !end) throw new Error('a call has these')
    const lost: CallEvent = {
      ...answer,
      id: end.id,
      type: 'end',
      at: new Date('2026-11-24T02:00:02Z'),
      releaseTime: new Date('2026-11-24T02:00:02Z'),
      startTime: undefined,
      releaseDirection: 0,
      releaseCause: 41,
      releaseReason: 'router-lost',
    }
    for (const event of [lost, start, answer]) {
      await publish([event])
      await drained()
    }
    expect(await get(start)).toMatchObject({
      releaseReason: 'router-lost',
      startTime: answer.startTime,
      releaseTime: answer.startTime,
    })
    await publish([end])
    await drained()
    expect(await get(start)).toMatchObject({
      releaseReason: 'normal',
      releaseTime: end.releaseTime,
    })
    await publish([lost])
    await drained()
    expect(await get(start)).toMatchObject({ releaseReason: 'normal' })
  })

  test('each month has its partition, also one that is long past', async () => {
    startWriter()
    const times = ['2024-02-29T15:59:59Z', '2024-02-29T16:00:00Z', '2026-11-24T02:00:00Z']
    const calls = times.map((time) => aCall({ callTime: new Date(time) }))
    await publish(calls.flat())
    await drained()
    const rows = await database.sql.rows<{ partition: string }>({
      name: 'partitions',
      text: 'select tableoid::regclass::text as partition from call_record order by call_time',
      values: [],
    })
    expect(rows.map(({ partition }) => partition)).toEqual([
      'call_record_2024_02',
      'call_record_2024_03',
      'call_record_2026_11',
    ])
  })

  test('what cannot be stored goes to the dead letters with the reason, and holds up nobody', async () => {
    const [good, bad, future] = [aCall(), aCall(), aCall({ callTime: new Date('2199-01-01') })]
    const broken = seal(bad[0] as CallEvent)
    await redis.xadd(eventStream, '*', 'id', 'a', 'event', broken.slice(0, 50))
    await redis.xadd(eventStream, '*', 'id', 'b', 'event', broken.replace('"v":1', '"v":9'))
    await redis.xadd(eventStream, '*', 'nonsense', 'here')
    // The text type of Postgres holds no NUL.
    await redis.xadd(eventStream, '*', 'id', 'c', 'event', broken.replace('order-1', '\\u0000'))
    await publish([...good, ...future.slice(0, 1)])
    const written: number[] = []
    startWriter({ onWritten: (count) => written.push(count) })
    await drained()
    expect(await get(good[0])).toMatchObject({ endEventId: good[3]?.id })
    const dead = await redis.xrange(deadLetterStream, '-', '+')
    expect(dead.map(([, fields]) => fields[5])).toEqual([
      'not JSON',
      'not a call event of version 1: /v',
      'no event in the entry',
      'the time of the call cannot be true',
      'the database refused it: 22P05',
    ])
    expect(dead[1]?.[1].slice(6)).toEqual(['id', 'b', 'event', expect.stringContaining('"v":9')])
    expect(written.reduce((sum, count) => sum + count, 0)).toBe(4)
  })

  test('several workers share the work, and take over what one that died had in hand', async () => {
    const calls = Array.from({ length: 40 }, () => aCall())
    await publish(calls.flat())
    await redis.xgroup('CREATE', eventStream, recordGroup, '0')
    const head = ['GROUP', recordGroup, 'died', 'COUNT', 60] as const
    await redis.xreadgroup(...head, 'STREAMS', eventStream, '>')
    startWriter({ abandonedMs: 100 })
    startWriter({ abandonedMs: 100 })
    await drained()
    const { items } = await records().list({ accountId: undefined, limit: 200 })
    expect(items.filter(({ endEventId }) => endEventId !== undefined)).toHaveLength(40)
  })

  test('Redis killed and started while records are written loses none', async () => {
    const calls = Array.from({ length: 300 }, () => aCall())
    await publish(calls.flat())
    startWriter()
    await server.kill()
    await server.start()
    await vi.waitFor(() => expect(redis.status).toBe('ready'), patience)
    await drained()
    const [row] = await database.sql.rows<{ count: string }>({
      name: 'ended',
      text: 'select count(*) from call_record where end_event_id is not null and start_event_id is not null',
      values: [],
    })
    expect(row?.count).toBe('300')
  })

  test('no table or index holds a real number in clear', async () => {
    startWriter()
    await publish(aCall())
    await drained()
    const rows = await database.sql.rows({
      name: 'everything',
      text: 'select c::text as row from call_record c',
      values: [],
    })
    expect(JSON.stringify(rows)).not.toMatch(/13800138000|13912345678/)
    expect(rows).toHaveLength(1)
  })

  describe('read', () => {
    const account = (name: string) => name as AccountId
    const at = (second: number) => new Date(Date.UTC(2026, 9, 31, 15, 59, 55 + second))

    async function tenCalls() {
      startWriter()
      const calls = Array.from({ length: 10 }, (_, each) =>
        aCall({
          // Two at each moment, on both sides of the end of a month.
          callTime: at(2 * Math.floor(each / 2)),
          accountId: [account('main'), account('other'), undefined][each % 3],
          x: `+861700000000${each % 2}` as VirtualNumber,
          bindingId: `100000000000000${each}` as BindingId,
          caller: aNumber(`+861380000000${each}`),
        }),
      )
      await publish(calls.flat())
      await drained()
      return calls
    }

    test('page by page, newest first, each once', async () => {
      const calls = await tenCalls()
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page = await records().list({ accountId: undefined, limit: 3, cursor })
        found.push(...page.items.map(({ callId }) => callId))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      expect([...found].sort()).toEqual(calls.map((call) => call[0]?.callId).sort())
      const all = await records().list({ accountId: undefined })
      expect(all.items.map(({ callId }) => callId)).toEqual(found)
      const times = all.items.map(({ callTime }) => +callTime)
      expect([...times].sort((a, b) => b - a)).toEqual(times)
    })

    test("an account sees its own calls only, and nobody's belong to the operator", async () => {
      const calls = await tenCalls()
      const own = await records().list({ accountId: account('main') })
      expect(own.items.map(({ accountId }) => accountId)).toEqual(['main', 'main', 'main', 'main'])
      const foreign = calls[1]?.[0]?.callId as CallId
      const nobodys = calls[2]?.[0]?.callId as CallId
      expect(await records().get(account('main'), foreign)).toBeUndefined()
      expect(await records().get(account('main'), nobodys)).toBeUndefined()
      expect(await records().get(account('other'), foreign)).toBeDefined()
      expect(await records().get(undefined, nobodys)).toBeDefined()
    })

    test('by number, binding, either party and time', async () => {
      const calls = await tenCalls()
      const list = async (filter: object) =>
        (await records().list({ accountId: undefined, ...filter })).items.map((each) => each.callId)
      const idsAt = (...places: number[]) => places.map((place) => calls[place]?.[0]?.callId).sort()
      expect((await list({ x: '+8617000000001' })).sort()).toEqual(idsAt(1, 3, 5, 7, 9))
      expect(await list({ bindingId: '1000000000000004' })).toEqual(idsAt(4))
      expect(await list({ party: aNumber('+8613800000007') })).toEqual(idsAt(7))
      expect(await list({ party: aNumber('+8613912345678') })).toHaveLength(10)
      expect((await list({ since: at(2), until: at(6) })).sort()).toEqual(idsAt(2, 3, 4, 5))
      const mine = { accountId: account('main'), x: '+8617000000001', poolKey: 'FC100000000000001' }
      expect((await list(mine)).sort()).toEqual(idsAt(3, 9))
    })

    test('only those that are up', async () => {
      startWriter()
      const [start] = aCall()
      if (start === undefined) throw new Error('a call begins with its start')
      await publish([...aCall(), start])
      await drained()
      const { items } = await records().list({ accountId: undefined, liveOnly: true })
      expect(items.map(({ callId }) => callId)).toEqual([start.callId])
    })

    test('a cursor that is not ours is refused', async () => {
      const places = ['nonsense', '2026-11-24T02:00:00.000Z', '2026-11-24T02:00:00.000Z a\0b']
      for (const place of places) {
        const cursor = Buffer.from(place).toString('base64url')
        const wrong = records().list({ accountId: undefined, cursor })
        await expect(wrong).rejects.toMatchObject({ code: 'cursor-unknown', httpStatus: 422 })
      }
    })
  })
})

describe('call records while Postgres is away', () => {
  test('wait in the stream and are all written when it is back', async () => {
    const [cluster, server] = await Promise.all([startPostgres(), startRedis()])
    await createTemplate(cluster.url)
    const database = await cloneTemplate(cluster.url)
    const redis = await server.client({ commandMsMax: 0 })
    const writer = createCallRecordWriter({ redis, sql: database.sql, clock: systemClock, log })
    try {
      writer.start()
      const calls = Array.from({ length: 90 }, () => aCall())
      for (const [at, event] of calls.flat().entries()) {
        if (at === 120) await cluster.crash()
        if (at === 240) await cluster.start()
        await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
      }
      const records = createCallRecords({ sql: database.sql, vault })
      await vi.waitFor(async () => {
        const { items } = await records.list({ accountId: undefined, limit: 200 })
        expect(items.filter(({ endEventId }) => endEventId !== undefined)).toHaveLength(90)
      }, patience)
    } finally {
      await writer.stop()
      await database.sql.close()
      await server.stop()
      await cluster.stop()
    }
  })
})
