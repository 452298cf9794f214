import type { Product } from '../domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'

export type XNumber = {
  readonly x: VirtualNumber
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly product: Product
  readonly city: string | undefined
  readonly state: 'normal' | 'locked' | 'frozen'
  /** Live bindings; one that has just expired may count for a second longer. */
  readonly bindings: number
  readonly createdAt: Date
}

export type AddNumbers = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** 1 to 1000, all or none. */
  readonly numbers: readonly VirtualNumber[]
  readonly city?: string | undefined
}

export type NumberFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly state?: 'normal' | 'locked' | 'frozen' | undefined
  readonly bound?: boolean | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** `nextCursor` undefined: this was the last page. */
export type Page<Item> = {
  readonly items: readonly Item[]
  readonly nextCursor: string | undefined
}
