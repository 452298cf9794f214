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

/** Redis does nothing else for two or three milliseconds meanwhile; more is no faster. */
const batchMax = 1_000
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

/**
 * Events: [id, JSON] each. Then, for the list of open calls, [call id, place of its JSON among the
 * arguments] each, and the ids of calls that ended. As one script a batch costs a fifth of what a
 * pipeline does, the JSON goes over once, and Redis takes all of it or nothing.
 */
const publishScript = `
  local last
  local changes = 2 * tonumber(ARGV[1]) + 2
  for at = 2, changes - 1, 2 do
    last = redis.call('XADD', KEYS[1], '*', 'id', ARGV[at], 'event', ARGV[at + 1])
  end
  local closed = changes + 2 * tonumber(ARGV[changes]) + 1
  for at = changes + 1, closed - 1, 2 do
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[tonumber(ARGV[at + 1])])
  end
  if closed <= #ARGV then
    redis.call('HDEL', KEYS[2], unpack(ARGV, closed))
  end
  return last`

/** The stream's id of the last event. */
async function publish(redis: Redis, journal: string, events: readonly Frame[]): Promise<string> {
  const args: (string | number)[] = [events.length]
  for (const { id, json } of events) args.push(id, json)
  const { changed, closed } = openCallChanges(events)
  args.push(changed.size)
  for (const [callId, at] of changed) args.push(callId, 2 * at + 3)
  for (const callId of closed) args.push(callId)
  const keys = [eventStream, openCallsKey(journal)]
  const last = await answered(redis, redis.eval(publishScript, keys.length, ...keys, ...args))
  if (typeof last !== 'string') throw new Error('redis did not confirm every event')
  return last
}

/**
 * Calls with the place of their last event in the batch, and those that ended: also when they
 * began in the same batch, because an attempt that failed may have left them in the list.
 */
function openCallChanges(events: readonly Frame[]): {
  changed: ReadonlyMap<string, number>
  closed: readonly string[]
} {
  const changed = new Map<string, number>()
  const closed: string[] = []
  for (const [at, { id }] of events.entries()) {
    const { callId, type } = splitEventId(id)
    if (type === 'end') {
      changed.delete(callId)
      closed.push(callId)
    } else {
      changed.set(callId, at)
    }
  }
  return { changed, closed }
}

const atPattern = /"at":"([^"]+)"/

function timeOf(frame: Frame | undefined): Date | undefined {
  const text = frame === undefined ? undefined : atPattern.exec(frame.json)?.[1]
  return text === undefined ? undefined : new Date(text)
}
