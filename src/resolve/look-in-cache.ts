import type { Product } from '../domain/call.ts'
import type { SealedLeg, SealedNumberRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { CacheTrust } from './cache-trust.ts'
import type { CachedRoute, RecordsWanted, RouteQuestion } from './read-cached.ts'
import { createWantedRecords, recordsWanted } from './records-wanted.ts'
import type { RouteCache } from './route-cache.ts'
import type { CachedValue } from './route-record.ts'
import { standingMatters } from './standing.ts'

/** What is known of X for this caller. */
export type Known = {
  readonly number: SealedNumberRoute | undefined
  readonly own: SealedLeg | undefined
  readonly dialled: SealedLeg | undefined
  readonly version: number
}

/** Undefined: Redis is not to be believed about this. */
export type LookInCache = (question: RouteQuestion) => Promise<CachedRoute | undefined>

/** One round trip, two for the first call to an X of an unusual kind. */
export function createLookInCache(deps: {
  cache: Pick<RouteCache, 'read'>
  trust: Pick<CacheTrust, 'believes' | 'doubt'>
  log: Logger
}): LookInCache {
  const { cache, trust, log } = deps
  const wantedRecords = createWantedRecords()

  return async (question) => {
    const { x, party } = question
    if (!trust.believes(x, party)) return undefined
    try {
      const wanted = wantedRecords.for(x)
      let cached = await cache.read(question, wanted)
      if (cached.number.kind === 'number') {
        const needed = recordsNeeded(cached.number.number)
        if (needed !== wanted) wantedRecords.learn(x, needed)
        if (!covers(wanted, needed)) cached = await cache.read(question, needed)
      }
      // Asked once more: the answer may be older than the news that it is not to be believed.
      return trust.believes(x, party, poolOf(cached)) ? cached : undefined
    } catch (err) {
      trust.doubt()
      log.debug({ err }, 'route cache could not be read')
      return undefined
    }
  }
}

function poolOf({ number }: CachedRoute): string | undefined {
  return number.kind === 'number' ? number.number.poolKey : undefined
}

/** An X that carries one binding has it in its own record; so has one that carries none at all. */
function recordsNeeded(number: SealedNumberRoute): RecordsWanted {
  const legs = number.product === 'AXB' || number.product === 'AXN_EXTENSION'
  return recordsWanted(legs, standingMatters(number))
}

function covers(wanted: RecordsWanted, needed: RecordsWanted): boolean {
  return (wanted.legs || !needed.legs) && (wanted.caller || !needed.caller)
}

/** Undefined: Redis does not know enough. */
export function knownFrom(
  cached: CachedRoute | undefined,
  question: RouteQuestion,
  at: Date,
): Known | undefined {
  if (cached === undefined) return undefined
  const { number } = cached
  if (number.kind === 'absent') {
    return { number: undefined, own: undefined, dialled: undefined, version: number.version }
  }
  if (number.kind !== 'number') return undefined
  const { product } = number.number
  const { party, extension } = cached
  const needs = needsOf(product, cached, question, at)
  if ((needs.own && !isTold(party)) || (needs.dialled && !isTold(extension))) return undefined
  return {
    number: number.number,
    own: legIn(party),
    dialled: legIn(extension),
    version: Math.max(number.version, versionOf(party), versionOf(extension)),
  }
}

function needsOf(
  product: Product,
  { extension }: CachedRoute,
  question: RouteQuestion,
  at: Date,
): { readonly own: boolean; readonly dialled: boolean } {
  const own = question.party !== undefined
  if (product === 'AXB') return { own, dialled: false }
  if (product !== 'AXN_EXTENSION') return { own: false, dialled: false }
  if (question.extension === undefined) return { own, dialled: false }
  return { own: own && !isOfAnother(extension, question.party, at), dialled: true }
}

/** An extension that is live and whose A is somebody else: who the caller is otherwise does not matter. */
function isOfAnother(extension: CachedValue, party: string | undefined, at: Date): boolean {
  if (extension.kind !== 'bound' || extension.bound.expiresAt <= at) return false
  const { aIndex } = extension.bound
  return aIndex !== undefined && aIndex !== party
}

function isTold({ kind }: CachedValue): boolean {
  return kind === 'bound' || kind === 'absent'
}

function versionOf(value: CachedValue): number {
  return value.kind === 'unknown' ? 0 : value.version
}

function legIn(value: CachedValue): SealedLeg | undefined {
  return value.kind === 'bound' ? value.bound : undefined
}
