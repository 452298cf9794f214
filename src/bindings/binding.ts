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
  /** Which side may not call X. */
  readonly restriction?: 'AX' | 'BX' | undefined
  /** Comes back in every report. */
  readonly outId?: string | undefined
}

export type BindCommand = BindingTerms & {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly a: PhoneNumber
  readonly b: PhoneNumber
  /** Undefined: one is allocated from the pool. */
  readonly x?: VirtualNumber | undefined
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

export type BindingFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly x?: VirtualNumber | undefined
  /** A or B. */
  readonly party?: PhoneNumber | undefined
  readonly outId?: string | undefined
  readonly liveOnly?: boolean | undefined
  /** 1 to 200; 50 unless told. */
  readonly limit?: number | undefined
  /** What `nextCursor` of the page before was. */
  readonly cursor?: string | undefined
}

/** Newest first. `nextCursor` undefined: this was the last page. */
export type BindingPage = {
  readonly items: readonly Binding[]
  readonly nextCursor: string | undefined
}
