import type { TrunkId } from '../domain/ids.ts'
import type { Trunk } from '../domain/trunk.ts'

/** OPTIONS in a row without an answer: one can be lost on the way. */
const silencesMax = 3
/** Answers in a row until a trunk that was silent is believed again. */
const answersNeeded = 2
/** Calls in a row that the trunk itself has failed. One can be the fault of the number that was called. */
const failuresMax = 5
/** Failures of calls say nothing any more after so long. */
const failuresMs = 600_000

export type TrunkState = {
  readonly health: 'well' | 'ill' | 'unknown'
  /** Why, in one sentence. */
  readonly detail: string
}

/** What this router has seen of its outgoing trunks, by OPTIONS and by the calls that it sends over them. */
export type TrunkHealth = {
  /** An OPTIONS was answered, by whatever, or not. */
  onPing(trunk: Trunk, answered: boolean): void
  /** A call was answered in a way that shows that the trunk works, or failed in a way that shows that it does not. */
  onCall(trunk: Trunk, works: boolean): void
  stateOf(trunk: Trunk): TrunkState
  /**
   * Whether other trunks are to be tried first: it does not answer, though it did before. One that has
   * never answered may be of a carrier that does not answer OPTIONS at all.
   */
  isLast(trunk: Trunk): boolean
}

type Seen = {
  /** Where the trunk was when this was seen: at another place it is another one. */
  readonly place: string
  silences: number
  answers: number
  /** By OPTIONS alone. */
  silent: boolean
  hasAnswered: boolean
  failures: number
  failedMs: number
  readonly bornMs: number
}

export function createTrunkHealth({ nowMs }: { nowMs: () => number }): TrunkHealth {
  const trunks = new Map<TrunkId, Seen>()

  function seenOf(trunk: Trunk): Seen {
    const place = `${trunk.host} ${trunk.port} ${trunk.transport}`
    const known = trunks.get(trunk.id)
    if (known?.place === place) return known
    const seen: Seen = {
      ...{ place, silences: 0, answers: 0, silent: false, hasAnswered: false },
      ...{ failures: 0, failedMs: 0, bornMs: nowMs() },
    }
    trunks.set(trunk.id, seen)
    return seen
  }

  const isFailing = (seen: Seen) =>
    seen.failures >= failuresMax && nowMs() - seen.failedMs < failuresMs

  return {
    onPing(trunk, answered) {
      const seen = seenOf(trunk)
      seen.silences = answered ? 0 : seen.silences + 1
      seen.answers = answered ? seen.answers + 1 : 0
      seen.hasAnswered ||= answered
      if (seen.silences >= silencesMax) seen.silent = true
      if (seen.answers >= answersNeeded) seen.silent = false
    },
    onCall(trunk, works) {
      const seen = seenOf(trunk)
      seen.failures = works ? 0 : seen.failures + 1
      if (!works) {
        seen.failedMs = nowMs()
        return
      }
      // Who carries calls is there, whether it answers OPTIONS or not.
      seen.silences = 0
      seen.silent = false
      seen.answers = Math.max(seen.answers, 1)
    },
    stateOf(trunk) {
      const seen = seenOf(trunk)
      const isAsked = trunk.optionsSeconds > 0
      const where = `${trunk.host}:${trunk.port}`
      if (isFailing(seen)) {
        return { health: 'ill', detail: `${failuresMax} calls in a row failed at ${where}.` }
      }
      if (isAsked && seen.silent) {
        return { health: 'ill', detail: `${where} does not answer OPTIONS.` }
      }
      const isProven = seen.answers > 0 || (!isAsked && nowMs() - seen.bornMs >= failuresMs)
      return { health: isProven ? 'well' : 'unknown', detail: `${where} is there.` }
    },
    isLast(trunk) {
      const seen = seenOf(trunk)
      return trunk.optionsSeconds > 0 && seen.hasAnswered && seen.silent
    },
  }
}
