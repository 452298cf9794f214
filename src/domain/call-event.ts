import type { CallerRole, Product, ReleaseDirection, UnconnectedCause } from './call.ts'
import type { HangupReason } from './hangup.ts'
import type { AccountId, BindingId, CallId, PoolKey, TrunkId, VirtualNumber } from './ids.ts'
import type { PhoneNumber } from './phone-number.ts'

/**
 * Something that happened to a call, with everything known of the call at that moment, so that
 * each event can be understood without the ones before it.
 *
 * `id` is `<callId>:<type>`: the same moment always has the same id, so consumers drop repeats.
 */
export type CallEvent = CallFacts & {
  readonly id: string
  readonly type: 'start' | 'ring' | 'answer' | 'end'
  readonly at: Date
}

export type CallFacts = {
  readonly callId: CallId
  readonly routerId: string
  /** Undefined when X is not ours. */
  readonly accountId: AccountId | undefined
  readonly poolKey: PoolKey | undefined
  readonly product: Product | undefined
  readonly bindingId: BindingId | undefined
  readonly x: VirtualNumber
  /** Digits that the caller dialled after X. */
  readonly extension: string | undefined
  readonly city: string | undefined
  readonly caller: PhoneNumber | undefined
  /** Who is rung; of an intercepted call, who stands on the other side of the binding that it failed at. */
  readonly callee: PhoneNumber | undefined
  /** Undefined for an intercepted call whose caller matches no binding. */
  readonly callerRole: CallerRole | undefined
  readonly intercepted: boolean
  readonly unconnectedCause: UnconnectedCause
  /** `OK` when routed, otherwise such as `NO_SUBS_EXIST`. */
  readonly controlMsg: string
  readonly outId: string | undefined
  readonly trunkIn: TrunkId
  readonly trunkOut: TrunkId | undefined
  /** When the caller's INVITE came in. */
  readonly callTime: Date
  /** When the callee's INVITE went out. */
  readonly callOutTime: Date | undefined
  /** First 180/183 from the callee. */
  readonly ringTime: Date | undefined
  /** Answer. */
  readonly startTime: Date | undefined
  readonly releaseTime: Date | undefined
  readonly releaseDirection: ReleaseDirection | undefined
  /** Q.850. */
  readonly releaseCause: number | undefined
  readonly releaseReason: HangupReason | undefined
  /** Path below the recordings folder, with forward slashes. */
  readonly recording: string | undefined
}
