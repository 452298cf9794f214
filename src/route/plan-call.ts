import type {
  BoundRoute,
  CallAttempt,
  CallerStanding,
  CallPlan,
  NumberRoute,
  Refusal,
  RouteRecord,
  UnconnectedCause,
} from '../domain/call.ts'
import { causeOf, type HangupReason } from '../domain/hangup.ts'
import type { TrunkId } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

export type PlanInput = {
  readonly attempt: CallAttempt
  readonly record: RouteRecord
  /** Enabled outgoing trunks, best first. */
  readonly trunks: readonly TrunkId[]
  /** What a caller who matches no binding hears: 403, or 404 as if X did not exist. */
  readonly unmatchedSipStatus: 403 | 404
}

/** A plan without its reasons, or undefined when the rule has nothing against the call. */
type Verdict = CallPlan extends infer Plan
  ? Plan extends { reasons: unknown }
    ? Omit<Plan, 'reasons'>
    : never
  : never

type Rule = (say: (reason: string) => void) => Verdict | undefined

/**
 * Decide what to do with one call. Pure: the same input gives the same plan, so a call record can
 * be explained months later. The rules are asked in the order of product-semantics 1.5: number,
 * pool blacklist, binding, point-to-point blacklist, restriction, group, whom to ring, trunk.
 */
export function planCall(input: PlanInput): CallPlan {
  const { number, binding } = input.record
  const reasons: string[] = []
  const say = (reason: string) => void reasons.push(reason)
  if (number === undefined) {
    say('the dialled number is not one of ours')
    return {
      ...refuse(undefined, undefined, refusalOf('number-unknown', 404, 4, 'NO_NOT_EXIST')),
      reasons,
    }
  }
  const early = firstVerdict(numberRules(input, number), say)
  if (early !== undefined) return { ...early, reasons }
  if (binding === undefined) return { ...unmatched(input, number, say), reasons }
  const late = firstVerdict(bindingRules(input, number, binding), say)
  return { ...(late ?? ring(input, number, binding, say)), reasons }
}

