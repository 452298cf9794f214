import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import { type Loop, startLoop } from './loop.ts'
import { endOfLostCall, parseStoredEvent, startOfLostCall } from './stored-event.ts'
import {
  answered,
  eventStream,
  leaseKey,
  openCallsKey,
  ownConnection,
  routersKey,
} from './stream.ts'

export type OrphanCloser = {
  start(): void
  stop(): Promise<void>
}

type OrphanTimes = {
  readonly checkMs: number
  /** For how long a lease must have been missing, without a break in our own connection. */
  readonly patienceMs: number
}

/** When Redis comes back after a while all leases have run out, and every router needs a moment to renew its own. */
const orphanTimes: OrphanTimes = { checkMs: 2_000, patienceMs: 10_000 }

/** One router's list can be long: this many calls per round trip. */
const batchMax = 200

// Only while there is no lease, and each call once, however many workers try.
const closeScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local closed = 0
for i = 1, #ARGV, 5 do
  if redis.call('HDEL', KEYS[2], ARGV[i]) == 1 then
    redis.call('XADD', KEYS[3], '*', 'id', ARGV[i + 1], 'event', ARGV[i + 2])
    redis.call('XADD', KEYS[3], '*', 'id', ARGV[i + 3], 'event', ARGV[i + 4])
    closed = closed + 1
  end
end
return closed`

/** Ends the calls of routers that are gone. Runs in every worker. */
export function createOrphanCloser(deps: {
  readonly redis: Redis
  readonly clock: Clock
  readonly log: Logger
  readonly times?: OrphanTimes
  readonly onClosed?: (calls: number) => void
}): OrphanCloser {
  const { log } = deps
  const { checkMs, patienceMs } = deps.times ?? orphanTimes
  let running: { readonly loop: Loop; readonly redis: Redis } | undefined
  /** Since when each lease has been missing, in our own monotonic time. */
  const missingSinceMs = new Map<string, number>()

  async function check(redis: Redis): Promise<boolean> {
    const routers = await answered(redis, redis.hgetall(routersKey))
    for (const [journalId, seen] of Object.entries(routers)) {
      const hasLease = (await answered(redis, redis.exists(leaseKey(journalId)))) === 1
      if (hasLease) missingSinceMs.delete(journalId)
      else if (isPatienceOver(journalId)) await clearAway(redis, journalId, seen)
    }
    return false
  }

  function isPatienceOver(journalId: string): boolean {
    const nowMs = performance.now()
    const sinceMs = missingSinceMs.get(journalId) ?? nowMs
    missingSinceMs.set(journalId, sinceMs)
    return nowMs - sinceMs >= patienceMs
  }

  async function clearAway(redis: Redis, journalId: string, seen: string): Promise<void> {
    const { routerId, seenAt } = parseSeen(seen)
    const calls = await answered(redis, redis.hgetall(openCallsKey(journalId)))
    const ends = Object.entries(calls).flatMap(([callId, json]) => {
      const parsed = parseStoredEvent(json)
      if (parsed.kind === 'poison') {
        log.error({ callId, reason: parsed.reason }, 'lost call cannot be closed')
        return []
      }
      // The start too: the list can know a call whose start has stayed on the lost router's disk.
      const start = startOfLostCall(parsed.event)
      const end = endOfLostCall(parsed.event, seenAt ?? new Date(parsed.event.at))
      return [[callId, start.id, JSON.stringify(start), end.id, JSON.stringify(end)]]
    })
    let closed = 0
    for (let at = 0; at < ends.length; at += batchMax) {
      const count = await close(redis, journalId, ends.slice(at, at + batchMax).flat())
      if (count < 0) return
      closed += count
    }
    // With its list, in which only what could not be read is left.
    await answered(
      redis,
      redis.multi().del(openCallsKey(journalId)).hdel(routersKey, journalId).exec(),
    )
    missingSinceMs.delete(journalId)
    deps.onClosed?.(closed)
    log.warn({ routerId, closed, seenAt }, 'router is gone: its calls were closed')
  }

  async function close(redis: Redis, journalId: string, args: string[]): Promise<number> {
    const keys = [leaseKey(journalId), openCallsKey(journalId), eventStream]
    return Number(await answered(redis, redis.eval(closeScript, keys.length, ...keys, ...args)))
  }

  return {
    start() {
      const redis = ownConnection(deps.redis, 'orphan-closer')
      // Nothing is known of the time in which we saw nothing.
      redis.on('close', () => missingSinceMs.clear())
      const loop = startLoop({
        step: () => check(redis),
        ...{ idleMs: checkMs, retryMsMin: 200, retryMsMax: 2_000 },
        onFailure(err, first) {
          missingSinceMs.clear()
          if (first) log.warn({ err }, 'routers cannot be watched')
        },
        onRecovery: () => log.info('routers are watched again'),
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

const seenPattern = /^\{"routerId":"(.*)","seenAt":"(.*)"\}$/

function parseSeen(text: string): { routerId: string; seenAt: Date | undefined } {
  const [, routerId = 'unknown', seenAt = ''] = seenPattern.exec(text) ?? []
  const moment = new Date(seenAt)
  return { routerId, seenAt: Number.isNaN(moment.getTime()) ? undefined : moment }
}
