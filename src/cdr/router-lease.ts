import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import { type Loop, startLoop } from './loop.ts'
import { answered, leaseKey, openCallsKey, ownConnection, routersKey } from './stream.ts'

export type RouterLease = {
  start(): void
  /** Gives the lease back, so that nobody waits for it to run out. */
  stop(): Promise<void>
}

type LeaseTimes = {
  readonly leaseMs: number
  readonly renewMs: number
}

/** Four renewals may fail; with the closer's patience a router has 25 s to come back. */
const leaseTimes: LeaseTimes = { leaseMs: 15_000, renewMs: 3_000 }

/**
 * Says in Redis that this router lives. Its list of open calls is kept by the journal's publisher;
 * when the lease turns out to have run out or to be gone, Redis may have lost the list too, or
 * another may have closed the calls in it, and it is written anew.
 */
export function createRouterLease(deps: {
  readonly redis: Redis
  readonly routerId: string
  readonly journal: {
    id(): string
    openCalls(): readonly { readonly callId: string; readonly json: string }[]
  }
  readonly clock: Clock
  readonly log: Logger
  readonly times?: LeaseTimes
}): RouterLease {
  const { routerId, journal, clock, log } = deps
  const { leaseMs, renewMs } = deps.times ?? leaseTimes
  let running: { readonly loop: Loop; readonly redis: Redis } | undefined
  let isFirst = true

  async function renew(redis: Redis): Promise<boolean> {
    const id = journal.id()
    const seen = JSON.stringify({ routerId, seenAt: clock.now().toISOString() })
    const replies = await answered(
      redis,
      redis
        .multi()
        .set(leaseKey(id), routerId, 'PX', leaseMs, 'GET')
        .hset(routersKey, id, seen)
        .exec(),
    )
    const [err, before] = replies?.[0] ?? [new Error('the lease was not confirmed'), null]
    if (err !== null) throw err
    if (before === null) await rewriteOpenCalls(redis, id)
    isFirst = false
    return false
  }

  async function rewriteOpenCalls(redis: Redis, id: string): Promise<void> {
    const open = journal.openCalls().flatMap(({ callId, json }) => [callId, json])
    if (!isFirst) log.warn({ calls: open.length / 2 }, 'router lease had run out: taken again')
    if (open.length > 0) await answered(redis, redis.hset(openCallsKey(id), ...open))
  }

  return {
    start() {
      const redis = ownConnection(deps.redis, 'router-lease')
      const loop = startLoop({
        step: () => renew(redis),
        ...{ idleMs: renewMs, retryMsMin: 100, retryMsMax: 1_000 },
        onFailure(err, first) {
          if (first) log.warn({ err }, 'router lease cannot be renewed')
        },
        onRecovery: () => log.info('router lease is renewed again'),
      })
      running = { loop, redis }
    },
    async stop() {
      if (running === undefined) return
      const { loop, redis } = running
      running = undefined
      await loop.stop()
      await answered(redis, redis.del(leaseKey(journal.id()))).catch((err: unknown) => {
        log.debug({ err }, 'router lease was not given back: it runs out by itself')
      })
      redis.disconnect()
    },
  }
}
