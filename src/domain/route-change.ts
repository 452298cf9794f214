import type { BoundRoute, NumberRoute } from './call.ts'
import type { VirtualNumber } from './ids.ts'

/** A bound route as it is kept: the callee sealed. */
export type SealedBoundRoute = Omit<BoundRoute, 'callee'> & { readonly calleeSealed: string }

/** What has become true for those who call X. Written to Postgres with the change, then to the cache. */
export type RouteChange = {
  /** Of its row in the invalidation table. */
  readonly id: string
  readonly x: VirtualNumber
  readonly version: number
  /** Undefined: X is no longer ours. */
  readonly number: NumberRoute | undefined
  /** For single parties, by blind index. `bound` undefined: no longer bound. */
  readonly parties: readonly {
    readonly party: string
    readonly bound: SealedBoundRoute | undefined
  }[]
}

/** That something changed, not what: enough to make the cache forget. */
export type RouteInvalidation = {
  readonly id: string
  readonly x: VirtualNumber
  readonly version: number
  readonly parties: readonly string[]
}
