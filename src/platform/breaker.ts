import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  wrap,
} from 'cockatiel'
import type { Logger } from './logger.ts'

/** Thrown instead of trying: too many are at it, or it has just failed too often. */
export class NotTriedError extends Error {
  constructor(name: string, options: { cause: unknown }) {
    super(`${name} was not tried`, options)
    this.name = 'NotTriedError'
  }
}

export type Guard = <T>(work: () => Promise<T>) => Promise<T>

const failuresMax = 5
const openMs = 1_000

/** A bulkhead (at most so many at once, a few waiting) around a circuit breaker. */
export function createGuard(options: {
  name: string
  concurrentMax: number
  waitingMax: number
  /** Which errors say that the other side is away, as opposed to "that was wrong". */
  isOutage: (err: unknown) => boolean
  log: Logger
}): Guard {
  const { name, log } = options
  const breaker = circuitBreaker(
    handleWhen((err) => options.isOutage(err)),
    { breaker: new ConsecutiveBreaker(failuresMax), halfOpenAfter: openMs },
  )
  breaker.onBreak(() => log.warn({ guarded: name }, 'circuit opened'))
  breaker.onReset(() => log.info({ guarded: name }, 'circuit closed'))
  const policy = wrap(bulkhead(options.concurrentMax, options.waitingMax), breaker)

  return async (work) => {
    try {
      return await policy.execute(work)
    } catch (err) {
      if (err instanceof BrokenCircuitError || err instanceof BulkheadRejectedError) {
        throw new NotTriedError(name, { cause: err })
      }
      throw err
    }
  }
}
