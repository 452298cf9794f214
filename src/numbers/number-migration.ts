import type { Product } from '../domain/call.ts'
import type { AccountId, MigrationId, PoolKey, VirtualNumber } from '../domain/ids.ts'

export type MigrateNumbers = {
  readonly accountId: AccountId
  readonly from: PoolKey
  /** Of the same account and product. */
  readonly to: PoolKey
  readonly selection: MigrationSelection
  /** The same key with the same request is the same run, for good. */
  readonly idempotencyKey?: string | undefined
}

export type MigrationSelection =
  /** Any unbound ones, 1 to 1000; `city` undefined: wherever they belong. */
  | { readonly by: 'count'; readonly count: number; readonly city?: string | undefined }
  /** These, 1 to 500. */
  | { readonly by: 'list'; readonly numbers: readonly VirtualNumber[] }

/** One run, as it went. Pools bear the names that they had then. */
export type NumberMigration = {
  readonly id: MigrationId
  readonly accountId: AccountId
  readonly from: { readonly key: PoolKey; readonly name: string }
  readonly to: { readonly key: PoolKey; readonly name: string }
  readonly product: Product
  readonly selectedBy: 'count' | 'list'
  readonly city: string | undefined
  /** X numbers. */
  readonly asked: number
  readonly succeeded: number
  readonly createdAt: Date
}

/** What became of one X of a run. */
export type NumberMove = {
  readonly x: VirtualNumber
  readonly city: string | undefined
  readonly outcome: MoveOutcome
}

/** Everything but `moved` left X where it was. `unknown`: not a number of this account. */
export type MoveOutcome = 'moved' | 'bound' | 'frozen' | 'faulty' | 'not-in-pool' | 'unknown'

export type MigrationFilter = {
  readonly accountId: AccountId
  readonly from?: PoolKey | undefined
  readonly to?: PoolKey | undefined
  /** Only runs that had this X. */
  readonly x?: VirtualNumber | undefined
  /** Newest first unless it says `oldest`. */
  readonly order?: 'newest' | 'oldest' | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type MoveFilter = {
  readonly accountId: AccountId
  readonly id: MigrationId
  readonly outcome?: MoveOutcome | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
