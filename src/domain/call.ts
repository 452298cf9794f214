import type { HangupReason } from './hangup.ts'
import type { AccountId, BindingId, CallId, PoolKey, TrunkId, VirtualNumber } from './ids.ts'
import type { PhoneNumber } from './phone-number.ts'

/** product-semantics 1.1. */
export type Product = 'AXB' | 'AXN' | 'AXN_EXTENSION' | '95AXN' | 'AXG' | 'X_MODE'

/** What arrived. Made by `sip/`, read by `resolve/`. */
export type CallAttempt = {
  readonly callId: CallId
  readonly trunkId: TrunkId
  /** Undefined when the caller withheld the number or sent one that is not a number. */
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
  readonly receivedAt: Date
}

/** What is true of X itself, whoever calls. */
export type NumberRoute = {
  readonly x: VirtualNumber
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly product: Product
  readonly state: 'normal' | 'locked' | 'frozen'
  readonly city: string | undefined
}

/** Which party of the binding the caller is. */
export type CallerRole = 'A' | 'B'

/** What is true for this caller on this X: all that the call needs. */
export type BoundRoute = {
  readonly bindingId: BindingId
  readonly callerRole: CallerRole
  readonly callee: PhoneNumber
  /** Exact to the second; decided at call time against the attempt's own time. */
  readonly expiresAt: Date
  readonly recording: boolean
  /** Code of the enterprise ringback: a file `<code>.wav` in the tones folder. Undefined: the callee's own. */
  readonly ringback: string | undefined
  readonly ringSecondsMax: number
  readonly talkSecondsMax: number
  /** Which side may not call X (product-semantics 1.5). */
  readonly restriction: 'AX' | 'BX' | undefined
  readonly outId: string | undefined
}

/** What `resolve/` found. `number` undefined: X is not ours. `binding` undefined: this caller has none on X. */
export type RouteRecord = {
  readonly number: NumberRoute | undefined
  readonly binding: BoundRoute | undefined
  readonly source: 'redis' | 'postgres'
  /** Version of X's records: grows with every change to X or its bindings. */
  readonly version: number
}

/** What we will do about it. Made by `route/`, run by `call/`. */
export type CallPlan = {
  /** Every rule that was looked at, in order, in words: for the simulator and the log. */
  readonly reasons: readonly string[]
} & (
  | {
      readonly kind: 'connect'
      readonly number: NumberRoute
      readonly binding: BoundRoute
      /** In the order in which they are tried. Never empty. */
      readonly trunks: readonly TrunkId[]
    }
  | { readonly kind: 'refuse'; readonly number: NumberRoute | undefined; readonly refusal: Refusal }
)

export type Refusal = {
  readonly reason: HangupReason
  readonly sipStatus: number
  readonly unconnectedCause: UnconnectedCause
  readonly controlMsg: string
}

/** `unconnected_cause`: 0 normal, 1 blacklist, 2 no binding, 3 call restriction, 4 other (product-semantics 4.3). */
export type UnconnectedCause = 0 | 1 | 2 | 3 | 4

/** `release_dir`: 0 platform, 1 caller, 2 callee (product-semantics 4.3). */
export type ReleaseDirection = 0 | 1 | 2
