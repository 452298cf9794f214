import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'

/**
 * `pool-utilisation`: a pool is nearly used up; `push-failing`: receipts of a type arrive nowhere;
 * `trunk-down`, `media-host-down`: a router does not reach it; `journal-filling`: a router will have
 * to refuse calls; `certification-expiring`: somebody will not stand for numbers any more.
 */
export type AlarmKind =
  | 'pool-utilisation'
  | 'push-failing'
  | 'trunk-down'
  | 'media-host-down'
  | 'journal-filling'
  | 'certification-expiring'

export const alarmKinds: readonly AlarmKind[] = [
  'pool-utilisation',
  'push-failing',
  'trunk-down',
  'media-host-down',
  'journal-filling',
  'certification-expiring',
]

/** Something that a human should look at. */
export type Alarm = {
  readonly id: string
  readonly accountId: AccountId
  readonly kind: AlarmKind
  /** Of pool-utilisation. */
  readonly poolKey: PoolKey | undefined
  /** In per cent, when it was raised: what of the pool is bound, or how full the journal is. */
  readonly percent: number | undefined
  /** From how much on it is an alarm: per cent, or days that a certification is still good for. */
  readonly threshold: number | undefined
  /** Of all but pool-utilisation: the message type, trunk, host, journal or certifier that it is about. */
  readonly subject: string | undefined
  readonly facts: AlarmFacts
  readonly raisedAt: Date
  /** Undefined: it is still so. */
  readonly clearedAt: Date | undefined
  /** It is over only in that nobody is there any more who could tell. */
  readonly unwatched: boolean
}

/** As stored: what is told besides. */
export type AlarmFacts = {
  /** One sentence for humans. */
  readonly detail?: string
  /** Routers that saw it when it was raised, and how many there were. */
  readonly routers?: number
  readonly routersInAll?: number
  /** Some of the X numbers that it is about, and how many there are. */
  readonly numbers?: readonly VirtualNumber[]
  readonly numberCount?: number
  /** ISO 8601. */
  readonly certifiedUntil?: string
}

export type AlarmFilter = {
  readonly accountId: AccountId
  readonly kind?: AlarmKind | undefined
  readonly poolKey?: PoolKey | undefined
  /** Only those that are, or are not, over. */
  readonly open?: boolean | undefined
  /** Only those that were raised, or cleared, at this time or later. */
  readonly since?: Date | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
