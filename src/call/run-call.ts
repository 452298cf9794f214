import type { CallAttempt, CallPlan } from '../domain/call.ts'
import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import { causeOf, type HangupCause, type HangupReason } from '../domain/hangup.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { eventOf, factsOf } from './call-facts.ts'
import { createConnectedCall } from './connected-call.ts'
import type { LiveCalls } from './live-calls.ts'
import type { CallerLeg, CallLimits, OpenMedia, PlaceCallee } from './ports.ts'

export type CallRunnerDeps = {
  readonly routerId: string
  /** Look the call up and decide: resolve and route in one, joined by `app/`. */
  readonly plan: (attempt: CallAttempt, refusal: HangupReason | undefined) => Promise<CallPlan>
  readonly openMedia: OpenMedia
  readonly append: (event: CallEvent) => void
  readonly liveCalls: LiveCalls
  readonly limits: CallLimits
  readonly clock: Clock
  readonly log: Logger
  readonly onRinging: (postDialMs: number) => void
  readonly onOver: (facts: CallFacts) => void
}

export type RunCall = (
  attempt: CallAttempt,
  caller: CallerLeg,
  /** Over the SIP server that the caller came in on. */
  placeCallee: PlaceCallee,
  refusal: HangupReason | undefined,
) => Promise<void>

/**
 * Run one call from its INVITE to its end record. Resolves when the plan is under way; the call
 * itself goes on by events.
 */
export function createRunCall(deps: CallRunnerDeps): RunCall {
  const run: RunCall = async (attempt, caller, placeCallee, refusal) => {
    const log = deps.log.child({ callId: attempt.callId })
    let gone: HangupCause | undefined
    // Until the plan is there nobody else listens: a caller who gives up meanwhile is kept in mind.
    caller.listen({
      onEnded: ({ cause }) => {
        gone = cause
      },
      onReoffer: async () => undefined,
      onAnswer: () => undefined,
      onDigit: () => undefined,
    })
    const plan = openable(await deps.plan(attempt, refusal))
    const facts = factsOf(attempt, plan, deps.routerId)
    log.info(
      // What was dialled is shown when it is ours: otherwise it may be anybody's number.
      { x: plan.number?.x, caller: attempt.caller, plan: plan.kind, reasons: plan.reasons },
      'call planned',
    )
    deps.append(eventOf('start', facts, attempt.receivedAt))

    // Nobody can be asked yet, neither the caller for digits nor the customer for instructions.
    if (plan.kind !== 'connect') {
      const { reason, sipStatus } = plan.refusal
      caller.hangUp({ ...causeOf(reason), sipStatus })
      record(deps, log, facts, gone ?? causeOf(reason), gone !== undefined)
      return
    }
    const call = createConnectedCall({ deps, log, attempt, plan, facts, caller, placeCallee })
    if (gone === undefined) call.begin()
    else call.callerGone(gone)
  }
  return async (...given) => {
    const lookedUp = deps.liveCalls.arrive()
    try {
      await run(...given)
    } finally {
      lookedUp()
    }
  }
}

/** A callee whose seal cannot be opened (its key is gone) refuses the call, while that can still be recorded. */
function openable(plan: CallPlan): CallPlan {
  if (plan.kind !== 'connect') return plan
  try {
    plan.callee.toString()
    return plan
  } catch {
    const { number, binding, reasons } = plan
    const refusal = {
      reason: 'internal-error',
      sipStatus: 503,
      unconnectedCause: 4,
      controlMsg: 'INTERNAL_ERROR',
    } as const
    const why = 'the number of the other party cannot be unsealed'
    return { kind: 'refuse', number, binding, refusal, reasons: [...reasons, why] }
  }
}

function record(
  deps: CallRunnerDeps,
  log: Logger,
  before: CallFacts,
  cause: HangupCause,
  byCaller: boolean,
): void {
  const at = deps.clock.now()
  const facts: CallFacts = {
    ...before,
    releaseTime: at,
    releaseDirection: byCaller ? 1 : 0,
    releaseCause: cause.q850,
    releaseReason: cause.reason,
  }
  deps.append(eventOf('end', facts, at))
  deps.onOver(facts)
  log.info({ reason: cause.reason }, 'call refused')
}
