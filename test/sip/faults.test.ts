import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CallRecord } from '../support/api.ts'
import { treeOf } from '../support/cpu.ts'
import { countEvents } from '../support/events.ts'
import { type Ground, startGround } from '../support/ground.ts'
import type { LoadResult } from '../support/load.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'

let ground: Ground
let calls: OrdinaryCalls

beforeAll(async () => {
  ground = await startGround({ LOG_LEVEL: 'info' })
  calls = await createOrdinaryCalls(ground.engine, ground.runtime)
})

afterAll(async () => {
  await ground?.stop()
})

afterEach(async () => {
  await calls.untilWorking(60_000)
})

type Part = 'postgres' | 'redis' | 'media' | 'sip'

/** A server that somebody else runs is not ours to kill: then there is no such test. */
const isOurs = (variable: string) => (process.env[variable] ?? '') === ''

/** Long enough that calls begin and end while the part is away. */
const awayMs = 3000

/** Calls at a steady rate; in the middle the part dies and comes back. `afterEach` waits for its recovery. */
async function killDuring(part: Part): Promise<{ result: LoadResult; records: CallRecord[] }> {
  const since = new Date()
  const { embedded } = ground.runtime
  let killed: Promise<void> | undefined
  const result = await calls.run({
    callsPerSecond: 5,
    calls: 60,
    holdSeconds: 2,
    // What is lost with the SIP server would go on repeating itself for half a minute.
    patienceMs: 8000,
    onSecond(now) {
      if (killed === undefined && now.connected >= 15) killed = outage()
    },
  })
  async function outage(): Promise<void> {
    await embedded.kill(part)
    await new Promise((resolve) => setTimeout(resolve, awayMs))
    await embedded.restart(part)
  }
  expect(killed).toBeDefined()
  await killed
  return { result, records: await closedRecords(since) }
}

/** All calls that began since then, once each of them has an end. */
async function closedRecords(since: Date): Promise<CallRecord[]> {
  let records: readonly CallRecord[] = []
  await until(
    'every call that began has an end',
    async () => {
      records = await ground.engine.api.callsSince(since).catch(() => [])
      const live = await ground.engine.api.liveCalls().catch(() => undefined)
      return (
        live?.length === 0 &&
        records.length > 0 &&
        records.every((each) => each.releaseTime !== undefined)
      )
    },
    90_000,
    500,
  )
  return [...records]
}

/** Stable ids make repeats harmless; a start without an end is what must not be. */
async function expectEveryStartEnded(): Promise<void> {
  const counts = await countEvents(ground.runtime.redisUrl)
  const open = [...counts].filter(
    ([, each]) => (each['start'] === undefined) !== (each['end'] === undefined),
  )
  expect(open).toEqual([])
}

type Story = {
  readonly part: Part
  readonly variable: string
  readonly title: string
  judge(result: LoadResult, records: readonly CallRecord[]): void
}

function expectNothingLost(result: LoadResult, records: readonly CallRecord[]): void {
  expect(result).toMatchObject({ attempted: 60, completed: 60 })
  expect(records).toHaveLength(60)
}

const stories: readonly Story[] = [
  {
    part: 'redis',
    variable: 'REDIS_URL',
    title: 'Redis: calls go on, resolved from Postgres, and no record is lost',
    judge: expectNothingLost,
  },
  {
    part: 'postgres',
    variable: 'DATABASE_URL',
    title: 'Postgres: bound calls go on from Redis, and no record is lost',
    judge: expectNothingLost,
  },
  {
    part: 'media',
    variable: 'FREESWITCH_URLS',
    title: 'media: its calls end with a cause, calls without media are refused, and it recovers',
    judge(result, records) {
      expect(result.attempted).toBe(60)
      expect(result.completed).toBeGreaterThan(0)
      expect(records).toHaveLength(60)
      const reasons = new Set(records.map((each) => each.releaseReason))
      expect([...reasons].sort()).toEqual(['media-failed', 'media-lost', 'normal'])
    },
  },
  {
    part: 'sip',
    variable: 'DRACHTIO_URL',
    title: 'SIP: the records of its calls are closed, and it recovers',
    judge(result, records) {
      expect(result.attempted).toBe(60)
      expect(result.completed).toBeGreaterThan(0)
      expect(records.length).toBeGreaterThanOrEqual(result.connected)
      const lost = records.filter((each) => each.releaseReason !== 'normal')
      expect(lost.length).toBeGreaterThan(0)
    },
  },
]

describe('a part dies while calls are made', () => {
  const ours = stories.filter(({ variable }) => isOurs(variable))
  test.each(ours)('$title', async ({ part, judge }) => {
    const { result, records } = await killDuring(part)
    judge(result, records)
    await expectEveryStartEnded()
  })
})

test('Redis and Postgres hang: a call is refused in time instead of being left without an answer', async () => {
  const { redis, postgres } = ground.runtime.embedded.pids()
  const parts = [redis, postgres].filter((pid) => pid !== undefined)
  const pids = (await Promise.all(parts.map((pid) => treeOf(pid)))).flat()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    const result = await calls.run({ callsPerSecond: 2, calls: 4, holdSeconds: 0.5 })
    expect(result).toMatchObject({ attempted: 4, refused: { 503: 4 }, failed: 0 })
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
})
