import type { BoundRoute, CallerRole, CallerStanding, CallTerms } from '../domain/call.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type {
  CallerHoldings,
  OwnTerms,
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
 * For so long a binding that has expired is still told from none at all: then calls go as if it had
 * been swept, whether or not it has, and whoever tells.
 */
const expiredMs = 60_000

/**
 * Which binding this caller meets on X, and as whom (product-semantics 1.2). Whoever is A of the
 * binding calls as A, whatever else he is. An extension leads to its own binding, unless the caller
 * is A of that very one; an extension that nobody has leaves A what he is.
 */
export function meet(records: Records, party: string | undefined, at: Date): Met | undefined {
  const { number } = records
  const met =
    number.product === 'AXN_EXTENSION'
      ? metExtension(records, at)
      : number.product === 'AXB'
        ? alone(records.own)
        : metSingle(number, party)
  if (met === undefined || met.expiresAt.getTime() + expiredMs <= at.getTime()) return undefined
  return met
}

function metSingle(
  { single, product }: SealedNumberRoute,
  party: string | undefined,
): Met | undefined {
  if (single === undefined) return undefined
  const { aIndex, aSealed, bSealed, groupId, ...binding } = single
  if (party === aIndex) return { ...binding, callerRole: 'A', peerSealed: bSealed, groupId }
  const callerRole: CallerRole = product === 'AXG' ? 'G' : 'N'
  return { ...binding, callerRole, peerSealed: aSealed, groupId }
}

/** Whoever was A is anybody again at once: he is asked for an extension as they are. */
function metExtension({ own, dialled }: Records, at: Date): Met | undefined {
  const asA = own !== undefined && own.expiresAt > at ? own : undefined
  const leadsElsewhere =
    dialled !== undefined &&
    dialled.bindingId !== asA?.bindingId &&
    (dialled.expiresAt > at || asA === undefined)
  return alone(leadsElsewhere ? dialled : asA)
}

function alone(leg: SealedLeg | undefined): Met | undefined {
  return leg === undefined ? undefined : { ...leg, groupId: undefined }
}

/** Whether what is held about the caller decides anything about this call. */
export function standingMatters(number: SealedNumberRoute): boolean {
  return number.settings.screened || number.product === 'AXG'
}

/** Nothing is held, or nothing that matters. */
export const noStanding: CallerStanding = {
  isKnown: true,
  blockedByPool: false,
  blockedFromPeer: false,
  blockedFromLastCaller: false,
  inGroup: false,
}

export function standingOf(
  holdings: CallerHoldings,
  call: {
    readonly number: SealedNumberRoute
    readonly met: Met | undefined
    readonly lastCaller: string | undefined
  },
  indexOf: (sealed: string) => string,
): CallerStanding {
  const { number, met, lastCaller } = call
  const barred = holdings.blockedFrom.filter(([pool]) => pool === number.poolKey)
  // Unsealing and indexing costs more than the rest of the lookup: only for who has entries.
  const isBarredFrom = (sealed: string | undefined): boolean => {
    if (barred.length === 0 || sealed === undefined) return false
    const index = indexOf(sealed)
    return barred.some(([, party]) => party === index)
  }
  return {
    isKnown: true,
    blockedByPool: holdings.blockedBy.includes(number.poolKey),
    blockedFromPeer: isBarredFrom(met?.peerSealed),
    blockedFromLastCaller: isBarredFrom(lastCaller),
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
