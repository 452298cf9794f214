import type { HangupReason } from '../domain/hangup.ts'

/** May one more call come in? Asked before anything is looked up. */
export type Admission = {
  /**
   * The reason for refusing, or undefined when the call is admitted. `unrecordable`: nothing of it
   * may be written down either, because the room is kept for the calls that run.
   */
  refusal(): Extract<HangupReason, 'draining' | 'over-limit'> | 'unrecordable' | undefined
  startDraining(): void
  readonly draining: boolean
}

/**
 * A token bucket of one second's calls, and a limit on calls at the same time. Overload is refused
 * at once with 503: a caller who is told quickly redials, one who is not blocks a channel.
 */
export function createAdmission(given: {
  readonly callsMax: number
  readonly callsPerSecondMax: number
  readonly liveCalls: () => number
  /** True when call records could not be kept: then no call may begin. */
  readonly recordsFull: () => boolean
  readonly nowMs: () => number
}): Admission {
  let draining = false
  let tokens = given.callsPerSecondMax
  let filledAt = given.nowMs()

  const takeToken = (): boolean => {
    const now = given.nowMs()
    const gained = ((now - filledAt) / 1000) * given.callsPerSecondMax
    tokens = Math.min(given.callsPerSecondMax, tokens + Math.max(0, gained))
    filledAt = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }

  return {
    refusal() {
      if (given.recordsFull()) return 'unrecordable'
      if (draining) return 'draining'
      if (given.liveCalls() >= given.callsMax) return 'over-limit'
      return takeToken() ? undefined : 'over-limit'
    },
    startDraining() {
      draining = true
    },
    get draining() {
      return draining
    },
  }
}
