import type {
  BoundRoute,
  CallAttempt,
  CallPlan,
  NumberRoute,
  Refusal,
  RouteRecord,
  UnconnectedCause,
} from '../domain/call.ts'
import { causeOf, type HangupReason } from '../domain/hangup.ts'
import type { TrunkId } from '../domain/ids.ts'

export type PlanInput = {
  readonly attempt: CallAttempt
  readonly record: RouteRecord
  /** Enabled outgoing trunks, best first. */
  readonly trunks: readonly TrunkId[]
  /** What a caller who matches no binding hears: 403, or 404 as if X did not exist. */
  readonly unmatchedSipStatus: 403 | 404
}

type Verdict = readonly [refusal: Refusal | undefined, reason: string]

/**
 * Decide what to do with one call. Pure: the same input gives the same plan, so a call record can
 * be explained months later. The rules are asked in the order of product-semantics 1.5: number,
 * binding, expiry, restriction, trunk.
 */
export function planCall(input: PlanInput): CallPlan {
  const { attempt, record, trunks, unmatchedSipStatus } = input
  const { number, binding } = record
  const reasons: string[] = []
  const refused = (refusal: Refusal): CallPlan => ({ kind: 'refuse', number, refusal, reasons })

  if (number === undefined) {
    reasons.push('the dialled number is not one of ours')
    return refused(refusalOf('number-unknown', 404, 4, 'NO_NOT_EXIST'))
  }
  for (const rule of numberRules(number)) {
    reasons.push(rule[1])
    if (rule[0] !== undefined) return refused(rule[0])
  }
  if (binding === undefined) {
    const who = attempt.caller === undefined ? 'a caller without a number' : 'this caller'
    reasons.push(`${who} takes part in no binding on it`)
    return refused(refusalOf('no-binding', unmatchedSipStatus, 2, 'NO_SUBS_EXIST'))
  }
  for (const rule of bindingRules(binding, attempt, unmatchedSipStatus)) {
    reasons.push(rule[1])
    if (rule[0] !== undefined) return refused(rule[0])
  }
  if (trunks.length === 0) {
    reasons.push('no trunk takes outgoing calls')
    return refused(refusalOf('no-trunk', 503, 4, 'NO_TRUNK'))
  }
  reasons.push(`ring the other party over ${trunks.join(', then ')}`)
  return { kind: 'connect', number, binding, trunks, reasons }
}

function numberRules(number: NumberRoute): readonly Verdict[] {
  // A locked X takes no new binding; calls on its live ones go on (product-semantics 1.4).
  if (number.state !== 'frozen') return [[undefined, `the number is ${number.state}`]]
  return [[refusalOf('number-frozen', 480, 4, 'NO_FROZEN'), 'the number is frozen']]
}

function bindingRules(
  binding: BoundRoute,
  attempt: CallAttempt,
  unmatchedSipStatus: 403 | 404,
): readonly Verdict[] {
  const role = binding.callerRole
  const expired = binding.expiresAt.getTime() <= attempt.receivedAt.getTime()
  const barred = binding.restriction === (role === 'A' ? 'AX' : 'BX')
  return [
    [undefined, `the caller is ${role} of binding ${binding.bindingId}`],
    expired
      ? [
          refusalOf('binding-expired', unmatchedSipStatus, 2, 'NO_SUBS_EXIST'),
          'the binding has expired',
        ]
      : [undefined, 'the binding is live'],
    barred
      ? [refusalOf('restricted', 403, 3, 'CONTROL_DISABLE'), `${role} may not call this number`]
      : [undefined, `${role} may call this number`],
  ]
}

export function refusalOf(
  reason: HangupReason,
  sipStatus: number = causeOf(reason).sipStatus,
  unconnectedCause: UnconnectedCause = 4,
  controlMsg: string = reason.toUpperCase().replaceAll('-', '_'),
): Refusal {
  return { reason, sipStatus, unconnectedCause, controlMsg }
}
