import type { NumberState, Product } from '../domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { Li } from '../domain/money.ts'
import type { NumberClass } from './price-list.ts'

export type XNumber = {
  readonly x: VirtualNumber
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly product: Product
  readonly class: NumberClass
  /** The vendor's codes: 1 China Mobile, 2 China Unicom, 3 China Telecom. */
  readonly carrier: 1 | 2 | 3 | undefined
  /** Undefined: nationwide, or not told. */
  readonly city: string | undefined
  readonly province: string | undefined
  readonly state: NumberState
  /** Live bindings; one that has just expired may count for a second longer. */
  readonly bindings: number
  /** How many live bindings fit at all: see `capacityOf`. */
  readonly capacity: number
  readonly certified: boolean
  readonly note: string | undefined
  /** Of one calendar month. Undefined: it was not bought here, and costs nothing. */
  readonly rent: Li | undefined
  /** The order that bought it. */
  readonly orderId: string | undefined
  /** When it was bought or added. */
  readonly createdAt: Date
}

export type AddNumbers = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** 1 to 1000, all or none. */
  readonly numbers: readonly VirtualNumber[]
  /** In any usual way to write it. */
  readonly city?: string | undefined
  /** Undefined: 3 for numbers that begin with 95, 1 for 170 and 171, 2 for all others. */
  readonly class?: NumberClass | undefined
  readonly carrier?: 1 | 2 | 3 | undefined
}

/** Whose, and which of them. */
export type NumberChoice = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly product?: Product | undefined
  /** In any usual way to write it. */
  readonly city?: string | undefined
  readonly class?: NumberClass | undefined
  readonly state?: NumberState | undefined
  readonly bound?: boolean | undefined
  readonly certified?: boolean | undefined
  /** First digits as they are dialled inside the country, or all of them. */
  readonly beginning?: string | undefined
}

export type NumberFilter = NumberChoice & {
  /** By X unless it says otherwise. */
  readonly sort?: 'x' | 'createdAt' | undefined
  readonly order?: 'ascending' | 'descending' | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type NumberTotals = {
  readonly numbers: number
  /** Of them, those with a binding. */
  readonly bound: number
  readonly bindings: number
  /** Bindings that fit in addition, on the numbers that take any. */
  readonly moreBindings: number
}

/** `nextCursor` undefined: this was the last page. */
export type Page<Item> = {
  readonly items: readonly Item[]
  readonly nextCursor: string | undefined
}
