import type { CallerRole, NumberRoute, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { SealedBoundRoute } from '../domain/route-change.ts'

/**
 * What one key of the cache says. Every value begins with the version of X at which it was true.
 *
 * ```txt
 * 17|n|main|FC100000000000001|AXB|normal|Hangzhou       X itself
 * 18|b|1000000000000007|A|1764000000|1|60|14400|||k1.…|order-7    this party's binding on X
 * 18|-                                                  nothing: X is not ours, or the party is not bound
 * 18|?                                                  forgotten: ask Postgres
 * 18|?r1.42                                             forgotten, and reader r1.42 is asking
 * ```
 * Fields hold no `|`, except the last, which is free text.
 */
export type CachedValue =
  | { readonly kind: 'number'; readonly version: number; readonly number: NumberRoute }
  | { readonly kind: 'bound'; readonly version: number; readonly bound: SealedBoundRoute }
  | { readonly kind: 'absent'; readonly version: number }
  | { readonly kind: 'unknown' }

/** All keys of one X share its hash tag, so that one MGET is possible in a cluster. */
export function numberKey(x: VirtualNumber): string {
  return `route:{${x}}`
}

export function partyKey(x: VirtualNumber, party: string): string {
  return `route:{${x}}:${party}`
}

export function encodeNumber(version: number, number: NumberRoute): string {
  const { accountId, poolKey, product, state, city } = number
  return `${version}|n|${accountId}|${poolKey}|${product}|${state}|${city ?? ''}`
}

export function encodeBound(version: number, bound: SealedBoundRoute): string {
  const expires = Math.floor(bound.expiresAt.getTime() / 1000)
  const limits = `${bound.recording ? 1 : 0}|${bound.ringSecondsMax}|${bound.talkSecondsMax}`
  const asked = `${bound.restriction ?? ''}|${bound.ringback ?? ''}`
  return `${version}|b|${bound.bindingId}|${bound.callerRole}|${expires}|${limits}|${asked}|${bound.calleeSealed}|${bound.outId ?? ''}`
}

export function encodeAbsent(version: number): string {
  return `${version}|-`
}

export function encodeUnknown(version: number): string {
  return `${version}|?`
}

const unknown: CachedValue = { kind: 'unknown' }

/** Whatever is not understood is unknown: Postgres is asked, and the value is written anew. */
export function decodeValue(x: VirtualNumber, value: string | null | undefined): CachedValue {
  if (value === null || value === undefined) return unknown
  const bar = value.indexOf('|')
  const version = Number(value.slice(0, bar))
  if (bar < 1 || !Number.isSafeInteger(version)) return unknown
  switch (value.charAt(bar + 1)) {
    case 'n':
      return decodeNumber(x, version, value.split('|'))
    case 'b':
      return decodeBound(version, value.split('|'))
    case '-':
      return { kind: 'absent', version }
    default:
      return unknown
  }
}

function decodeNumber(x: VirtualNumber, version: number, fields: readonly string[]): CachedValue {
  const [, , accountId, poolKey, product, state, ...city] = fields
  if (accountId === undefined || poolKey === undefined || product === undefined) return unknown
  if (state !== 'normal' && state !== 'locked' && state !== 'frozen') return unknown
  const number: NumberRoute = {
    x,
    accountId: accountId as AccountId,
    poolKey: poolKey as PoolKey,
    product: product as Product,
    state,
    city: freeText(city),
  }
  return { kind: 'number', version, number }
}

function decodeBound(version: number, fields: readonly string[]): CachedValue {
  const [, , bindingId, role, expires, recording, ring, talk, restriction, ringback, sealed] =
    fields
  if (sealed === undefined || (role !== 'A' && role !== 'B')) return unknown
  const bound: SealedBoundRoute = {
    bindingId: bindingId as BindingId,
    callerRole: role satisfies CallerRole,
    calleeSealed: sealed,
    expiresAt: new Date(Number(expires) * 1000),
    recording: recording === '1',
    ringback: ringback === '' ? undefined : ringback,
    ringSecondsMax: Number(ring),
    talkSecondsMax: Number(talk),
    restriction: restriction === 'AX' || restriction === 'BX' ? restriction : undefined,
    outId: fields.length === 12 ? textOrNothing(fields[11]) : freeText(fields.slice(11)),
  }
  return { kind: 'bound', version, bound }
}

function textOrNothing(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function freeText(parts: readonly string[]): string | undefined {
  return textOrNothing(parts.join('|'))
}
