import { randomUUID } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Sql } from '../platform/sql.ts'
import { createCallRecordStore, type RecordBatch } from './call-record-store.ts'
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
/** In a backlog, one write for so many: then most events of a call are together with its end, and its row is written once. */
const batchMax = 8_000
/** Redis does nothing else for a millisecond or two while it gives out so many. */
const portionMax = 500
const forgetMs = 3_600_000

/** From the stream to `call_record`. Any number of workers share the group. */
export function createCallRecordWriter(deps: WriterDeps): CallRecordWriter {
  const { log } = deps
  let running: { readonly loop: Loop; readonly redis: Redis; readonly steps: Steps } | undefined

  return {
    start() {
      const redis = ownConnection(deps.redis, 'call-records')
      const steps = createSteps(deps, redis)
      const loop = startLoop({
        step: steps.step,
        ...{ idleMs: 0, retryMsMin: 50, retryMsMax: 2_000 },
        onFailure(err, first) {
          if (first) log.warn({ err }, 'call records wait in the stream')
          deps.onFailure?.()
        },
        onRecovery: () => log.info('call records are written again'),
      })
      running = { loop, redis, steps }
    },
    async stop() {
      await running?.loop.stop()
      await running?.steps.finish()
      running?.redis.disconnect()
      running = undefined
    },
  }
}

type Steps = {
  step(): Promise<boolean>
  /** What was read ahead. */
  finish(): Promise<void>
}

function createSteps(deps: WriterDeps, redis: Redis): Steps {
  const { sql, clock, log } = deps
  const store = createCallRecordStore({ sql, clock })
  const reader = createGroupReader({ redis, group: recordGroup, consumer: randomUUID() })
  const diary = createDiary(clock)
  // After a failure something may have been read and not written: that is asked for first.
  let isClean = false
  let ahead: Promise<RecordBatch> | undefined

  async function take(batch: RecordBatch): Promise<void> {
    const { entries } = batch
    if (entries.length === 0) return
    const dead = await store.write(batch)
    for (const { entry, reason } of dead) {
      log.error({ entry: entry.id, reason }, 'call event cannot be stored: dead letter')
    }
    await reader.finish(entries, dead)
    deps.onWritten?.(entries.length - dead.length)
    if (dead.length > 0) deps.onDeadLetter?.(dead.length)
  }

  async function next(): Promise<RecordBatch> {
    if (!isClean) {
      await ensureGroup(redis, recordGroup)
      const unfinished = await reader.unfinished()
      if (unfinished.length > 0) return store.read(unfinished)
    }
    if (diary.isDue('claim', chores.claimMs)) {
      const abandoned = await reader.abandoned(deps.abandonedMs ?? abandonedMsDefault)
      if (abandoned.length > 0) return store.read(abandoned)
      diary.isDone('claim')
    }
    isClean = true
    return store.read(await readFresh(reader, waitMs))
  }

  /** In a backlog the next batch is read and understood while the database writes one. */
  function readAhead(): void {
    ahead = readFresh(reader, 0).then(store.read)
    ahead.catch(() => undefined) // Who asks for it hears of it.
  }

  async function takeNext(): Promise<void> {
    const reading = ahead ?? next()
    ahead = undefined
    const batch = await reading
    const isBacklog = isClean && batch.entries.length >= portionMax
    if (isBacklog && !diary.isDue('claim', chores.claimMs)) readAhead()
    await take(batch)
  }

  return {
    async step() {
      try {
        await takeNext()
        await diary.chore('prepare', chores.prepareMs, () => store.prepare())
        await diary.chore('trim', chores.trimMs, () => tidy(deps, redis, reader))
        return true
      } catch (err) {
        isClean = false
        // It is among the unfinished: asked for once nothing more can come to them.
        await ahead?.catch(() => undefined)
        ahead = undefined
        throw err
      }
    },
    async finish() {
      try {
        if (ahead !== undefined) await take(await ahead)
      } catch (err) {
        log.debug({ err }, 'what was read ahead is left to others')
      }
    },
  }
}

/** What comes first is waited for; the rest is what is there by then. */
async function readFresh(reader: GroupReader, ms: number): Promise<readonly StreamEntry[]> {
  const entries: StreamEntry[] = []
  for (;;) {
    const portion = await reader.fresh(entries.length === 0 ? ms : 0, portionMax)
    entries.push(...portion)
    if (portion.length < portionMax || entries.length >= batchMax) return entries
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
  const isDue = (chore: string, everyMs: number) =>
    clock.now().getTime() - (doneMs.get(chore) ?? Number.NEGATIVE_INFINITY) >= everyMs
  const isDone = (chore: string) => void doneMs.set(chore, clock.now().getTime())
  return {
    isDue,
    isDone,
    async chore(name: string, everyMs: number, work: () => Promise<void>): Promise<void> {
      if (!isDue(name, everyMs)) return
      await work()
      isDone(name)
    },
  }
}
