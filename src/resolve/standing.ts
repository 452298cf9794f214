import { type CallerStanding, stranger } from '../domain/call.ts'
import type { PoolKey } from '../domain/ids.ts'
import type { CallerHoldings, SealedNumberRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { Vault } from '../platform/vault.ts'
import type { Met } from './meet.ts'
import type { CachedRoute } from './read-cached.ts'
import { isAway, type Truth, type TruthUse } from './truth.ts'

/** Whether what is held about callers may decide about calls to this X. */
export function standingMatters(number: SealedNumberRoute): boolean {
  return number.settings.screened || number.product === 'AXG'
}

/** Whether it does about this call: A of an AXG need not be in its group. */
export function standingDecides(
  number: SealedNumberRoute | undefined,
  met: Met | undefined,
): number is SealedNumberRoute {
  if (number === undefined) return false
  return number.settings.screened || met?.callerRole === 'G'
}

type Call = {
  readonly poolKey: PoolKey
  readonly met: Met | undefined
  /** Sealed. */
  readonly lastCaller: string | undefined
}

export function standingOf(
  holdings: CallerHoldings,
  { poolKey, met, lastCaller }: Call,
  indexOf: (sealed: string) => string,
): CallerStanding {
  const barred = holdings.blockedFrom.filter(([pool]) => pool === poolKey)
  // Unsealing and indexing costs more than the rest of the lookup: only for who has entries.
  const isBarredFrom = (sealed: string | undefined): boolean => {
    if (barred.length === 0 || sealed === undefined) return false
    const index = indexOf(sealed)
    return barred.some(([, party]) => party === index)
  }
  return {
    isKnown: true,
    blockedByPool: holdings.blockedBy.includes(poolKey),
    blockedFromPeer: isBarredFrom(met?.peerSealed),
    blockedFromLastCaller: isBarredFrom(lastCaller),
    inGroup: met?.groupId !== undefined && holdings.groups.includes(met.groupId),
  }
}

export type FoundStanding = {
  readonly standing: CallerStanding
  /** Whether Postgres was asked. */
  readonly isFromTruth: boolean
}

/** What is held about a caller, as far as it counts for this call. */
export function createFindStanding(deps: { truth: Truth; vault: Vault; log: Logger }) {
  const { truth, vault, log } = deps
  const indexOf = (sealed: string) => vault.blindIndex(vault.open(sealed))

  async function find(
    call: Call & { readonly party: string; readonly use: TruthUse },
    cached: CachedRoute | undefined,
  ): Promise<FoundStanding> {
    const { party, use } = call
    const inCache = cached?.caller.kind === 'caller' ? cached.caller.holdings : undefined
    const holdings = inCache ?? (await truth.caller(party, use)).holdings
    if (holdings !== 'much') {
      return {
        standing: standingOf(holdings, call, indexOf),
        isFromTruth: inCache === undefined,
      }
    }
    return { standing: await amongMuch(call), isFromTruth: true }
  }

  async function amongMuch(call: Call & { readonly party: string }): Promise<CallerStanding> {
    const { party, poolKey, met, lastCaller } = call
    const [peer, last] = [met?.peerSealed, lastCaller].map((sealed) =>
      sealed === undefined ? undefined : indexOf(sealed),
    )
    const others = [peer, last].filter((each) => each !== undefined)
    const held = await truth.held({ party, poolKey, groupId: met?.groupId, others })
    return {
      isKnown: true,
      blockedByPool: held.blockedByPool,
      blockedFromPeer: peer !== undefined && held.barredFrom.includes(peer),
      blockedFromLastCaller: last !== undefined && held.barredFrom.includes(last),
      inGroup: held.inGroup,
    }
  }

  return async (
    number: SealedNumberRoute,
    call: Omit<Call, 'poolKey'> & { readonly party: string; readonly use: TruthUse },
    cached: CachedRoute | undefined,
  ): Promise<FoundStanding> => {
    try {
      return await find({ ...call, poolKey: number.poolKey }, cached)
    } catch (err) {
      // Whom a blacklist bars is let through while nobody can tell, rather than all others kept
      // out; who is not known to be in a group is not.
      if (!isAway(err) || number.product === 'AXG') throw err
      log.warn({ err, x: number.x }, 'a call goes on without the blacklist')
      return { standing: { ...stranger, isKnown: false }, isFromTruth: true }
    }
  }
}
