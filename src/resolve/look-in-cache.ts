import type { SealedLeg, SealedNumberRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { CacheTrust } from './cache-trust.ts'
import { standingMatters } from './meet.ts'
import type { CachedRoute, RecordsWanted, RouteQuestion } from './read-cached.ts'
import { createWantedRecords } from './records-wanted.ts'
import type { RouteCache } from './route-cache.ts'
import type { CachedValue } from './route-record.ts'

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

  async function read(question: RouteQuestion): Promise<CachedRoute> {
    const { x } = question
    const wanted = wantedRecords.for(x)
    const cached = await cache.read(question, wanted)
    if (cached.number.kind !== 'number') return cached
    const needed = recordsNeeded(cached.number.number)
    if (needed.legs !== wanted.legs || needed.caller !== wanted.caller) {
      wantedRecords.learn(x, needed)
    }
    const isAllThere = (wanted.legs || !needed.legs) && (wanted.caller || !needed.caller)
    return isAllThere ? cached : cache.read(question, needed)
  }

  return async (question) => {
    const { x, party } = question
    if (!trust.believes(x, party)) return undefined
    try {
      const cached = await read(question)
      // Asked once more: the answer may be older than the news that it is not to be believed.
      return trust.believes(x, party) ? cached : undefined
    } catch (err) {
      trust.doubt()
      log.debug({ err }, 'route cache could not be read')
      return undefined
    }
  }
}

/** An X that carries one binding has it in its own record; so has one that carries none at all. */
function recordsNeeded(number: SealedNumberRoute): RecordsWanted {
  const legs = number.product === 'AXB' || number.product === 'AXN_EXTENSION'
  return { legs, caller: standingMatters(number) }
}

/** Undefined: Redis does not know enough. */
export function knownFrom(
  cached: CachedRoute,
  question: RouteQuestion,
  at: Date,
): Known | undefined {
  const { number } = cached
  const none = { own: undefined, dialled: undefined }
  if (number.kind === 'absent') return { number: undefined, ...none, version: number.version }
  if (number.kind !== 'number') return undefined
  const asked = legsAsked(cached, number.number, question, at)
  if (!asked.every(isTold)) return undefined
  const versions = asked.map((each) => ('version' in each ? each.version : 0))
  return {
    number: number.number,
    own: legIn(cached.party),
    dialled: legIn(cached.extension),
    version: Math.max(number.version, ...versions),
  }
}

function legsAsked(
  { party, extension }: CachedRoute,
  { product }: SealedNumberRoute,
  question: RouteQuestion,
  at: Date,
): readonly CachedValue[] {
  const own = question.party === undefined ? [] : [party]
  if (product === 'AXB') return own
  if (product !== 'AXN_EXTENSION') return []
  if (question.extension === undefined) return own
  return isOfAnother(extension, question.party, at) ? [extension] : [...own, extension]
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

function legIn(value: CachedValue): SealedLeg | undefined {
  return value.kind === 'bound' ? value.bound : undefined
}
