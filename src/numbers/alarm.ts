import type { AccountId, PoolKey } from '../domain/ids.ts'

/** `pool-utilisation`: a pool is nearly used up; `push-failing`: receipts of a type arrive nowhere. */
export type AlarmKind =
  | 'pool-utilisation'
  | 'push-failing'
  | 'trunk-down'
  | 'media-host-down'
  | 'journal-filling'
  | 'certification-expiring'

/** Something that a human should look at. */
export type Alarm = {
  readonly id: string
  readonly accountId: AccountId
  readonly kind: AlarmKind
  /** Of pool-utilisation, as the two that follow. */
  readonly poolKey: PoolKey | undefined
  /** Utilisation when it was raised, in per cent, and from how much on the pool warned then. */
  readonly percent: number | undefined
  readonly threshold: number | undefined
  /** Of all others: the message type, the trunk, the host that it is about. */
  readonly subject: string | undefined
  readonly raisedAt: Date
  /** Undefined: it is still so. */
  readonly clearedAt: Date | undefined
}

export type AlarmFilter = {
  readonly accountId: AccountId
  readonly kind?: AlarmKind | undefined
  readonly poolKey?: PoolKey | undefined
  /** Only those that are, or are not, over. */
  readonly open?: boolean | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
