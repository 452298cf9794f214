import type { Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { Tones } from '../domain/tones.ts'

/** What a binding asks of its calls. Undefined: what the pool says. */
export type BindingTerms = {
  readonly recording?: boolean | undefined
  /** Over the pool's, moment by moment. */
  readonly tones?: Tones | undefined
  readonly ringSecondsMax?: number | undefined
  readonly talkSecondsMax?: number | undefined
  /** `AX`: A may not call X. `BX`: nobody else may. */
  readonly restriction?: 'AX' | 'BX' | undefined
  /** Comes back in every report. */
  readonly outId?: string | undefined
  /** The customer's order; only kept. */
  readonly outOrderId?: string | undefined
  /** Whether its recordings are written down, and by which model. */
  readonly asr?: boolean | undefined
  readonly asrModel?: string | undefined
  /** What one side is asked after the call. Only AXB. */
  readonly survey?: Survey | undefined
}

/** A key-press survey after the call (the vendor's DtmfConfig, product-semantics 1.6). */
export type Survey = {
  /** Who is asked. */
  readonly side: 'A' | 'B'
  /** Codes of the tones that ask, and that thank. */
  readonly question: string
  readonly thanks?: string | undefined
  /** One or two different keys that count as an answer. */
  readonly keys: readonly string[]
  /** 1 to 30: how long a key is waited for. */
  readonly waitSeconds?: number | undefined
  /** 1 to 5: how often it is asked. */
  readonly loopsMax?: number | undefined
  /** 0 to 10: from the answer to the end of the call. */
  readonly endSeconds?: number | undefined
}

export type BindCommand = BindingTerms & {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** Refused when the pool is of another, or of none of these. */
  readonly product?: Product | readonly Product[] | undefined
  readonly a: PhoneNumber
  /** AXB needs it; for the others: whom A reaches by calling X. */
  readonly b?: PhoneNumber | undefined
  /** Undefined: one is allocated from the pool. */
  readonly x?: VirtualNumber | undefined
  /** AXN extension, 1 to 3 digits, only with X. Undefined: a free one of three digits. */
  readonly extension?: string | undefined
  /** AXG: who may call. */
  readonly groupId?: string | undefined
  /** Where an allocated X should be from. Undefined: from where A is. */
  readonly expectCity?: string | undefined
  /** More than 60 s ahead; the second counts, anything finer is cut off. */
  readonly expiresAt: Date
  /** The same key with the same request within 24 hours gives the same binding. */
  readonly idempotencyKey?: string | undefined
}

export type Binding = BindingTerms & {
  readonly id: BindingId
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly x: VirtualNumber
  readonly product: Product
  readonly a: PhoneNumber
  readonly b: PhoneNumber | undefined
  /** Of an AXN extension. */
  readonly extension: string | undefined
  /** Of an AXG. */
  readonly groupId: string | undefined
  readonly expiresAt: Date
  readonly createdAt: Date
  /** Expired is told from the time, whether or not anybody has swept. */
  readonly state: 'live' | 'expired' | 'unbound'
  /** When it was unbound, or its expiry once that has passed. */
  readonly endedAt: Date | undefined
}

/** Which binding; the others must match too when given, as the vendor's protocol demands. */
export type BindingRef = {
  readonly accountId: AccountId
  readonly id: BindingId
  readonly poolKey?: PoolKey | undefined
  readonly x?: VirtualNumber | undefined
}

export type UnbindCommand = BindingRef & { readonly idempotencyKey?: string | undefined }

/** Undefined: as it is. Null: none, or what the pool says. */
export type BindingChange = {
  readonly a?: PhoneNumber | undefined
  readonly b?: PhoneNumber | null | undefined
  readonly expiresAt?: Date | undefined
  readonly groupId?: string | undefined
} & { readonly [Term in keyof BindingTerms]?: BindingTerms[Term] | null }

export type UpdateCommand = BindingRef & {
  readonly change: BindingChange
  readonly idempotencyKey?: string | undefined
}

export type BindingFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly product?: Product | undefined
  readonly x?: VirtualNumber | undefined
  /** A or B. */
  readonly party?: PhoneNumber | undefined
  /** Only as A. */
  readonly a?: PhoneNumber | undefined
  readonly outId?: string | undefined
  readonly groupId?: string | undefined
  readonly extension?: string | undefined
  readonly state?: Binding['state'] | undefined
  /** Newest first unless told. `expires`: soonest first, and only those that are live. */
  readonly sort?: 'newest' | 'oldest' | 'expires' | undefined
  /** 1 to 200; 50 unless told. */
  readonly limit?: number | undefined
  /** What `nextCursor` of the page before was. */
  readonly cursor?: string | undefined
}

/** `nextCursor` undefined: this was the last page. */
export type BindingPage = {
  readonly items: readonly Binding[]
  readonly nextCursor: string | undefined
}
