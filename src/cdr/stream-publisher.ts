import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import { startLoop } from './loop.ts'
import { pause } from './pause.ts'
import type { Position, Progress, Reading, ReadMax } from './segments.ts'
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

/** Redis does nothing else for three or four milliseconds meanwhile; more is no faster. */
export const batchMax: ReadMax = { frames: 1_000, bytes: 524_288 }
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
  read(from: Position): Promise<Reading>
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
    const reading = deps.read(from)
    reading.catch(() => undefined) // Who asks for it hears of it; nobody may.
    ahead = { from, reading }
  }

  async function read(from: Position): Promise<Reading> {
    const before = ahead
    ahead = undefined
    if (before !== undefined && !isElsewhere(before.from, from)) {
      const reading = await before.reading
      // Nothing then is not nothing now.
      if (reading.count > 0) return reading
    }
    return deps.read(from)
  }

  async function askWhatRedisHas(): Promise<void> {
    isTrusted = true
    if (!(await hasLostEvents(redis, progress.streamId))) return
    progress = deps.oldestKept()
    log.warn({ from: progress }, 'redis lost call events: publishing again what is kept')
  }

  async function step(): Promise<boolean> {
    if (!isTrusted) await askWhatRedisHas()
    const { events, count, next, damagedBytes } = await read(progress)
    if (damagedBytes > 0) tellOfDamage(log, progress, damagedBytes)
    // The connection broke while we read: the ids of new entries would hide that older ones are gone.
    if (!isTrusted) return true
    oldestAt = timeOfFirst(events)
    const sending = count > 0 ? publish(redis, deps.journalId, events) : undefined
    if (count > 0) readAhead(next)
    const sentId = await sending
    oldestAt = undefined
    const moved = isElsewhere(next, progress)
    progress = { ...next, streamId: sentId ?? progress.streamId }
    deps.onPublished(count)
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
        if (!isElsewhere((await deps.read(progress)).next, progress)) break
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
 * ARGV[1]: frames of events, back to back as in the journal (frames.ts); each goes to the stream,
 * and changes the list of open calls. As one script with one argument a batch costs us next to
 * nothing, its JSON goes over once, and Redis takes all of it or nothing. A call that ended is
 * taken from the list also when it began in the same batch: an attempt that failed may have left it.
 */
const publishScript = `
  local sub, find, match, call = string.sub, string.find, string.match, redis.call
  local frames, stream = ARGV[1], KEYS[1]
  local open, ended = {}, {}
  local at, last = 1, nil
  while at < #frames do
    local bodyEnd = at + 17 + tonumber(sub(frames, at, at + 7), 16)
    local idEnd = find(frames, ' ', at + 20, true) - 1
    local id = sub(frames, at + 20, idEnd)
    local json = sub(frames, idEnd + 2, bodyEnd)
    last = call('XADD', stream, '*', 'id', id, 'event', json)
    local callId, type = match(id, '^(.*):(.*)$')
    if type == 'end' then
      open[callId] = nil
      ended[#ended + 1] = callId
    elseif callId then
      open[callId] = json
    end
    at = bodyEnd + 2
  end
  local pairsToSet = {}
  for callId, json in pairs(open) do
    pairsToSet[#pairsToSet + 1] = callId
    pairsToSet[#pairsToSet + 1] = json
  end
  if #pairsToSet > 0 then call('HSET', KEYS[2], unpack(pairsToSet)) end
  if #ended > 0 then call('HDEL', KEYS[2], unpack(ended)) end
  return last`

/** The stream's id of the last event. */
async function publish(redis: Redis, journal: string, events: Buffer): Promise<string> {
  const keys = [eventStream, openCallsKey(journal)]
  const last = await answered(redis, redis.eval(publishScript, keys.length, ...keys, events))
  if (typeof last !== 'string') throw new Error('redis did not confirm every event')
  return last
}

/** Where an event says when it happened: behind its frame's head, version, id and type. */
const headMax = 512
const atPattern = /"at":"([^"]+)"/

function timeOfFirst(events: Buffer): Date | undefined {
  const text = atPattern.exec(events.toString('latin1', 0, headMax))?.[1]
  return text === undefined ? undefined : new Date(text)
}
