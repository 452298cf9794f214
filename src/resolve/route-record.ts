import type { PoolSettings } from '../domain/call.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import type {
  CallerHoldings,
  OwnTerms,
  SealedBinding,
  SealedLeg,
  SealedNumberRoute,
} from '../domain/route-change.ts'

/**
 * What one key of the cache says. Every value begins with the version at which it was true, then a
 * letter for its kind, then a JSON array of its fields in a fixed order.
 *
 * ```txt
 * 17|n["default-b",false,…]                             what the pool says, and on a line of its own
 *     ["main","FC100000000000001","AXB","normal",…]     X itself with, if it carries just one, its binding
 * 18|b["1000000000000007","A",1764000000,…]             the binding that this party, or this
 *                                                        extension, leads to on X
 * 18|c[["2000000000001"],[],[]]                         what is held about a caller
 * 18|m                                                  so much that it is not kept
 * 18|-                                                  nothing: X is not ours, or nobody is bound
 * 18|?                                                  forgotten: ask Postgres
 * 18|?r1.42                                             forgotten, and reader r1.42 is asking
 * ```
 */
export type CachedValue =
  | { readonly kind: 'number'; readonly version: number; readonly number: SealedNumberRoute }
  | { readonly kind: 'bound'; readonly version: number; readonly bound: SealedLeg }
  | {
      readonly kind: 'caller'
      readonly version: number
      readonly holdings: CallerHoldings | 'much'
    }
  | { readonly kind: 'absent'; readonly version: number }
  | { readonly kind: 'unknown' }

/** All keys of one X share its hash tag; what is held about a caller has a tag of its own. */
export function numberKey(x: VirtualNumber): string {
  return `route:{${x}}`
}

/** `party`: a blind index, or an extension as `extensionParty` names it. */
export function partyKey(x: VirtualNumber, party: string): string {
  return `route:{${x}}:${party}`
}

export function callerKey(party: string): string {
  return `route:{${party}}`
}

export function encodeNumber(version: number, number: SealedNumberRoute): string {
  const { accountId, poolKey, product, state, city, settings, single } = number
  const { callbackMode, screened, controlUrl } = settings
  const ofPool = [callbackMode, screened, controlUrl, ...termFields(settings)]
  const binding = single === undefined ? null : singleFields(single)
  const ofX = [accountId, poolKey, product, state, city, binding]
  return `${version}|n${JSON.stringify(ofPool)}\n${JSON.stringify(ofX)}`
}

function singleFields(single: SealedBinding): readonly unknown[] {
  const { bindingId, expiresAt, restriction, outId, aIndex, aSealed, bSealed, groupId } = single
  const fields = [bindingId, seconds(expiresAt), restriction, outId]
  return [...fields, aIndex, aSealed, bSealed, groupId, ...termFields(single)]
}

export function encodeBound(version: number, bound: SealedLeg): string {
  const { bindingId, callerRole, expiresAt, restriction, outId, peerSealed, aIndex } = bound
  const fields = [bindingId, callerRole, seconds(expiresAt), restriction, outId, peerSealed]
  return `${version}|b${JSON.stringify([...fields, ...termFields(bound), aIndex])}`
}

export function encodeCaller(version: number, holdings: CallerHoldings | 'much'): string {
  if (holdings === 'much') return `${version}|m`
  const { groups, blockedBy, blockedFrom } = holdings
  return `${version}|c${JSON.stringify([groups, blockedBy, blockedFrom])}`
}

export function encodeAbsent(version: number): string {
  return `${version}|-`
}

export function encodeUnknown(version: number): string {
  return `${version}|?`
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}

function termFields(terms: OwnTerms): readonly unknown[] {
  return [terms.recording, terms.tones, terms.ringSecondsMax, terms.talkSecondsMax]
}

const unknown: CachedValue = { kind: 'unknown' }

