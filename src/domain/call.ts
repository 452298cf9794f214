import type { HangupReason } from './hangup.ts'
import type { AccountId, BindingId, CallId, PoolKey, TrunkId, VirtualNumber } from './ids.ts'
import type { PhoneNumber } from './phone-number.ts'
import type { Tones } from './tones.ts'

/** product-semantics 1.1. */
export type Product = 'AXB' | 'AXN' | 'AXN_EXTENSION' | '95AXN' | 'AXG' | 'X_MODE'

const capacities: Readonly<Record<Product, number>> = {
  AXB: 200,
  AXN: 1,
  // Every extension of three digits.
  AXN_EXTENSION: 1000,
  '95AXN': 1,
  AXG: 1,
  X_MODE: 0,
}

/** How many live bindings one X of this product carries (product-semantics 1.2). */
export function capacityOf(product: Product): number {
  return capacities[product]
}

/** What arrived. Made by `sip/`, read by `resolve/`. */
export type CallAttempt = {
  readonly callId: CallId
  readonly trunkId: TrunkId
  /** Undefined when the caller withheld the number or sent one that is not a number. */
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
  /** 1 to 3 digits dialled after X. */
  readonly extension: string | undefined
  readonly receivedAt: Date
}

/** What is true of X itself, whoever calls. */
export type NumberRoute = {
  readonly x: VirtualNumber
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly product: Product
  readonly state: NumberState
  readonly city: string | undefined
  readonly settings: PoolSettings
}

/** `locked`: takes no new binding. `frozen`, `faulty`: carries no call. */
export type NumberState = 'normal' | 'locked' | 'frozen' | 'faulty'

/** Where A is sent who calls X (A号码回拨模式, product-semantics 1.2). */
export type CallbackMode = 'default-b' | 'last-caller' | 'disabled'

/** What the pool says of all calls to its numbers. */
export type PoolSettings = CallTerms & {
  readonly callbackMode: CallbackMode
  /** Whether it has a blacklist, so that what is held against the caller must be known. */
  readonly screened: boolean
  /** X_MODE: who is asked what to do with a call. */
  readonly controlUrl: string | undefined
}

/** How a call is run. */
export type CallTerms = {
  readonly recording: boolean
  readonly tones: Tones
  readonly ringSecondsMax: number
  readonly talkSecondsMax: number
}

/**
 * Who the caller is to the binding: its A, the B of an AXB, anybody (N: AXN, 95AXN, AXN
 * extension), or somebody who must be in its group (G: AXG).
 */
export type CallerRole = 'A' | 'B' | 'N' | 'G'

/** The binding that this caller meets on this X, its terms merged with the pool's. */
export type BoundRoute = CallTerms & {
  readonly bindingId: BindingId
  readonly callerRole: CallerRole
  /** Who is behind X for this caller. Undefined: A of a binding without a default B. */
  readonly peer: PhoneNumber | undefined
  /** Exact to the second; decided at call time against the attempt's own time. */
  readonly expiresAt: Date
  /** `AX`: A may not call X. `BX`: nobody else may (product-semantics 1.5). */
  readonly restriction: 'AX' | 'BX' | undefined
  readonly outId: string | undefined
}

/** What is held about the caller, as far as this call needs it. */
export type CallerStanding = {
  /** False: nobody can tell now, and everything below is as for a stranger. */
  readonly isKnown: boolean
  /** On the blacklist of X's pool. */
  readonly blockedByPool: boolean
  /** A point-to-point entry bars this caller from the peer. */
  readonly blockedFromPeer: boolean
  /** The same for whoever called A last. */
  readonly blockedFromLastCaller: boolean
  /** In the group of the binding. */
  readonly inGroup: boolean
}

/** Of a caller against whom nothing is held that matters. */
export const stranger: CallerStanding = {
  isKnown: true,
  blockedByPool: false,
  blockedFromPeer: false,
  blockedFromLastCaller: false,
  inGroup: false,
}

/** What `resolve/` found. `number` undefined: X is not ours. `binding` undefined: this caller meets none on X. */
export type RouteRecord = {
  readonly number: NumberRoute | undefined
  readonly binding: BoundRoute | undefined
  readonly standing: CallerStanding
  /** Who called A last over this binding; looked for only when A calls and the pool sends A there. */
  readonly lastCaller: PhoneNumber | undefined
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
      readonly callee: PhoneNumber
      /** Code of what the caller hears meanwhile. Undefined: the callee's own. */
      readonly ringback: string | undefined
      /** In the order in which they are tried. Never empty. */
      readonly trunks: readonly TrunkId[]
    }
  | {
      readonly kind: 'refuse'
      readonly number: NumberRoute | undefined
      /** The binding that it failed at, when it came that far. */
      readonly binding: BoundRoute | undefined
      readonly refusal: Refusal
    }
  /** Ask the caller for the extension, then look the call up again with it. `refusal`: when that cannot be. */
  | { readonly kind: 'ask-digits'; readonly number: NumberRoute; readonly refusal: Refusal }
  /** Ask the customer's own server what to do (X mode). `refusal`: when that cannot be. */
  | {
      readonly kind: 'ask-customer'
      readonly number: NumberRoute
      readonly url: string
      readonly refusal: Refusal
    }
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
