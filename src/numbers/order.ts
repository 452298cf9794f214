import type { Product } from '../domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { Li } from '../domain/money.ts'
import type { NumberClass } from './price-list.ts'

/** What somebody wants to buy. */
export type Wish = {
  readonly accountId: AccountId
  /** The pool that it goes into. Undefined: the oldest of the product, or one that is made. */
  readonly poolKey?: PoolKey | undefined
  /** Undefined: the pool's. */
  readonly product?: Product | undefined
  readonly class: NumberClass
  /** In any usual way to write it; 全国通用 for class 3. */
  readonly city: string
  /** 1 to 1000. */
  readonly quantity: number
}

export type PlaceOrder = Wish & {
  /** Only numbers that begin with these digits, as dialled inside the country. */
  readonly beginning?: string | undefined
  /** Refuse when it would cost anything else: what the quote showed. */
  readonly expectedPrice?: Li | undefined
  readonly idempotencyKey?: string | undefined
}

export type Quote = {
  readonly product: Product
  readonly class: NumberClass
  readonly city: string
  readonly quantity: number
  /** Of one number for one calendar month. */
  readonly rent: Li
  /** First month of all of them: due with the order. */
  readonly price: Li
  /** Numbers of this class and city that could be had at this moment. */
  readonly left: number
  /** Undefined: none is kept for this account. */
  readonly balance: Li | undefined
}

export type Order = {
  readonly id: string
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly product: Product
  readonly class: NumberClass
  readonly city: string
  readonly quantity: number
  readonly rent: Li
  readonly price: Li
  /** Taken off the balance: nothing when none is kept. */
  readonly paid: Li
  readonly numbers: readonly VirtualNumber[]
  readonly createdAt: Date
}

export type OrderFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly product?: Product | undefined
  readonly class?: NumberClass | undefined
  readonly from?: Date | undefined
  readonly until?: Date | undefined
  readonly order?: 'newest' | 'oldest' | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
