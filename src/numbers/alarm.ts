import type { AccountId, PoolKey } from '../domain/ids.ts'

/** Something that a human should look at; `pool-utilisation`: a pool is nearly used up. */
export type Alarm = {
  readonly id: string
  readonly accountId: AccountId
  readonly kind: 'pool-utilisation'
  readonly poolKey: PoolKey
  /** Utilisation when it was raised, in per cent, and from how much on the pool warned then. */
  readonly percent: number
  readonly threshold: number
  readonly raisedAt: Date
  /** Undefined: it is still so. */
  readonly clearedAt: Date | undefined
}

export type AlarmFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  /** Only those that are, or are not, over. */
  readonly open?: boolean | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
