import type { BoundRoute, CallTerms, NumberRoute } from './call.ts'
import type { PoolKey, VirtualNumber } from './ids.ts'

/** What a binding says for itself; the rest is as the pool says. */
export type OwnTerms = { readonly [Term in keyof CallTerms]: CallTerms[Term] | undefined }

/** A binding as one caller meets it, as it is kept: the peer sealed, the terms not yet merged. */
export type SealedLeg = OwnTerms &
  Pick<BoundRoute, 'bindingId' | 'callerRole' | 'expiresAt' | 'restriction' | 'outId'> & {
    readonly peerSealed: string | undefined
    /**
     * Of the record of an extension: its A, who calls as A also when dialling it. Without it the
     * caller's own record is asked.
     */
    readonly aIndex?: string | undefined
  }

/** The one binding of an X that carries one (AXN, 95AXN, AXG): kept with X, for whoever calls. */
export type SealedBinding = OwnTerms &
  Pick<BoundRoute, 'bindingId' | 'expiresAt' | 'restriction' | 'outId'> & {
    readonly aIndex: string
    readonly aSealed: string
    readonly bSealed: string | undefined
    /** AXG: who may call. */
    readonly groupId: string | undefined
  }

export type SealedNumberRoute = NumberRoute & { readonly single: SealedBinding | undefined }

/** What is held about one real number, whatever X it calls. */
export type CallerHoldings = {
  /** Ids of the groups that it is in. */
  readonly groups: readonly string[]
  /** Pools whose blacklist it is on. */
  readonly blockedBy: readonly PoolKey[]
  /** Whom it may not call, by blind index, in which pool. */
  readonly blockedFrom: readonly (readonly [pool: PoolKey, party: string])[]
}

/** What has become true for those who call X. Written to Postgres with the change, then to the cache. */
export type RouteChange = {
  /** Of its row in the invalidation table. */
  readonly id: string
  readonly x: VirtualNumber
  readonly version: number
  /** Undefined: X is no longer ours. */
  readonly number: SealedNumberRoute | undefined
  /**
   * For single callers: `party` is a blind index, or `e` with the digits of an extension.
   * `bound` undefined: no longer bound.
   */
  readonly parties: readonly {
    readonly party: string
    readonly bound: SealedLeg | undefined
  }[]
}

/** That something changed, not what: enough to make the cache forget. */
export type RouteInvalidation = {
  readonly id: string
  /** Undefined: what is held about the one party, whatever X it calls. */
  readonly x: VirtualNumber | undefined
  readonly version: number
  readonly parties: readonly string[]
}

/** How the record of an extension is named among the parties of its X. */
export function extensionParty(extension: string): string {
  return `e${extension}`
}