/** Whatever is not understood is unknown: Postgres is asked, and the value is written anew. */
export function decodeValue(x: VirtualNumber, value: string | null | undefined): CachedValue {
  if (value === null || value === undefined) return unknown
  const bar = value.indexOf('|')
  const version = Number(value.slice(0, bar))
  if (bar < 1 || !Number.isSafeInteger(version)) return unknown
  const content = value.slice(bar + 2)
  switch (value.charAt(bar + 1)) {
    case '-':
      return { kind: 'absent', version }
    case 'n':
      return decodeNumber(x, version, content)
    case 'b':
      return decodeBound(version, fieldsOf(content))
    case 'm':
      return { kind: 'caller', version, holdings: 'much' }
    case 'c':
      return decodeCaller(version, fieldsOf(content))
    default:
      return unknown
  }
}

/** JSON null stands for undefined. */
type Fields = readonly unknown[]

function fieldsOf(text: string): Fields | undefined {
  try {
    const fields: unknown = JSON.parse(text)
    return Array.isArray(fields) ? fields : undefined
  } catch {
    return undefined
  }
}

/** How many fields each kind has: a record of another version of this program has another number. */
const settingsLength = 7
const numberLength = 6
const singleLength = 12
const boundLength = 11
const callerLength = 3

function decodeNumber(x: VirtualNumber, version: number, content: string): CachedValue {
  const end = content.indexOf('\n')
  const settings = end < 0 ? undefined : settingsOf(content.slice(0, end))
  const fields = fieldsOf(content.slice(end + 1))
  if (settings === undefined || fields?.length !== numberLength) return unknown
  const single = fields[5]
  if (single !== null && !(Array.isArray(single) && single.length === singleLength)) return unknown
  const number = {
    x,
    accountId: fields[0],
    poolKey: fields[1],
    product: fields[2],
    state: fields[3],
    city: fields[4] ?? undefined,
    settings,
    single: single === null ? undefined : decodeSingle(single as Fields),
  } as SealedNumberRoute
  return { kind: 'number', version, number }
}

/** What pools say, by the text that says it: few texts, each in the records of many X. */
const knownSettings = new Map<string, PoolSettings>()
const knownSettingsMax = 1_000

function settingsOf(text: string): PoolSettings | undefined {
  const known = knownSettings.get(text)
  if (known !== undefined) return known
  const fields = fieldsOf(text)
  if (fields?.length !== settingsLength) return undefined
  const settings = {
    callbackMode: fields[0],
    screened: fields[1],
    controlUrl: fields[2] ?? undefined,
    recording: fields[3],
    tones: fields[4],
    ringSecondsMax: fields[5],
    talkSecondsMax: fields[6],
  } as PoolSettings
  if (knownSettings.size >= knownSettingsMax) knownSettings.clear()
  knownSettings.set(text, settings)
  return settings
}

function decodeSingle(fields: Fields): SealedBinding {
  return {
    bindingId: fields[0],
    expiresAt: new Date(Number(fields[1]) * 1000),
    restriction: fields[2] ?? undefined,
    outId: fields[3] ?? undefined,
    aIndex: fields[4],
    aSealed: fields[5],
    bSealed: fields[6] ?? undefined,
    groupId: fields[7] ?? undefined,
    recording: fields[8] ?? undefined,
    tones: fields[9] ?? undefined,
    ringSecondsMax: fields[10] ?? undefined,
    talkSecondsMax: fields[11] ?? undefined,
  } as SealedBinding
}

function decodeBound(version: number, fields: Fields | undefined): CachedValue {
  if (fields?.length !== boundLength) return unknown
  const bound = {
    bindingId: fields[0],
    callerRole: fields[1],
    expiresAt: new Date(Number(fields[2]) * 1000),
    restriction: fields[3] ?? undefined,
    outId: fields[4] ?? undefined,
    peerSealed: fields[5] ?? undefined,
    recording: fields[6] ?? undefined,
    tones: fields[7] ?? undefined,
    ringSecondsMax: fields[8] ?? undefined,
    talkSecondsMax: fields[9] ?? undefined,
    aIndex: fields[10] ?? undefined,
  } as SealedLeg
  return { kind: 'bound', version, bound }
}

function decodeCaller(version: number, fields: Fields | undefined): CachedValue {
  if (fields?.length !== callerLength || !fields.every(Array.isArray)) return unknown
  const [groups, blockedBy, blockedFrom] = fields
  return {
    kind: 'caller',
    version,
    holdings: { groups, blockedBy, blockedFrom } as CallerHoldings,
  }
}
