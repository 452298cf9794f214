import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventStream, recordGroup } from '../../../src/cdr/stream.ts'
import { trimStream } from '../../../src/cdr/stream-trim.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const now = new Date(1_000_000_000)
const minute = 60_000
const keepAll = { keepMs: 24 * 60 * minute, entriesMax: 1_000_000 }
const keepNothing = { keepMs: 0, entriesMax: 1_000_000 }

describe('trimming the event stream', () => {
  let server: TestRedis
  let redis: Redis

  beforeAll(async () => {
    server = await startRedis()
    redis = await server.client({ commandMsMax: 0 })
    // Trimming works by whole nodes; in the real stream they are small against what it holds.
    await redis.config('SET', 'stream-node-max-entries', '1')
  })
  afterAll(() => server.stop())

  beforeEach(async () => {
    await redis.flushall()
    // An entry a minute, up to now.
    for (let each = 1; each <= 100; each++) {
      await redis.xadd(eventStream, `${+now - (100 - each) * minute}-0`, 'id', String(each))
    }
  })

  const left = async () => (await redis.xrange(eventStream, '-', '+')).map(([, [, id]]) => id)

  async function read(group: string, count: number): Promise<string[]> {
    const head = ['GROUP', group, 'one', 'COUNT', count] as const
    const reply = (await redis.xreadgroup(...head, 'STREAMS', eventStream, '>')) as [
      string,
      [string, string[]][],
    ][]
    return (reply[0]?.[1] ?? []).map(([id]) => id)
  }

  async function acknowledged(group: string, count: number): Promise<void> {
    await redis.xack(eventStream, group, ...(await read(group, count)))
  }

  test('touches nothing while nobody has begun to write call records', async () => {
    await redis.xgroup('CREATE', eventStream, 'others', '0')
    await acknowledged('others', 100)
    expect(await trimStream(redis, now, keepNothing)).toBe(0)
    expect(await left()).toHaveLength(100)
  })

  test('keeps what a group has not read, or has read and not acknowledged, however old', async () => {
    await redis.xgroup('CREATE', eventStream, recordGroup, '0')
    await redis.xgroup('CREATE', eventStream, 'others', '0')
    await acknowledged(recordGroup, 50)
    await acknowledged('others', 30)
    await trimStream(redis, now, keepNothing)
    expect((await left())[0]).toBe('30')
    await read('others', 10)
    await acknowledged('others', 60)
    await trimStream(redis, now, keepNothing)
    expect((await left())[0]).toBe('31')
  })

  test('keeps what everybody has for a while', async () => {
    await redis.xgroup('CREATE', eventStream, recordGroup, '0')
    await acknowledged(recordGroup, 100)
    await trimStream(redis, now, keepAll)
    expect(await left()).toHaveLength(100)
    await trimStream(redis, now, { ...keepAll, keepMs: 10 * minute })
    expect(await left()).toHaveLength(11)
  })

  test('keeps not much more than it may', async () => {
    await redis.xgroup('CREATE', eventStream, recordGroup, '0')
    await acknowledged(recordGroup, 100)
    for (let round = 0; round < 5; round++) {
      await trimStream(redis, now, { ...keepAll, entriesMax: 20 })
    }
    const kept = (await left()).length
    expect(kept).toBeGreaterThanOrEqual(20)
    expect(kept).toBeLessThan(25)
  })
})
