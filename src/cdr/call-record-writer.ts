import { randomUUID } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Sql } from '../platform/sql.ts'
import { createCallRecordStore } from './call-record-store.ts'
import { createGroupReader, type GroupReader, type StreamEntry } from './group-reader.ts'
import { type Loop, startLoop } from './loop.ts'
import { ensureGroup, ownConnection, recordGroup } from './stream.ts'
import { type StreamRetention, streamRetention, trimStream } from './stream-trim.ts'

export type CallRecordWriter = {
  start(): void
  /** What is in hand is finished; what is not acknowledged comes again. */
  stop(): Promise<void>
}

type WriterDeps = {
  readonly redis: Redis
  readonly sql: Sql
  readonly clock: Clock
  readonly log: Logger
  readonly retention?: StreamRetention
  /** How long an entry lies with a consumer before another takes it over. */
  readonly abandonedMs?: number
  readonly onWritten?: (events: number) => void
  readonly onDeadLetter?: (events: number) => void
  readonly onFailure?: () => void
}

/** A worker that writes a batch for longer than this is taken for dead. The repeat does no harm. */
const abandonedMsDefault = 30_000
const chores = { claimMs: 5_000, trimMs: 30_000, prepareMs: 6 * 3_600_000 }
const waitMs = 500
/** As far as it goes, most events of a call are in one batch with its end, and its row is written once. */
const backlogMax = 4_000
const ordinaryMax = 500
const forgetMs = 3_600_000

/** From the stream to `call_record`. Any number of workers share the group. */
export function createCallRecordWriter(deps: WriterDeps): CallRecordWriter {
  const { log } = deps
  let running: { readonly loop: Loop; readonly redis: Redis } | undefined

  return {
    start() {
      const redis = ownConnection(deps.redis, 'call-records')
      const loop = startLoop({
        step: createStep(deps, redis),
        ...{ idleMs: 0, retryMsMin: 50, retryMsMax: 2_000 },
        onFailure(err, first) {
          if (first) log.warn({ err }, 'call records wait in the stream')
          deps.onFailure?.()
        },
        onRecovery: () => log.info('call records are written again'),
      })
      running = { loop, redis }
    },
    async stop() {
      await running?.loop.stop()
      running?.redis.disconnect()
      running = undefined
    },
  }
}

function createStep(deps: WriterDeps, redis: Redis): () => Promise<boolean> {
  const { sql, clock, log } = deps
  const store = createCallRecordStore({ sql, clock })
  const reader = createGroupReader({ redis, group: recordGroup, consumer: randomUUID() })
  const diary = createDiary(clock)
  // After a failure something may have been read and not written: that is asked for first.
  let isClean = false
  let lastRead = 0

  async function take(entries: readonly StreamEntry[]): Promise<void> {
    if (entries.length === 0) return
    const dead = await store.store(entries)
    for (const { entry, reason } of dead) {
      log.error({ entry: entry.id, reason }, 'call event cannot be stored: dead letter')
    }
    await reader.finish(entries, dead)
    deps.onWritten?.(entries.length - dead.length)
    if (dead.length > 0) deps.onDeadLetter?.(dead.length)
  }

  async function next(): Promise<readonly StreamEntry[]> {
    if (!isClean) {
      await ensureGroup(redis, recordGroup)
      const unfinished = await reader.unfinished()
      if (unfinished.length > 0) return unfinished
    }
    if (diary.isDue('claim', chores.claimMs)) {
      const abandoned = await reader.abandoned(deps.abandonedMs ?? abandonedMsDefault)
      if (abandoned.length > 0) return abandoned
      diary.isDone('claim')
    }
    isClean = true
    const max = lastRead >= ordinaryMax ? backlogMax : ordinaryMax
    const fresh = await reader.fresh(waitMs, max)
    lastRead = fresh.length
    return fresh
  }

  async function chore(name: string, everyMs: number, work: () => Promise<void>): Promise<void> {
    if (!diary.isDue(name, everyMs)) return
    await work()
    diary.isDone(name)
  }

  return async () => {
    try {
      await take(await next())
      await chore('prepare', chores.prepareMs, () => store.prepare())
      await chore('trim', chores.trimMs, () => tidy(deps, redis, reader))
      return true
    } catch (err) {
      isClean = false
      lastRead = 0
      throw err
    }
  }
}

async function tidy(deps: WriterDeps, redis: Redis, reader: GroupReader): Promise<void> {
  const removed = await trimStream(redis, deps.clock.now(), deps.retention ?? streamRetention)
  if (removed > 0) deps.log.debug({ removed }, 'event stream was trimmed')
  await reader.forgetIdleConsumers(forgetMs)
}

/** When each chore was last done. */
function createDiary(clock: Clock) {
  const doneMs = new Map<string, number>()
  return {
    isDue: (chore: string, everyMs: number) =>
      clock.now().getTime() - (doneMs.get(chore) ?? Number.NEGATIVE_INFINITY) >= everyMs,
    isDone(chore: string): void {
      doneMs.set(chore, clock.now().getTime())
    },
  }
}
