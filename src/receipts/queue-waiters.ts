import { DomainError } from '../domain/errors.ts'
import type { AccountId } from '../domain/ids.ts'
import type { Logger } from '../platform/logger.ts'
import { createTally } from './tally.ts'

export type QueueWaiters = {
  /**
   * Resolves when there may be something in the queue, and after `ms`; with false when there is no
   * use in waiting: the signal is aborted, or this is the end. Refuses when too many wait already.
   */
  wait(whose: Whose, ms: number, signal: AbortSignal): Promise<boolean>
  /** Sends everybody away who waits, and whoever comes later. */
  close(): void
}

type Whose = { readonly accountId: AccountId; readonly queue: string }

/** Each is an open connection; more than that are readers that were started by mistake. */
const waitingMax = 1_000
/** With a hundred queues an account could have all of them, and others none. */
const waitingPerAccountMax = 250
const waitingPerQueueMax = 50
const lookMsMin = 100
const lookMsMax = 500
const lookGrowth = 1.5

/**
 * One look in Postgres for all who wait, ten times a second while messages come and twice when they
 * do not; none while nobody waits. Who waits longest is woken first, as many as there are messages.
 */
export function createQueueWaiters(deps: {
  /** How many messages are to be had in each of the queues, up to `max`. */
  look(queues: readonly string[], max: number): Promise<ReadonlyMap<string, number>>
  log: Logger
}): QueueWaiters {
  const waiting = new Map<string, Set<() => void>>()
  const byAccount = createTally<AccountId>()
  let count = 0
  let everyMs = lookMsMin
  let timer: NodeJS.Timeout | undefined
  let isLooking = false
  let isFailing = false
  let isClosed = false

  async function look(): Promise<void> {
    timer = undefined
    isLooking = true
    try {
      const found = await deps.look([...waiting.keys()], waitingPerQueueMax)
      for (const [queue, messages] of found) {
        for (const each of [...(waiting.get(queue) ?? [])].slice(0, messages)) each()
      }
      const some = [...found.values()].some((messages) => messages > 0)
      everyMs = some ? lookMsMin : Math.min(lookMsMax, everyMs * lookGrowth)
      isFailing = false
    } catch (err) {
      everyMs = lookMsMax
      if (!isFailing) deps.log.warn({ err }, 'waiting queue readers cannot be served')
      isFailing = true
    } finally {
      isLooking = false
      plan()
    }
  }

  function plan(): void {
    if (isLooking || timer !== undefined || isClosed || waiting.size === 0) return
    timer = setTimeout(() => void look(), everyMs)
  }

  function add({ accountId, queue }: Whose, waiter: () => void): void {
    const others = waiting.get(queue) ?? new Set()
    if (count >= waitingMax || others.size >= waitingPerQueueMax) throw tooMany()
    if (byAccount.of(accountId) >= waitingPerAccountMax) throw tooMany()
    waiting.set(queue, others.add(waiter))
    byAccount.add(accountId, 1)
    count += 1
    everyMs = lookMsMin
  }

  function remove({ accountId, queue }: Whose, waiter: () => void): void {
    const others = waiting.get(queue)
    if (others?.delete(waiter) !== true) return
    count -= 1
    byAccount.add(accountId, -1)
    if (others.size === 0) waiting.delete(queue)
    if (waiting.size > 0) return
    clearTimeout(timer)
    timer = undefined
  }

  return {
    async wait(whose, ms, signal) {
      if (isClosed || signal.aborted) return false
      await new Promise<void>((resolve, reject) => {
        const done = () => {
          clearTimeout(limit)
          signal.removeEventListener('abort', done)
          remove(whose, done)
          resolve()
        }
        const limit = setTimeout(done, ms)
        signal.addEventListener('abort', done)
        try {
          add(whose, done)
          plan()
        } catch (err) {
          clearTimeout(limit)
          signal.removeEventListener('abort', done)
          reject(err)
        }
      })
      return !isClosed && !signal.aborted
    },
    close() {
      isClosed = true
      for (const waiters of [...waiting.values()]) for (const each of [...waiters]) each()
    },
  }
}

const tooMany = () =>
  new DomainError(
    'too-many-waiting',
    429,
    `Too many readers wait already; ${waitingPerQueueMax} may wait for one queue, ${waitingPerAccountMax} for all of an account. Read with fewer, or without waiting.`,
    { vendorCode: 'isv.FLOW_LIMIT' },
  )
