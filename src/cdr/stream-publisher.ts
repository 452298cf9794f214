import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Frame } from './frames.ts'
import { startLoop } from './loop.ts'
import { splitEventId } from './open-calls.ts'
import { pause } from './pause.ts'
import type { Position, Progress, Reading } from './segments.ts'
import {
  answered,
  ensureGroup,
  eventStream,
  fieldsOf,
  isEarlier,
  openCallsKey,
  recordGroup,
} from './stream.ts'

export type StreamPublisher = {
  /** There may be more to read. */
  wake(): void
  /** Publishes what is left as far as it can within `msMax`, then stops. */
  stop(msMax: number): Promise<void>
  /** When the event that is next to go happened; undefined when the stream has them all. */
  oldestAt(): Date | undefined
}

/** Longer pipelines are no faster, and are repeated whole when they fail. */
const batchMax = 500
/** Only a net under `wake`. */
const idleMs = 1_000

/**
 * Takes the journal's events to the stream: in order, one batch at a time, at least once. With
 * each batch goes what it changes in the router's list of open calls.
 */
export function createStreamPublisher(deps: {
  /** Its own connection, because it is dropped when Redis does not answer. */
  readonly redis: Redis
  readonly journalId: string
  readonly from: Progress
  readonly log: Logger
  read(from: Position, framesMax: number): Promise<Reading>
  /** Where to go back to when Redis turns out to have lost what it had confirmed. */
  oldestKept(): Progress
  onProgress(progress: Progress): Promise<void>
  onPublished(count: number): void
  onFailure(): void
}): StreamPublisher {
  const { redis, log } = deps
  let progress = deps.from
  let oldestAt: Date | undefined
  let ahead: { readonly from: Position; readonly reading: Promise<Reading> } | undefined
  // Asked again after every break: Redis may have come back with less.
  let isTrusted = false
  const distrust = () => {
    isTrusted = false
  }
  redis.on('close', distrust)

  /** In a backlog the next batch is read while Redis takes one. */
  function readAhead(from: Position): void {
    const reading = deps.read(from, batchMax)
    reading.catch(() => undefined) // Who asks for it hears of it; nobody may.
    ahead = { from, reading }
  }

  async function read(from: Position): Promise<Reading> {
    const before = ahead
    ahead = undefined
    if (before !== undefined && !isElsewhere(before.from, from)) {
      const reading = await before.reading
      // Nothing then is not nothing now.
      if (reading.frames.length > 0) return reading
    }
    return deps.read(from, batchMax)
  }

  async function askWhatRedisHas(): Promise<void> {
    isTrusted = true
    if (!(await hasLostEvents(redis, progress.streamId))) return
    progress = deps.oldestKept()
    log.warn({ from: progress }, 'redis lost call events: publishing again what is kept')
  }

  async function step(): Promise<boolean> {
    if (!isTrusted) await askWhatRedisHas()
    const { frames, next, damagedBytes } = await read(progress)
    if (damagedBytes > 0) tellOfDamage(log, progress, damagedBytes)
    const events = frames.filter((frame) => frame.kind === 'event')
    // The connection broke while we read: the ids of new entries would hide that older ones are gone.
    if (!isTrusted) return true
    oldestAt = timeOf(events[0])
    const sending = events.length > 0 ? publish(redis, deps.journalId, events) : undefined
    if (frames.length === batchMax) readAhead(next)
    const sentId = await sending
    oldestAt = undefined
    const moved = isElsewhere(next, progress)
    progress = { ...next, streamId: sentId ?? progress.streamId }
    deps.onPublished(events.length)
    if (moved) await deps.onProgress(progress)
    return moved
  }

  const loop = startLoop({
    step,
    ...{ idleMs, retryMsMin: 50, retryMsMax: 2_000 },
    onFailure(err, first) {
      if (first) log.warn({ err }, 'call events stay in the journal: redis does not take them')
      deps.onFailure()
      distrust()
    },
    onRecovery: () => log.info('call events go to redis again'),
  })

  return {
    wake: () => loop.wake(),
    async stop(msMax) {
      const untilMs = Date.now() + msMax
      loop.wake()
      while (Date.now() < untilMs && !loop.isFailing()) {
        if (!isElsewhere((await deps.read(progress, 1)).next, progress)) break
        await pause(10)
      }
      await loop.stop()
      redis.off('close', distrust)
    },
    oldestAt: () => oldestAt,
  }
}

function tellOfDamage(log: Logger, at: Position, damagedBytes: number): void {
  log.error({ ...at, damagedBytes }, 'call journal is damaged: stepped over')
}

const isElsewhere = (a: Position, b: Position) => a.segment !== b.segment || a.offset !== b.offset

async function hasLostEvents(redis: Redis, confirmedId: string | undefined): Promise<boolean> {
  await ensureGroup(redis, recordGroup)
  if (confirmedId === undefined) return false
  // Not the last entry: that may have been trimmed.
  const info = await answered(redis, redis.xinfo('STREAM', eventStream))
  const lastId = fieldsOf(info as readonly unknown[]).get('last-generated-id')
  return isEarlier(String(lastId), confirmedId)
}

/** The stream's id of the last event. Fails unless every one was confirmed. */
async function publish(redis: Redis, journal: string, events: readonly Frame[]): Promise<string> {
  const { changed, closed } = openCallChanges(events)
  const pipeline = redis.pipeline()
  for (const { id, json } of events) pipeline.xadd(eventStream, '*', 'id', id, 'event', json)
  if (changed.length > 0) pipeline.hset(openCallsKey(journal), ...changed)
  if (closed.length > 0) pipeline.hdel(openCallsKey(journal), ...closed)
  const replies = (await answered(redis, pipeline.exec())) ?? []
  for (const [err] of replies) if (err !== null) throw err
  const last = replies[events.length - 1]?.[1]
  if (typeof last !== 'string') throw new Error('redis did not confirm every event')
  return last
}

/** A call that begins and ends within one batch never shows in the list. */
function openCallChanges(events: readonly Frame[]): { changed: string[]; closed: string[] } {
  const changed = new Map<string, string>()
  const closed: string[] = []
  for (const { id, json } of events) {
    const { callId, type } = splitEventId(id)
    if (type === 'end') {
      changed.delete(callId)
      closed.push(callId)
    } else {
      changed.set(callId, json)
    }
  }
  return { changed: [...changed].flat(), closed }
}

const atPattern = /"at":"([^"]+)"/

function timeOf(frame: Frame | undefined): Date | undefined {
  const text = frame === undefined ? undefined : atPattern.exec(frame.json)?.[1]
  return text === undefined ? undefined : new Date(text)
}
