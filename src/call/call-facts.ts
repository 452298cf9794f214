import type { CallAttempt, CallPlan } from '../domain/call.ts'
import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/** What is known of a call when its plan is made. */
export function factsOf(attempt: CallAttempt, plan: CallPlan, routerId: string): CallFacts {
  const { number } = plan
  const bound = plan.kind === 'connect' || plan.kind === 'refuse' ? plan.binding : undefined
  const refusal = plan.kind === 'connect' ? undefined : plan.refusal
  return {
    callId: attempt.callId,
    routerId,
    accountId: number?.accountId,
    poolKey: number?.poolKey,
    product: number?.product,
    bindingId: bound?.bindingId,
    x: attempt.dialled,
    extension: attempt.extension,
    city: number?.city,
    caller: attempt.caller,
    callee: plan.kind === 'connect' ? plan.callee : otherSide(plan),
    callerRole: bound?.callerRole,
    intercepted: refusal !== undefined,
    unconnectedCause: refusal?.unconnectedCause ?? 0,
    controlMsg: refusal?.controlMsg ?? 'OK',
    outId: bound?.outId,
    trunkIn: attempt.trunkId,
    trunkOut: undefined,
    callTime: attempt.receivedAt,
    callOutTime: undefined,
    ringTime: undefined,
    startTime: undefined,
    releaseTime: undefined,
    releaseDirection: undefined,
    releaseCause: undefined,
    releaseReason: undefined,
    recording: undefined,
  }
}

/**
 * Reports name A whoever called, so a refused call tells who was behind X for its caller. A who
 * calls where anybody may have called has no fixed other side, and a seal whose key is gone stays.
 */
function otherSide(plan: CallPlan): PhoneNumber | undefined {
  if (plan.kind !== 'refuse' || plan.binding === undefined) return undefined
  const { callerRole, peer } = plan.binding
  if (callerRole === 'A' && plan.number?.product !== 'AXB') return undefined
  try {
    peer?.toString()
    return peer
  } catch {
    return undefined
  }
}

export function eventOf(type: CallEvent['type'], facts: CallFacts, at: Date): CallEvent {
  return { ...facts, id: `${facts.callId}:${type}`, type, at }
}

/** Path below the recordings folder, by UTC day, so that no folder grows without end. */
export function recordingFile(attempt: CallAttempt): string {
  return `${attempt.receivedAt.toISOString().slice(0, 10).replaceAll('-', '/')}/${attempt.callId}.wav`
}
