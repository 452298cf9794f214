import type { PoolSettings, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import {
  extensionParty,
  type OwnTerms,
  type RouteChange,
  type SealedBinding,
  type SealedLeg,
  type SealedNumberRoute,
} from '../domain/route-change.ts'

/** A live binding as it is stored, with what calls see of it. */
export type StoredBinding = OwnTerms & {
  readonly id: string
  readonly product: string
  readonly aIndex: string
  readonly aSealed: string
  readonly bIndex: string | undefined
  readonly bSealed: string | undefined
  readonly extension: string | undefined
  readonly groupId: string | undefined
  readonly expiresAt: Date
  readonly restriction: string | undefined
  readonly outId: string | undefined
}

/** X as a change has left it. */
export type ChangedNumber = {
  readonly invalidationId: string
  readonly version: string
  readonly accountId: string
  readonly poolKey: string
  readonly x: string
  readonly product: string
  readonly state: string
  readonly city: string | null
  readonly settings: PoolSettings
}

/** What calls see of an X with this binding on it. `leaving`: those who no longer lead to it. */
export function changeWith(
  number: ChangedNumber,
  binding: StoredBinding,
  leaving: readonly string[] = [],
): RouteChange {
  const gone = leaving.map((party) => ({ party, bound: undefined }))
  switch (binding.product as Product) {
    case 'AXB':
      return changeOf(number, [...gone, ...partyRecords(binding)], undefined)
    case 'AXN_EXTENSION':
      return changeOf(number, [...gone, ...extensionRecords(binding)], undefined)
    default:
      return changeOf(number, gone, singleOf(binding))
  }
}

/** What calls see of an X when this binding has ended. */
export function changeWithout(number: ChangedNumber, parties: readonly string[]): RouteChange {
  return changeOf(
    number,
    parties.map((party) => ({ party, bound: undefined })),
    undefined,
  )
}

function changeOf(
  number: ChangedNumber,
  parties: RouteChange['parties'],
  single: SealedBinding | undefined,
): RouteChange {
  const x = number.x as VirtualNumber
  return {
    id: number.invalidationId,
    x,
    version: Number(number.version),
    number: {
      x,
      accountId: number.accountId as AccountId,
      poolKey: number.poolKey as PoolKey,
      product: number.product as Product,
      state: number.state as SealedNumberRoute['state'],
      city: number.city ?? undefined,
      settings: number.settings,
      single,
    },
    parties,
  }
}

function partyRecords(binding: StoredBinding): RouteChange['parties'] {
  const { aIndex, bIndex, aSealed, bSealed } = binding
  const a: SealedLeg = { ...commonOf(binding), callerRole: 'A', peerSealed: bSealed }
  const b: SealedLeg = { ...commonOf(binding), callerRole: 'B', peerSealed: aSealed }
  const records = [{ party: aIndex, bound: a }]
  return bIndex === undefined ? records : [...records, { party: bIndex, bound: b }]
}

function extensionRecords(binding: StoredBinding): RouteChange['parties'] {
  const { aIndex, aSealed, bSealed, extension = '' } = binding
  return [
    { party: aIndex, bound: { ...commonOf(binding), callerRole: 'A', peerSealed: bSealed } },
    {
      party: extensionParty(extension),
      bound: { ...commonOf(binding), callerRole: 'N', peerSealed: aSealed, aIndex },
    },
  ]
}

function singleOf(binding: StoredBinding): SealedBinding {
  const { aIndex, aSealed, bSealed, groupId } = binding
  return { ...commonOf(binding), aIndex, aSealed, bSealed, groupId }
}

function commonOf(binding: StoredBinding): Omit<SealedLeg, 'callerRole' | 'peerSealed'> {
  return {
    bindingId: binding.id as BindingId,
    expiresAt: binding.expiresAt,
    restriction: binding.restriction as SealedLeg['restriction'],
    outId: binding.outId,
    recording: binding.recording,
    tones: binding.tones,
    ringSecondsMax: binding.ringSecondsMax,
    talkSecondsMax: binding.talkSecondsMax,
  }
}
