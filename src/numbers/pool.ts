import type { CallbackMode, Product } from '../domain/call.ts'
import type { AccountId, PoolKey } from '../domain/ids.ts'
import type { Tones } from '../domain/tones.ts'

/**
 * How X is chosen when a bind names none. `default`: of the city that was asked for, else any;
 * `strict`: of that city or none; `smart`: of that city, else of its province's capital, else any.
 */
export type AssignmentMode = 'default' | 'strict' | 'smart'

/** What becomes of a text to X (product-semantics 1.7). */
export type SmsMode = 'off' | 'intercept' | 'smart'

export type Pool = {
  readonly key: PoolKey
  readonly accountId: AccountId
  readonly name: string
  readonly product: Product
  readonly assignmentMode: AssignmentMode
  readonly callbackMode: CallbackMode
  readonly smsMode: SmsMode
  /** What its bindings do unless they say otherwise. */
  readonly tones: Tones
  readonly recording: boolean
  readonly ringSecondsMax: number
  readonly talkSecondsMax: number
  /** An alarm is raised from this utilisation on. */
  readonly alarmPercent: number | undefined
  /** How long an X is not given again to somebody who was bound on it. */
  readonly coolingDays: number
  /** X_MODE: who is asked what to do with a call. */
  readonly controlUrl: string | undefined
  readonly groups: number
  readonly blockedCallers: number
  readonly blockedPairs: number
  readonly usage: PoolUsage
  readonly createdAt: Date
}

export type PoolUsage = {
  /** X numbers in it, and how many of them have a binding. */
  readonly numbers: number
  readonly boundNumbers: number
  /** Live bindings; one that has just expired may count for a second longer. */
  readonly bindings: number
  /** How many more its numbers can take that are neither locked, frozen nor faulty. */
  readonly bindable: number
  /** Bindings in per cent of what all its numbers can carry, to two places. */
  readonly utilisation: number
}

/** What can be said of a pool; what its product has no use for is refused. */
export type PoolChoices = {
  readonly assignmentMode?: AssignmentMode | undefined
  readonly callbackMode?: CallbackMode | undefined
  readonly smsMode?: SmsMode | undefined
  readonly tones?: Tones | undefined
  readonly recording?: boolean | undefined
  readonly ringSecondsMax?: number | undefined
  readonly talkSecondsMax?: number | undefined
  /** 1 to 100, or no alarm. */
  readonly alarmPercent?: number | 'none' | undefined
  readonly coolingDays?: number | undefined
  readonly controlUrl?: string | undefined
}

export type CreatePool = PoolChoices & {
  readonly accountId: AccountId
  /** 1 to 16 characters. */
  readonly name: string
  readonly product: Product
  /** The same key with the same request is the same pool, for good. */
  readonly idempotencyKey?: string | undefined
}

/** What is absent stays. `tones` takes the place of all that there were. */
export type ChangePool = PoolChoices & { readonly name?: string | undefined }

export type PoolFilter = {
  readonly accountId: AccountId
  readonly product?: Product | undefined
  /** The key, or a part of the name. */
  readonly search?: string | undefined
  /** Newest first unless it says `oldest`. */
  readonly order?: 'newest' | 'oldest' | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
