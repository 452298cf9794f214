import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCallRecordWriter } from '../../../src/cdr/call-record-writer.ts'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const log = createLogger({ level: 'silent' })
/** Shorter than the time after which what one consumer was given is taken over by another. */
const patience = { timeout: 20_000, interval: 10 }
const seal = createEventSealer(aVault())
/** More events than are written at once. */
const calls = 2_600

describe('a backlog, of which the next batch is read while one is written', () => {
  let server: TestRedis
  let redis: Redis
  let database: TestDatabase

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
    const pipeline = redis.pipeline()
    for (const event of Array.from({ length: calls }, () => aCall()).flat()) {
      pipeline.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
    }
    await pipeline.exec()
  })

  function startWriter(sql: Sql) {
    const seen = { written: 0 }
    const onWritten = (count: number) => {
      seen.written += count
    }
    const writer = createCallRecordWriter({ redis, sql, clock: systemClock, log, onWritten })
    writer.start()
    return { writer, seen }
  }

  async function group() {
    const [found] = (await redis.xinfo('GROUPS', eventStream)) as unknown[][]
    const of = (name: string) => Number(found?.[found.indexOf(name) + 1])
    return { pending: of('pending'), read: of('entries-read') }
  }

  async function wholeRecords(): Promise<number> {
    const [row] = await database.sql.rows<{ count: string }>({
      name: 'whole',
      text: 'select count(*) from call_record where start_event_id is not null and end_event_id is not null',
      values: [],
    })
    return Number(row?.count)
  }

  test('is written whole when the database fails with one batch in hand and one read ahead', async () => {
    let failures = 0
    const sql: Sql = {
      ...database.sql,
      async rows(query) {
        if (query.name === 'cdr.upsert' && failures === 0) {
          // Both have been read.
          await vi.waitFor(async () => expect((await group()).read).toBe(4 * calls), patience)
          failures += 1
          throw new Error('as if the database were away')
        }
        return database.sql.rows(query)
      },
    }
    const { writer } = startWriter(sql)
    try {
      await vi.waitFor(async () => {
        expect(await group()).toEqual({ pending: 0, read: 4 * calls })
      }, patience)
      expect(failures).toBe(1)
      expect(await wholeRecords()).toBe(calls)
    } finally {
      await writer.stop()
    }
  })

  test('leaves nothing in the hands of a worker that stops in good order', async () => {
    const { writer, seen } = startWriter(database.sql)
    await vi.waitFor(() => expect(seen.written).toBeGreaterThan(0), { ...patience, interval: 1 })
    await writer.stop()
    expect(await group()).toEqual({ pending: 0, read: seen.written })
  })
})
