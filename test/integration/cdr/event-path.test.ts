import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCallJournal } from '../../../src/cdr/call-journal.ts'
import { createCallRecordWriter } from '../../../src/cdr/call-record-writer.ts'
import { createOrphanCloser } from '../../../src/cdr/orphan-closer.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { aVault } from '../../support/call-events.ts'
import {
  cloneTemplate,
  createTemplate,
  type PostgresCluster,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const childFile = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
const log = createLogger({ level: 'silent' })
const patience = { timeout: 40_000, interval: 50 }

describe('from the router to the call records', () => {
  let server: TestRedis
  let cluster: PostgresCluster
  let database: TestDatabase
  let dir: string
  const children: ChildProcess[] = []

  beforeAll(async () => {
    server = await startRedis()
    cluster = await startPostgres()
    await createTemplate(cluster.url)
    database = await cloneTemplate(cluster.url)
    dir = await mkdtemp(join(tmpdir(), 'axb-path-'))
  })
  afterAll(async () => {
    // Those that a failure has left.
    for (const child of children) child.kill('SIGKILL')
    await database.sql.close()
    await cluster.stop()
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  })

  function aRouterProcess(name: string) {
    const args = ['--import', 'tsx', childFile, join(dir, name), server.url]
    const child: ChildProcess = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const flushed: string[] = []
    if (child.stdout === null) throw new Error('the child has no output')
    createInterface(child.stdout).on('line', (line) => {
      flushed.push(...(JSON.parse(line) as string[]))
    })
    return {
      flushed,
      async kill() {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  const workers = async () => {
    const redis = await server.client({ commandMsMax: 0 })
    const times = { checkMs: 100, patienceMs: 1_000 }
    const writer = createCallRecordWriter({
      ...{ redis, sql: database.sql, clock: systemClock, log, abandonedMs: 500 },
    })
    const closer = createOrphanCloser({ redis, clock: systemClock, log, times })
    writer.start()
    closer.start()
    return { stop: () => Promise.all([writer.stop(), closer.stop()]) }
  }

  test('every call has one start and one end, whatever is killed on the way', async () => {
    const [back, gone] = [aRouterProcess('back'), aRouterProcess('gone')]
    let worker = await workers()
    const beyond = (count: number) =>
      vi.waitFor(() => {
        expect(back.flushed.length).toBeGreaterThan(count)
        expect(gone.flushed.length).toBeGreaterThan(count)
      }, patience)

    await beyond(500)
    await server.kill()
    await beyond(1_500)
    await server.start()
    await cluster.crash()
    await beyond(3_000)
    await cluster.start()
    await worker.stop()
    worker = await workers()
    // Its last events are in a journal that never comes back: it dies when Redis has most of them.
    await beyond(4_000)
    await Promise.all([back.kill(), gone.kill()])

    const redis = await server.client({ commandMsMax: 0 })
    const journal = createCallJournal({
      ...{ dir: join(dir, 'back'), redis, vault: aVault(), clock: systemClock, log },
      limits: { reserveBytes: 4_096 },
    })
    await journal.start()
    try {
      await vi.waitFor(async () => {
        const [row] = await database.sql.rows<Counts>({ name: 'counts', text: counts, values: [] })
        const started = await startsInStream()
        expect(row).toEqual({
          calls: String(started.size),
          started: String(started.size),
          ended: String(started.size),
        })
        for (const id of back.flushed) if (id.endsWith(':start')) expect(started.has(id)).toBe(true)
      }, patience)
    } finally {
      await journal.close()
      await worker.stop()
    }
  })

  type Counts = { calls: string; started: string; ended: string }
  const counts = `
    select count(*) as calls, count(start_event_id) as started, count(end_event_id) as ended
      from call_record`

  async function startsInStream(): Promise<Set<string>> {
    const redis = await server.client({ commandMsMax: 0 })
    const entries = await redis.xrange(eventStream, '-', '+')
    redis.disconnect()
    return new Set(entries.map(([, [, id = '']]) => id).filter((id) => id.endsWith(':start')))
  }
})
