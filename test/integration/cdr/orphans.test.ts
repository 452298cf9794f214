import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CallJournal, createCallJournal } from '../../../src/cdr/call-journal.ts'
import { createOrphanCloser, type OrphanCloser } from '../../../src/cdr/orphan-closer.ts'
import { createRouterLease, type RouterLease } from '../../../src/cdr/router-lease.ts'
import { eventStream, leaseKey, openCallsKey, routersKey } from '../../../src/cdr/stream.ts'
import { tailCallEvents } from '../../../src/cdr/tail-call-events.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const log = createLogger({ level: 'silent' })
const patience = { timeout: 20_000, interval: 20 }
const vault = aVault()
const leaseTimes = { leaseMs: 400, renewMs: 100 }
const orphanTimes = { checkMs: 50, patienceMs: 500 }

describe('the calls of a router that is gone', () => {
  let server: TestRedis
  let redis: Redis
  let folders: string[]
  let journals: CallJournal[]
  let leases: RouterLease[]
  let closers: OrphanCloser[]

  beforeAll(async () => {
    server = await startRedis()
    redis = await server.client({ commandMsMax: 0 })
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    folders = []
    journals = []
    leases = []
    closers = []
    await vi.waitFor(() => redis.flushall(), patience)
  })
  afterEach(async () => {
    await Promise.all([...leases, ...closers].map((each) => each.stop()))
    await Promise.all(journals.map((each) => each.close()))
    for (const each of folders) await rm(each, { recursive: true, force: true })
  })

  async function aRouter() {
    const dir = await mkdtemp(join(tmpdir(), 'axb-router-'))
    folders.push(dir)
    const limits = { reserveBytes: 4_096 }
    const journal = createCallJournal({ dir, redis, vault, clock: systemClock, log, limits })
    journals.push(journal)
    await journal.start()
    const lease = createRouterLease({
      ...{ redis, routerId: 'router-1', journal, clock: systemClock, log },
      times: leaseTimes,
    })
    leases.push(lease)
    lease.start()
    await vi.waitFor(
      async () => expect(await redis.exists(leaseKey(journal.id()))).toBe(1),
      patience,
    )
    return { journal, lease }
  }

  function startCloser(): void {
    const closer = createOrphanCloser({ redis, clock: systemClock, log, times: orphanTimes })
    closers.push(closer)
    closer.start()
  }

  type Ended = { readonly id: string; readonly releaseReason: string; readonly at: string }

  async function ends(): Promise<Ended[]> {
    const entries = await redis.xrange(eventStream, '-', '+')
    return entries
      .map(([, fields]) => JSON.parse(fields[3] ?? '') as Ended)
      .filter(({ id }) => id.endsWith(':end'))
  }

  const openCalls = async (journal: CallJournal) =>
    Object.keys(await redis.hgetall(openCallsKey(journal.id())))

  test('are listed in Redis while they run', async () => {
    const { journal } = await aRouter()
    const [start, ring, answer, end] = aCall()
    if (!start || !ring || !answer || !end) throw new Error('a call has these')
    for (const event of [start, ring, answer]) {
      journal.append(event)
      await vi.waitFor(async () => {
        const json = (await redis.hget(openCallsKey(journal.id()), start.callId)) ?? ''
        expect(json).toContain(`"type":"${event.type}"`)
      }, patience)
    }
    journal.append(end)
    await vi.waitFor(async () => expect(await openCalls(journal)).toEqual([]), patience)
  })

  test('are closed once, at the time it was last seen, however many workers notice', async () => {
    const { journal, lease } = await aRouter()
    const [going, over] = [aCall({ callTime: new Date() }), aCall()]
    for (const event of [...going.slice(0, 2), ...over]) journal.append(event)
    await vi.waitFor(async () => expect(await openCalls(journal)).toHaveLength(1), patience)
    await lease.stop()
    for (let count = 0; count < 3; count++) startCloser()
    await vi.waitFor(async () => expect(await redis.hlen(routersKey)).toBe(0), patience)
    const lost = (await ends()).filter(({ releaseReason }) => releaseReason === 'router-lost')
    expect(lost.map(({ id }) => id)).toEqual([`${going[0]?.callId}:end`])
    expect(await redis.exists(openCallsKey(journal.id()))).toBe(0)
  })

  test('are left alone while it renews its lease, also through a restart of Redis', async () => {
    const { journal } = await aRouter()
    startCloser()
    const call = aCall()
    for (const event of call.slice(0, 3)) journal.append(event)
    await vi.waitFor(async () => expect(await openCalls(journal)).toHaveLength(1), patience)
    await server.kill()
    // Longer than the lease and the closer's patience together.
    await new Promise((resolve) => setTimeout(resolve, leaseTimes.leaseMs + 700))
    await server.start()
    await vi.waitFor(
      async () => expect(await redis.exists(leaseKey(journal.id()))).toBe(1),
      patience,
    )
    for (const event of call.slice(3)) journal.append(event)
    await vi.waitFor(async () => expect(await ends()).toHaveLength(1), patience)
    expect((await ends())[0]?.releaseReason).toBe('normal')
  })

  test('are listed anew when Redis has lost everything', async () => {
    const { journal } = await aRouter()
    const [start] = aCall()
    if (!start) throw new Error('a call has a start')
    journal.append(start)
    await vi.waitFor(async () => expect(await openCalls(journal)).toHaveLength(1), patience)
    await redis.flushall()
    await vi.waitFor(async () => expect(await openCalls(journal)).toEqual([start.callId]), patience)
  })

  test('a list that cannot be read does not stop the others from being closed', async () => {
    const { journal, lease } = await aRouter()
    const [start] = aCall()
    if (!start) throw new Error('a call has a start')
    journal.append(start)
    await vi.waitFor(async () => expect(await openCalls(journal)).toHaveLength(1), patience)
    await redis.hset(openCallsKey(journal.id()), 'broken', 'nonsense')
    await lease.stop()
    startCloser()
    await vi.waitFor(async () => expect(await ends()).toHaveLength(1), patience)
  })

  test('the tail shows events as they come, and goes on when Redis comes back', async () => {
    const { journal } = await aRouter()
    const stop = new AbortController()
    const seen: string[] = []
    const tail = (async () => {
      for await (const event of tailCallEvents({
        ...{ redis, vault, log, signal: stop.signal, after: '0-0' },
      })) {
        seen.push(`${event.id} ${event.caller}`)
      }
    })()
    const [first, second] = [aCall(), aCall()]
    for (const event of first) journal.append(event)
    const lines = (events: typeof first) => events.map(({ id }) => `${id} 138****8000`)
    await vi.waitFor(() => expect(seen).toEqual(lines(first)), patience)
    await server.kill()
    for (const event of second) journal.append(event)
    await server.start()
    await vi.waitFor(
      () => expect([...new Set(seen)]).toEqual(lines([...first, ...second])),
      patience,
    )
    stop.abort()
    await tail
  })
})
