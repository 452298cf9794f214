import type { BoundRoute, CallerRole, CallerStanding, CallTerms } from '../domain/call.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type {
  CallerHoldings,
  OwnTerms,
  SealedBinding,
  SealedLeg,
  SealedNumberRoute,
} from '../domain/route-change.ts'
import { tonesOver } from '../domain/tones.ts'
import type { Vault } from '../platform/vault.ts'

/** The records about one X and one caller; undefined: there is none. */
type Records = {
  readonly number: SealedNumberRoute
  /** The caller's own leg on X. */
  readonly own: SealedLeg | undefined
  /** That of the extension that was dialled. */
  readonly dialled: SealedLeg | undefined
}

/** A leg, and the group that a caller must be in who is not A. */
export type Met = SealedLeg & { readonly groupId: string | undefined }

/**
 * Which binding this caller meets on X, and as whom (product-semantics 1.2). Whoever is A of the
 * binding calls as A, whatever else he is. An extension leads to its own binding, unless the caller
 * is A of that very one.
 */
export function meet(records: Records, party: string | undefined): Met | undefined {
  const { number, own, dialled } = records
  if (number.single !== undefined) return metSingle(number.single, number, party)
  const met = dialled === undefined || dialled.bindingId === own?.bindingId ? own : dialled
  return met === undefined ? undefined : { ...met, groupId: undefined }
}

function metSingle(
  single: SealedBinding,
  number: SealedNumberRoute,
  party: string | undefined,
): Met {
  const { aIndex, aSealed, bSealed, groupId, ...binding } = single
  if (party === aIndex) return { ...binding, callerRole: 'A', peerSealed: bSealed, groupId }
  const callerRole: CallerRole = number.product === 'AXG' ? 'G' : 'N'
  return { ...binding, callerRole, peerSealed: aSealed, groupId }
}

/** Whether what is held about the caller decides anything about this call. */
export function standingMatters(number: SealedNumberRoute, met: Met | undefined): boolean {
  return number.settings.screened || met?.callerRole === 'G'
}

export const goodStanding: CallerStanding = {
  blockedByPool: false,
  blockedFromPeer: false,
  inGroup: false,
}

export function standingOf(
  holdings: CallerHoldings,
  number: SealedNumberRoute,
  met: Met | undefined,
  indexOf: (sealed: string) => string,
): CallerStanding {
  const barred = holdings.blockedFrom.filter(([pool]) => pool === number.poolKey)
  const peer = met?.peerSealed
  // Unsealing and indexing the peer costs more than the rest of the lookup: only for who has entries.
  const peerIndex = barred.length === 0 || peer === undefined ? undefined : indexOf(peer)
  return {
    blockedByPool: holdings.blockedBy.includes(number.poolKey),
    blockedFromPeer: barred.some(([, party]) => party === peerIndex),
    inGroup: met?.groupId !== undefined && holdings.groups.includes(met.groupId),
  }
}

/**
 * The peer stays sealed until somebody asks for it: a call that is refused never opens it, and
 * opening costs more than all the rest of a lookup.
 */
export function boundRoute(met: Met, number: SealedNumberRoute, vault: Vault): BoundRoute {
  const { bindingId, callerRole, peerSealed, expiresAt, restriction, outId } = met
  return {
    bindingId,
    callerRole,
    peer: peerSealed === undefined ? undefined : PhoneNumber.sealed(() => vault.open(peerSealed)),
    expiresAt,
    restriction,
    outId,
    ...mergedTerms(met, number.settings),
  }
}

function mergedTerms(own: OwnTerms, pool: CallTerms): CallTerms {
  return {
    recording: own.recording ?? pool.recording,
    tones: tonesOver(own.tones, pool.tones),
    ringSecondsMax: own.ringSecondsMax ?? pool.ringSecondsMax,
    talkSecondsMax: own.talkSecondsMax ?? pool.talkSecondsMax,
  }
}
