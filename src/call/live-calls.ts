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

  return {
    count: () => calls.size,
    add(callId: CallId, call: LiveCall): void {
      calls.set(callId, call)
    },
    remove(callId: CallId): void {
      calls.delete(callId)
      if (calls.size > 0) return
      for (const resolve of waiting) resolve()
      waiting.clear()
    },
    endAll(cause: HangupCause): void {
      for (const call of [...calls.values()]) call.end(cause)
    },
    /** Resolves when the last call is over. */
    none(): Promise<void> {
      if (calls.size === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.add(resolve))
    },
  }
}
