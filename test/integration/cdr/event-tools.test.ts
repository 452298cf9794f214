import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createEventTools } from '../../../src/cdr/event-tools.ts'
import { createGroupReader } from '../../../src/cdr/group-reader.ts'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { deadLetterStream, ensureGroup, eventStream } from '../../../src/cdr/stream.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const seal = createEventSealer(aVault())

describe('the tools for the event stream', () => {
  let server: TestRedis
  let redis: Redis

  beforeAll(async () => {
    server = await startRedis()
    redis = await server.client()
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    await redis.flushall()
    await ensureGroup(redis, 'receipts')
  })

  const reader = () => createGroupReader({ redis, group: 'receipts', consumer: 'one' })

  async function publish(count: number): Promise<readonly string[]> {
    const events = Array.from({ length: count }, () => aCall()).flat()
    for (const event of events) {
      await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
    }
    return events.map(({ id }) => id)
  }

  async function readAll(): Promise<string[]> {
    const entries = await reader().fresh(0, 10_000)
    await reader().finish(entries, [])
    return entries.map(({ fields }) => fields[1] ?? '')
  }

  test('a dead letter is shown with its reason, and goes back whole, once', async () => {
    const ids = await publish(1)
    const entries = await reader().fresh(0)
    const dead = entries.slice(1, 3).map((entry) => ({ entry, reason: 'not JSON' }))
    await reader().finish(entries, dead)
    const tools = createEventTools({ redis })
    const shown = await tools.dead(10)
    expect(shown).toMatchObject([
      { eventId: ids[2], group: 'receipts', reason: 'not JSON', source: entries[2]?.id },
      { eventId: ids[1], group: 'receipts', reason: 'not JSON', source: entries[1]?.id },
    ])
    const one = shown[1]?.id ?? ''
    expect(await tools.resend([one, '1-1'])).toBe(1)
    expect(await tools.resend([one])).toBe(0)
    const again = await reader().fresh(0)
    expect(again.map(({ fields }) => fields)).toEqual([entries[1]?.fields])
    expect(await tools.dead(10)).toHaveLength(1)
  })

  test('all of them go back, the oldest first, also when there are very many', async () => {
    const pipeline = redis.pipeline()
    const about = ['source', '1-0', 'group', 'receipts', 'reason', 'not JSON']
    for (let at = 0; at < 1_201; at++) {
      pipeline.xadd(deadLetterStream, '*', ...about, 'id', `call-${at}:end`, 'event', '{}')
    }
    await pipeline.exec()
    const tools = createEventTools({ redis })
    expect(await tools.resendAll()).toBe(1_201)
    expect(await tools.dead(10)).toEqual([])
    const ids = await readAll()
    expect(ids).toEqual(Array.from({ length: 1_201 }, (_, at) => `call-${at}:end`))
    expect(await tools.resendAll()).toBe(0)
  })

  test('a group reads again from a time on, and others go on where they are', async () => {
    await ensureGroup(redis, 'call-records')
    const early = await publish(1)
    await readAll()
    const [last] = await redis.xrevrange(eventStream, '+', '-', 'COUNT', 1)
    const since = new Date(Number.parseInt(last?.[0] ?? '', 10) + 1)
    while (Date.now() <= since.getTime()) await new Promise((resolve) => setImmediate(resolve))
    const late = await publish(2)
    expect(await readAll()).toEqual(late)
    const tools = createEventTools({ redis })
    expect(await tools.replay('receipts', since)).toBe(8)
    expect(await readAll()).toEqual(late)
    expect(await tools.replay('receipts', new Date(0))).toBe(12)
    expect(await readAll()).toEqual([...early, ...late])
    const groups = (await redis.xinfo('GROUPS', eventStream)) as unknown[][]
    expect(groups.map((each) => [each[1], each[7]])).toContainEqual(['call-records', '0-0'])
  })

  test('nothing is left out by it, and an unknown group is told', async () => {
    await publish(1)
    const tools = createEventTools({ redis })
    await expect(tools.replay('receipts', new Date())).rejects.toMatchObject({
      code: 'replay-would-skip',
    })
    await expect(tools.replay('nobody', new Date(0))).rejects.toMatchObject({
      code: 'event-group-unknown',
    })
    await redis.del(eventStream)
    await expect(tools.replay('receipts', new Date(0))).rejects.toMatchObject({
      code: 'event-group-unknown',
    })
    expect(await tools.dead(10)).toEqual([])
  })
})