function firstVerdict(rules: readonly Rule[], say: (reason: string) => void): Verdict | undefined {
  for (const rule of rules) {
    const verdict = rule(say)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

function numberRules({ record }: PlanInput, number: NumberRoute): readonly Rule[] {
  const refused = (refusal: Refusal) => refuse(number, undefined, refusal)
  return [
    (say) => {
      // A locked X takes no new binding; calls on its live ones go on (product-semantics 1.4).
      say(`the number is ${number.state}`)
      if (number.state === 'frozen') return refused(refusalOf('number-frozen', 480, 4, 'NO_FROZEN'))
      if (number.state === 'faulty') return refused(refusalOf('number-faulty', 480, 4, 'NO_FAULTY'))
      return undefined
    },
    (say) => {
      const { isKnown, blockedByPool } = record.standing
      say(aboutBlacklist(number, { isKnown, blockedByPool }))
      return blockedByPool ? refused(refusalOf('blacklisted', 403, 1, 'BLACKLIST')) : undefined
    },
    (say) => {
      if (number.product !== 'X_MODE') return undefined
      say('X mode: the customer says what to do with the call')
      const refusal = refusalOf('no-instructions', 480, 4, 'NO_INSTRUCTIONS')
      const url = number.settings.controlUrl
      return url === undefined ? refused(refusal) : { kind: 'ask-customer', number, url, refusal }
    },
  ]
}

function aboutBlacklist(
  { settings }: NumberRoute,
  { isKnown, blockedByPool }: Pick<CallerStanding, 'isKnown' | 'blockedByPool'>,
): string {
  if (!settings.screened) return 'its pool has no blacklist'
  if (!isKnown) return 'the blacklist of the pool cannot be asked now: the call goes on without it'
  return blockedByPool
    ? 'the caller is on the blacklist of the pool'
    : 'the caller is not on the blacklist of the pool'
}

/** X is ours, and this caller meets nothing there. */
function unmatched(
  { attempt, unmatchedSipStatus }: PlanInput,
  number: NumberRoute,
  say: (reason: string) => void,
): Verdict {
  if (number.product === 'AXN_EXTENSION') {
    if (attempt.extension === undefined) {
      say('no extension was dialled: ask for it')
      const refusal = refusalOf('extension-missing', 484, 2, 'NO_EXTENSION')
      return { kind: 'ask-digits', number, refusal }
    }
    say(`nobody has the extension ${attempt.extension} on it`)
    return refuse(number, undefined, refusalOf('extension-unknown', 404, 2, 'NO_SUBS_EXIST'))
  }
  const who = attempt.caller === undefined ? 'a caller without a number' : 'this caller'
  say(number.product === 'AXB' ? `${who} takes part in no binding on it` : 'nobody is bound on it')
  return refuse(number, undefined, refusalOf('no-binding', unmatchedSipStatus, 2, 'NO_SUBS_EXIST'))
}

function bindingRules(
  { attempt, record, unmatchedSipStatus }: PlanInput,
  number: NumberRoute,
  binding: BoundRoute,
): readonly Rule[] {
  const { callerRole: role, bindingId } = binding
  const refused = (refusal: Refusal) => refuse(number, binding, refusal)
  return [
    (say) => {
      say(`the caller is ${role} of binding ${bindingId}`)
      if (binding.expiresAt.getTime() > attempt.receivedAt.getTime()) {
        say('the binding is live')
        return undefined
      }
      say('the binding has expired')
      return refused(refusalOf('binding-expired', unmatchedSipStatus, 2, 'NO_SUBS_EXIST'))
    },
    (say) => {
      const { to } = destinationOf(record, number, binding)
      if (!number.settings.screened || to === 'nobody') return undefined
      const { blockedFromPeer, blockedFromLastCaller } = record.standing
      const isBarred = to === 'last-caller' ? blockedFromLastCaller : blockedFromPeer
      say(`${isBarred ? 'an' : 'no'} entry of the blacklist bars the caller from the other party`)
      return isBarred ? refused(refusalOf('blacklisted', 403, 1, 'BLACKLIST')) : undefined
    },
    (say) => {
      const barred = binding.restriction === (role === 'A' ? 'AX' : 'BX')
      say(barred ? `${role} may not call this number` : `${role} may call this number`)
      return barred ? refused(refusalOf('restricted', 403, 3, 'CONTROL_DISABLE')) : undefined
    },
    (say) => {
      if (role !== 'G') return undefined
      const { inGroup } = record.standing
      say(inGroup ? 'the caller is in the group' : 'the caller is not in the group')
      if (inGroup) return undefined
      return refused(refusalOf('not-in-group', unmatchedSipStatus, 2, 'NO_SUBS_EXIST'))
    },
  ]
}

function ring(
  { record, trunks }: PlanInput,
  number: NumberRoute,
  binding: BoundRoute,
  say: (reason: string) => void,
): Verdict {
  const { callee, why } = destinationOf(record, number, binding)
  if (why !== undefined) say(why)
  if (callee === undefined) {
    return refuse(number, binding, refusalOf('no-callback', 404, 4, 'CALLED_NOT_EXISTS'))
  }
  if (trunks.length === 0) {
    say('no trunk takes outgoing calls')
    return refuse(number, binding, refusalOf('no-trunk', 503, 4, 'NO_TRUNK'))
  }
  say(`ring the other party over ${trunks.join(', then ')}`)
  const ringback = binding.callerRole === 'A' ? binding.tones.a : binding.tones.peer
  return { kind: 'connect', number, binding, callee, ringback, trunks }
}

type Destination = {
  readonly to: 'peer' | 'last-caller' | 'nobody'
  readonly callee: PhoneNumber | undefined
  /** Undefined: it goes without saying. */
  readonly why: string | undefined
}

/** A of a binding with nobody fixed on the other side is sent where the pool says. */
function destinationOf(
  { lastCaller }: RouteRecord,
  { product, settings }: NumberRoute,
  { callerRole, peer }: BoundRoute,
): Destination {
  const nobody = { to: 'nobody', callee: undefined } as const
  if (callerRole !== 'A' || product === 'AXB') {
    return { to: peer === undefined ? 'nobody' : 'peer', callee: peer, why: undefined }
  }
  if (settings.callbackMode === 'disabled') {
    return { ...nobody, why: 'A cannot call back: the pool has that switched off' }
  }
  if (settings.callbackMode === 'last-caller' && lastCaller !== undefined) {
    return { to: 'last-caller', callee: lastCaller, why: 'A calls back whoever called last' }
  }
  if (peer === undefined) return { ...nobody, why: 'A has nobody to be sent to' }
  return { to: 'peer', callee: peer, why: 'A is sent to B' }
}

function refuse(
  number: NumberRoute | undefined,
  binding: BoundRoute | undefined,
  refusal: Refusal,
): Verdict {
  return { kind: 'refuse', number, binding, refusal }
}

export function refusalOf(
  reason: HangupReason,
  sipStatus: number = causeOf(reason).sipStatus,
  unconnectedCause: UnconnectedCause = 4,
  controlMsg: string = reason.toUpperCase().replaceAll('-', '_'),
): Refusal {
  return { reason, sipStatus, unconnectedCause, controlMsg }
}
