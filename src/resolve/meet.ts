import type { BoundRoute, CallerRole } from '../domain/call.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type { OwnTerms, SealedLeg, SealedNumberRoute } from '../domain/route-change.ts'
import { tonesOver } from '../domain/tones.ts'
import type { Vault } from '../platform/vault.ts'

/** The caller's own leg on X, and that of the extension that was dialled; undefined: there is none. */
type Legs = {
  readonly own: SealedLeg | undefined
  readonly dialled: SealedLeg | undefined
}

/** A binding, and as whom this caller meets it. */
export type Met = {
  readonly binding: OwnTerms & Pick<SealedLeg, 'bindingId' | 'expiresAt' | 'restriction' | 'outId'>
  readonly callerRole: CallerRole
  readonly peerSealed: string | undefined
  /** The group that a caller must be in who is not A. */
  readonly groupId: string | undefined
}

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
export function meet(
  number: SealedNumberRoute | undefined,
  legs: Legs,
  party: string | undefined,
  at: Date,
): Met | undefined {
  if (number === undefined) return undefined
  const met =
    number.product === 'AXB'
      ? metLeg(legs.own)
      : number.product === 'AXN_EXTENSION'
        ? metExtension(legs, at)
        : metSingle(number, party)
  if (met === undefined || met.binding.expiresAt.getTime() + expiredMs <= at.getTime()) {
    return undefined
  }
  return met
}

function metSingle(
  { single, product }: SealedNumberRoute,
  party: string | undefined,
): Met | undefined {
  if (single === undefined) return undefined
  const { aIndex, aSealed, bSealed, groupId } = single
  if (party === aIndex) return { binding: single, callerRole: 'A', peerSealed: bSealed, groupId }
  const callerRole: CallerRole = product === 'AXG' ? 'G' : 'N'
  return { binding: single, callerRole, peerSealed: aSealed, groupId }
}

/** Whoever was A is anybody again at once: he is asked for an extension as they are. */
function metExtension({ own, dialled }: Legs, at: Date): Met | undefined {
  const asA = own !== undefined && own.expiresAt > at ? own : undefined
  const leadsElsewhere =
    dialled !== undefined &&
    dialled.bindingId !== asA?.bindingId &&
    (dialled.expiresAt > at || asA === undefined)
  return metLeg(leadsElsewhere ? dialled : asA)
}

function metLeg(leg: SealedLeg | undefined): Met | undefined {
  if (leg === undefined) return undefined
  const { callerRole, peerSealed } = leg
  return { binding: leg, callerRole, peerSealed, groupId: undefined }
}

/**
 * The peer stays sealed until somebody asks for it: a call that is refused never opens it, and
 * opening costs more than all the rest of a lookup.
 */
export function boundRoute(
  met: Met | undefined,
  number: SealedNumberRoute | undefined,
  vault: Vault,
): BoundRoute | undefined {
  if (met === undefined || number === undefined) return undefined
  const { binding, callerRole, peerSealed } = met
  const { settings } = number
  return {
    bindingId: binding.bindingId,
    callerRole,
    peer: sealedNumber(peerSealed, vault),
    expiresAt: binding.expiresAt,
    restriction: binding.restriction,
    outId: binding.outId,
    recording: binding.recording ?? settings.recording,
    tones: tonesOver(binding.tones, settings.tones),
    ringSecondsMax: binding.ringSecondsMax ?? settings.ringSecondsMax,
    talkSecondsMax: binding.talkSecondsMax ?? settings.talkSecondsMax,
  }
}

export function sealedNumber(sealed: string | undefined, vault: Vault): PhoneNumber | undefined {
  return sealed === undefined ? undefined : PhoneNumber.sealed(() => vault.open(sealed))
}
