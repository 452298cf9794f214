import { type RouteRecord, stranger } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { extensionParty, type SealedNumberRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { CacheTrust } from './cache-trust.ts'
import { createLookInCache, type Known, knownFrom } from './look-in-cache.ts'
import { boundRoute, type Met, meet, sealedNumber } from './meet.ts'
import type { RouteQuestion } from './read-cached.ts'
import type { ReadRoute, RouteCache } from './route-cache.ts'
import { createFindStanding, standingDecides } from './standing.ts'
import { createTruth, isAway, type TruthUse } from './truth.ts'

/** Where an answer came from. `miss`: from Postgres, and put into Redis. `postgres`: Redis was not asked or not believed. */
export type LookupSource = 'redis' | 'miss' | 'postgres' | 'failed'

const elsewhere: Readonly<Record<TruthUse, LookupSource>> = { miss: 'miss', direct: 'postgres' }

export type ResolveRoute = (attempt: {
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
  readonly extension?: string | undefined
  /** When the call came in: now, unless told. */
  readonly receivedAt?: Date | undefined
}) => Promise<RouteRecord>

type Deps = {
  readonly cache: Pick<RouteCache, 'read' | 'claim' | 'fill' | 'claimCaller' | 'fillCaller'>
  readonly trust: Pick<CacheTrust, 'believes' | 'doubt'>
  readonly sql: Sql
  readonly vault: Vault
  readonly log: Logger
  readonly onLookup?: (source: LookupSource) => void
}

/**
 * What is true for this caller on this X. One round trip to Redis as a rule; Postgres for what is
 * not there yet, or when Redis is not to be believed. A binding just past its expiry may still be
 * in the record: the plan decides by the call's own time. Rejects with `route-unavailable` when
 * neither can tell.
 */
export function createResolveRoute(deps: Deps): ResolveRoute {
  const { vault } = deps
  const onLookup = deps.onLookup ?? (() => undefined)
  const lookInCache = createLookInCache(deps)
  const truth = createTruth(deps)
  const findStanding = createFindStanding({ ...deps, truth })

  async function resolve(question: RouteQuestion, at: Date): Promise<RouteRecord> {
    const { party } = question
    const cached = await lookInCache(question)
    const inCache = knownFrom(cached, question, at)
    const use: TruthUse = cached === undefined ? 'direct' : 'miss'
    const known = inCache ?? knownFromTruth(await truth.route(question, use), question)
    const { number, version } = known
    const met = meet(number, known, party, at)
    const lastCaller = isCallback(number, met) ? await truth.lastCaller(met) : undefined
    const found =
      party !== undefined && standingDecides(number, met)
        ? await findStanding(number, { party, use, met, lastCaller }, cached)
        : undefined
    const isFromRedis = inCache !== undefined && found?.isFromTruth !== true
    onLookup(isFromRedis ? 'redis' : elsewhere[use])
    return {
      number,
      binding: boundRoute(met, number, vault),
      standing: found?.standing ?? stranger,
      lastCaller: sealedNumber(lastCaller, vault),
      source: isFromRedis ? 'redis' : 'postgres',
      version,
    }
  }

  return async ({ caller, dialled, extension, receivedAt }) => {
    const party = caller === undefined ? undefined : vault.blindIndex(caller)
    try {
      return await resolve({ x: dialled, party, extension }, receivedAt ?? new Date())
    } catch (err) {
      onLookup('failed')
      if (isAway(err)) throw routeUnavailable(err)
      throw err
    }
  }
}

function knownFromTruth({ number, version, parties }: ReadRoute, question: RouteQuestion): Known {
  const leg = (party: string) => parties.find((each) => each.party === party)?.bound
  return {
    number,
    own: question.party === undefined ? undefined : leg(question.party),
    dialled: question.extension === undefined ? undefined : leg(extensionParty(question.extension)),
    version,
  }
}

/** Whether A calls and is sent to whoever called last. */
function isCallback(number: SealedNumberRoute | undefined, met: Met | undefined): met is Met {
  if (number === undefined || number.product === 'AXB') return false
  return met?.callerRole === 'A' && number.settings.callbackMode === 'last-caller'
}

function routeUnavailable(cause: unknown): DomainError {
  return new DomainError(
    'route-unavailable',
    503,
    'Neither the cache nor the database can tell who is behind this number now.',
    { cause },
  )
}
