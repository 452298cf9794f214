import type { AccountId, PoolKey } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/** May call no X of the pool. The vendor's PARTNER_GLOBAL_NUMBER_BLACK. */
export type BlockedCaller = {
  readonly id: string
  readonly poolKey: PoolKey
  readonly number: PhoneNumber
  readonly remark: string | undefined
  readonly createdAt: Date
}

/**
 * Which of the two may not call the other, the vendor's WayControl: `PHONEA_REJECT` the second not
 * the first, `PHONEB_REJECT` the first not the second, `DUPLEX_REJECT` neither.
 */
export type BlockedWay = 'DUPLEX_REJECT' | 'PHONEA_REJECT' | 'PHONEB_REJECT'

/** Are not joined by any binding of the pool. The vendor's POINT_TO_POINT_BLACK. */
export type BlockedPair = {
  readonly id: string
  readonly poolKey: PoolKey
  readonly first: PhoneNumber
  readonly second: PhoneNumber
  readonly way: BlockedWay
  readonly remark: string | undefined
  readonly createdAt: Date
}

export type BlockCaller = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly number: PhoneNumber
  /** 1 to 200 characters. */
  readonly remark?: string | undefined
}

export type BlockPair = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly first: PhoneNumber
  readonly second: PhoneNumber
  readonly way: BlockedWay
  readonly remark?: string | undefined
}

/** Which entry: by its id, or by its numbers in the order in which they were given. */
export type BlockedCallerRef = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
} & ({ readonly id: string } | { readonly number: PhoneNumber })

export type BlockedPairRef = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
} & ({ readonly id: string } | { readonly first: PhoneNumber; readonly second: PhoneNumber })

export type BlacklistFilter = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** Entries with this number, on either side. */
  readonly number?: PhoneNumber | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
