import type { HangupCause } from '../domain/hangup.ts'
import type { CallId } from '../domain/ids.ts'

export type LiveCall = {
  /** Ends both legs. */
  readonly end: (cause: HangupCause) => void
}

export type LiveCalls = ReturnType<typeof createLiveCalls>

/** The calls that this router is carrying. Bounded by admission (`callsMax`). */
export function createLiveCalls() {
  const calls = new Map<CallId, LiveCall>()
  const waiting = new Set<() => void>()
  let arriving = 0
  let ending: HangupCause | undefined
  const count = () => calls.size + arriving

  const told = () => {
    if (count() > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  return {
    /** Those that are being looked up as well: they have begun, and their records are still to be written. */
    count,
    /** One call more that cannot be ended yet; gives the way to say that it has been looked up. */
    arrive(): () => void {
      arriving += 1
      return () => {
        arriving -= 1
        told()
      }
    },
    add(callId: CallId, call: LiveCall): void {
      calls.set(callId, call)
      // It was still being looked up when all were ended.
      if (ending !== undefined) call.end(ending)
    },
    remove(callId: CallId): void {
      calls.delete(callId)
      told()
    },
    /** Those that are up, and from then on each one that comes out of its lookup. */
    endAll(cause: HangupCause): void {
      ending = cause
      for (const call of [...calls.values()]) call.end(cause)
    },
    /** Resolves when the last call is over. */
    none(): Promise<void> {
      if (count() === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.add(resolve))
    },
  }
}
