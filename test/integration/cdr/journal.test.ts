import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CallJournal, createCallJournal } from '../../../src/cdr/call-journal.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import type { CallEvent } from '../../../src/domain/call-event.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createRedis } from '../../../src/platform/redis.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { aSmallDisk } from '../../support/small-disk.ts'

const log = createLogger({ level: 'silent' })
const childFile = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
const patience = { timeout: 20_000, interval: 20 }

describe('the call journal', () => {
  let server: TestRedis
  let dir: string
  let journals: CallJournal[]

  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'axb-journal-'))
    journals = []
    await (await server.client()).flushall()
  })
  afterEach(async () => {
    await Promise.all(journals.map((each) => each.close()))
    await rm(dir, { recursive: true, force: true })
  })

  async function aJournal(
    over: Partial<Parameters<typeof createCallJournal>[0]> = {},
  ): Promise<CallJournal> {
    const redis = over.redis ?? (await server.client())
    const journal = createCallJournal({
      ...{ dir, vault: aVault(), clock: systemClock, log },
      ...over,
      redis,
      limits: { reserveBytes: 65_536, ...over.limits },
    })
    journals.push(journal)
    await journal.start()
    return journal
  }

  /** As of another router on the machine. */
  async function aSecondJournal(failures: string[]): Promise<CallJournal> {
    const onFailure = (what: string) => failures.push(what)
    return aJournal({ dir: join(dir, 'second'), onFailure })
  }

  /** Ids in the order of the stream, each where it comes first. */
  async function published(): Promise<string[]> {
    const entries = await (await server.client()).xrange(eventStream, '-', '+')
    return [...new Set(entries.map(([, fields]) => fields[1] ?? ''))]
  }

  const idsOf = (events: readonly CallEvent[]) => events.map(({ id }) => id)

  test('brings every event to the stream, in order', async () => {
    const journal = await aJournal()
    const events = Array.from({ length: 50 }, () => aCall()).flat()
    for (const event of events) journal.append(event)
    await vi.waitFor(async () => expect(await published()).toEqual(idsOf(events)), patience)
    await vi.waitFor(() => expect(journal.stats().backlogEvents).toBe(0), patience)
  })

  test('a burst goes out in large batches', async () => {
    const batches: number[] = []
    const journal = await aJournal({ onPublished: (count) => batches.push(count) })
    const events = Array.from({ length: 2_500 }, () => aCall()).flat()
    for (const event of events) journal.append(event)
    await vi.waitFor(() => expect(journal.stats().backlogEvents).toBe(0), patience)
    expect(batches.reduce((sum, count) => sum + count, 0)).toBe(events.length)
    expect(batches.length).toBeLessThan(events.length / 50)
  })

  test('what comes in short succession is written and published together', async () => {
    const batches: number[] = []
    const journal = await aJournal({ onPublished: (count) => batches.push(count) })
    for (const event of aCall()) {
      journal.append(event)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(journal.stats().backlogEvents).toBe(0), patience)
    expect(batches.filter((count) => count > 0).length).toBeLessThan(4)
  })

  test('goes on when Redis stops answering without a word and then answers again', async () => {
    const journal = await aJournal()
    const redis = await server.client()
    const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
    const failures: string[] = []
    const [before, during] = [aCall(), aCall()]
    const other = await aSecondJournal(failures)
    for (const event of before) journal.append(event)
    await vi.waitFor(async () => expect(await published()).toHaveLength(4), patience)
    process.kill(pid, 'SIGSTOP')
    try {
      for (const event of during) other.append(event)
      await other.flushed()
      await vi.waitFor(() => expect(failures).toContain('redis'), patience)
      expect(other.isFull()).toBe(false)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const all = idsOf([...before, ...during])
    await vi.waitFor(async () => expect(await published()).toEqual(all), patience)
    await vi.waitFor(() => expect(other.stats().backlogEvents).toBe(0), patience)
  })

  test('keeps what came before it was started', async () => {
    const redis = await server.client()
    const journal = createCallJournal({ dir, redis, vault: aVault(), clock: systemClock, log })
    journals.push(journal)
    const events = aCall()
    for (const event of events) journal.append(event)
    expect(journal.isFull()).toBe(true)
    await journal.start()
    expect(journal.isFull()).toBe(false)
    await vi.waitFor(async () => expect(await published()).toEqual(idsOf(events)), patience)
  })

  test('keeps events while Redis is away and sends them when it is back', async () => {
    const journal = await aJournal()
    const [before, during, after] = [aCall(), aCall(), aCall()]
    for (const event of before) journal.append(event)
    await vi.waitFor(async () => expect(await published()).toHaveLength(4), patience)
    await server.kill()
    for (const event of during) journal.append(event)
    await journal.flushed()
    expect(journal.stats().backlogEvents).toBe(4)
    expect(journal.isFull()).toBe(false)
    await server.start()
    for (const event of after) journal.append(event)
    const all = idsOf([...before, ...during, ...after])
    await vi.waitFor(async () => expect(await published()).toEqual(all), patience)
  })

  test.each([
    ['what was written is still in memory', 4_000_000],
    ['nearly everything is on disk only', 5_000],
  ])(
    'loses nothing and keeps the order when Redis is killed again and again, and %s',
    async (_, recentBytes) => {
      const journal = await aJournal({ limits: { segmentBytes: 20_000, recentBytes } })
      const sent: CallEvent[] = []
      const send = async (calls: number) => {
        for (let count = 0; count < calls; count++) {
          const call = aCall()
          sent.push(...call)
          for (const event of call) journal.append(event)
          if (count % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
      }
      for (let round = 0; round < 4; round++) {
        await send(200)
        await server.kill()
        await send(100)
        await server.start()
      }
      await vi.waitFor(async () => expect(await published()).toEqual(idsOf(sent)), patience)
    },
  )

  test('sends again what Redis had confirmed and then forgot', async () => {
    const journal = await aJournal()
    const [kept, forgotten, later] = [aCall(), aCall(), aCall()]
    for (const event of kept) journal.append(event)
    await vi.waitFor(async () => expect(await published()).toHaveLength(4), patience)
    await vi.waitFor(async () => expect(await server.appended()).toBeGreaterThan(0), patience)
    const mark = await server.appended()
    for (const event of forgotten) journal.append(event)
    await vi.waitFor(async () => expect(await published()).toHaveLength(8), patience)
    await server.kill()
    await server.loseAfter(mark)
    await server.start()
    for (const event of later) journal.append(event)
    const all = idsOf([...kept, ...forgotten, ...later])
    await vi.waitFor(async () => expect((await published()).sort()).toEqual(all.sort()), patience)
  })

  test('sends after a restart what the last process could not', async () => {
    const redis = await server.client()
    await server.kill()
    const first = await aJournal({ redis })
    const events = Array.from({ length: 20 }, () => aCall()).flat()
    for (const event of events) first.append(event)
    await first.close()
    await server.start()
    const second = await aJournal()
    await vi.waitFor(async () => expect(await published()).toEqual(idsOf(events)), patience)
    await second.close()
    const third = await aJournal()
    expect(third.stats().backlogEvents).toBe(0)
  })

  test('survives damage: a torn tail costs nothing, a changed byte the event it is in', async () => {
    const redis = await server.client()
    await server.kill()
    const first = await aJournal({ redis })
    const events = Array.from({ length: 10 }, () => aCall()).flat()
    for (const event of events) first.append(event)
    await first.close()
    const [file = ''] = (await readdir(dir)).filter((name) => name.endsWith('.journal'))
    const path = join(dir, file)
    const bytes = await readFile(path)
    const hit = events[5]?.id ?? ''
    bytes[bytes.indexOf(hit) + 60] = 0
    await writeFile(path, Buffer.concat([bytes, Buffer.from('000004d2 12345678 e torn')]))
    await server.start()
    await aJournal()
    const others = idsOf(events).filter((id) => id !== hit)
    await vi.waitFor(async () => expect(await published()).toEqual(others), patience)
    expect(await readFile(path, 'utf8')).not.toContain('torn')
  })

  test('removes segments that Redis has, and only those', async () => {
    const journal = await aJournal({ limits: { segmentBytes: 10_000, keepMs: 0 } })
    const segments = async () => (await readdir(dir)).filter((name) => name.endsWith('.journal'))
    for (let count = 0; count < 100; count++) {
      for (const event of aCall()) journal.append(event)
      await journal.flushed()
    }
    await vi.waitFor(() => expect(journal.stats().backlogEvents).toBe(0), patience)
    await vi.waitFor(async () => expect(await segments()).toHaveLength(1), patience)
    await server.kill()
    for (let count = 0; count < 100; count++) {
      for (const event of aCall()) journal.append(event)
      await journal.flushed()
    }
    expect((await segments()).length).toBeGreaterThan(10)
    await server.start()
    await vi.waitFor(async () => expect(await published()).toHaveLength(800), patience)
  })

  test('is full before its disk space is, and then still takes the ends of running calls', async () => {
    const redis = await server.client()
    await server.kill()
    const journal = await aJournal({ redis, limits: { bytesMax: 1_000_000, segmentBytes: 50_000 } })
    const running: CallEvent[][] = []
    while (!journal.isFull()) {
      const [start, ...rest] = aCall()
      if (start === undefined) throw new Error('a call has a start')
      journal.append(start)
      running.push(rest)
      await journal.flushed()
    }
    expect(running.length).toBeGreaterThan(50)
    for (const event of running.flat()) journal.append(event)
    await journal.flushed()
    expect(journal.stats().diskBytes).toBeLessThan(1_000_000)
    expect(journal.stats().openCalls).toBe(0)
    await server.start()
    await vi.waitFor(
      async () => expect(await published()).toHaveLength(running.length * 4),
      patience,
    )
    await vi.waitFor(() => expect(journal.isFull()).toBe(false), patience)
  })

  test('a full disk stops new calls and loses nothing, and room makes it go on', async () => {
    const redis = await server.client()
    const disk = await aSmallDisk(dir)
    await server.kill()
    try {
      const journal = await aJournal({ redis, dir: disk.dir, limits: disk.limits })
      const sent: CallEvent[] = []
      const running: CallEvent[][] = []
      const append = (event: CallEvent | undefined) => {
        if (event === undefined) return
        sent.push(event)
        journal.append(event)
      }
      while (!journal.isFull()) {
        const [start, ...rest] = aCall()
        append(start)
        running.push(rest)
        // Twenty calls run at any time.
        if (running.length > 20) for (const event of running.shift() ?? []) append(event)
        await journal.flushed()
      }
      for (const event of running.flat()) append(event)
      await journal.flushed()
      expect(sent.length).toBeGreaterThan(200)
      expect(journal.isFull()).toBe(true)
      await server.start()
      await vi.waitFor(async () => expect(await published()).toEqual(idsOf(sent)), patience)
      await vi.waitFor(() => expect(journal.isFull()).toBe(false), patience)
      await journal.close()
    } finally {
      await disk.remove()
    }
  })

  test('ends the calls that were running when its process was killed, at the time of its death', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', childFile, dir, server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const flushed: string[] = []
    try {
      for await (const line of createInterface(child.stdout)) {
        flushed.push(...(JSON.parse(line) as string[]))
        if (flushed.length > 2_000) break
      }
    } finally {
      child.kill('SIGKILL')
    }
    await once(child, 'exit')
    const diedAt = Date.now()

    await aJournal()
    await vi.waitFor(async () => {
      const ids = new Set(await published())
      expect(flushed.filter((id) => !ids.has(id))).toEqual([])
      const starts = [...ids].filter((id) => id.endsWith(':start'))
      expect(starts.filter((id) => !ids.has(id.replace(':start', ':end')))).toEqual([])
    }, patience)
    const entries = await (await server.client()).xrange(eventStream, '-', '+')
    const lost = entries
      .map(([, fields]) => JSON.parse(fields[3] ?? '') as { releaseReason?: string; at: string })
      .filter(({ releaseReason }) => releaseReason === 'router-lost')
    expect(lost.length).toBeGreaterThan(0)
    for (const { at } of lost) expect(Math.abs(Date.parse(at) - diedAt)).toBeLessThan(10_000)
  })

  test('closes a call whose start is long gone from the journal', async () => {
    const [start, ring, answer] = aCall()
    if (!start || !ring || !answer) throw new Error('a call has these')
    const first = await aJournal({ limits: { segmentBytes: 5_000, keepMs: 0 } })
    for (const event of [start, ring, answer]) first.append(event)
    for (let count = 0; count < 50; count++) {
      for (const event of aCall()) first.append(event)
      await first.flushed()
    }
    await vi.waitFor(() => expect(first.stats().diskBytes).toBeLessThan(15_000), patience)
    expect(first.openCalls().map(({ callId }) => callId)).toEqual([start.callId])
    await first.close()
    await aJournal()
    await vi.waitFor(
      async () => expect((await published()).at(-1)).toBe(`${start.callId}:end`),
      patience,
    )
  })

  test('belongs to one process, and is taken over from one that is gone', async () => {
    const journal = await aJournal()
    await expect(aJournal()).rejects.toThrow(/in use by another process/)
    await journal.close()
    await expect(aJournal()).resolves.toBeDefined()
  })

  test('shows no real number, neither on disk nor in Redis', async () => {
    const journal = await aJournal()
    const [start] = aCall()
    for (const event of aCall()) journal.append(event)
    if (start !== undefined) journal.append(start)
    await vi.waitFor(async () => expect(await published()).toHaveLength(5), patience)
    const files = await Promise.all(
      (await readdir(dir)).map((name) => readFile(join(dir, name), 'latin1')),
    )
    const redis = await server.client()
    const keys = await redis.keys('*')
    const values = await Promise.all(
      keys.map(async (key) => JSON.stringify(await redis.dump(key).then((text) => text ?? ''))),
    )
    const hashes = await redis.hgetall((keys.find((key) => key.endsWith(':calls')) ?? '') as string)
    const everything = [...files, ...values, JSON.stringify(hashes), ...keys].join('\n')
    expect(everything).not.toMatch(/13800138000|13912345678/)
    expect(Object.keys(hashes)).toHaveLength(1)
  })

  test('a client that is not connected yet does not hold up an append', async () => {
    const redis = createRedis({ url: 'redis://127.0.0.1:1', log, name: 'nowhere' })
    try {
      const journal = await aJournal({ redis })
      for (const event of aCall()) journal.append(event)
      await journal.flushed()
      expect(journal.stats().backlogEvents).toBe(4)
      await journal.close()
    } finally {
      redis.disconnect()
    }
  })
})
