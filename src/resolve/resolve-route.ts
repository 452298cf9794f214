import type { CallerStanding, RouteRecord } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import { extensionParty, type SealedNumberRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { CacheTrust } from './cache-trust.ts'
import { createLookInCache, type Known, knownFrom } from './look-in-cache.ts'
import { boundRoute, type Met, meet, noStanding, standingMatters, standingOf } from './meet.ts'
import type { CachedRoute, RouteQuestion } from './read-cached.ts'
import type { ReadCaller, ReadRoute, RouteCache } from './route-cache.ts'
import { createTruth, isAway, type TruthUse } from './truth.ts'

/** Where an answer came from. `miss`: from Postgres, and put into Redis. `postgres`: Redis was not asked or not believed. */
export type LookupSource = 'redis' | 'miss' | 'postgres' | 'failed'

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

type Asked = {
  readonly question: RouteQuestion
  readonly at: Date
  readonly cached: CachedRoute | undefined
  readonly use: TruthUse
}

type Rest = Omit<RouteRecord, 'source' | 'version'> & {
  /** Whether Postgres had to be asked about the caller. */
  readonly isFromTruth: boolean
}

const nothingFound: Rest = {
  number: undefined,
  binding: undefined,
  standing: noStanding,
  lastCaller: undefined,
  isFromTruth: false,
}

/**
 * What is true for this caller on this X. One round trip to Redis as a rule; Postgres for what is
 * not there yet, or when Redis is not to be believed. A binding just past its expiry may still be
 * in the record: the plan decides by the call's own time. Rejects with `route-unavailable` when
 * neither can tell.
 */
export function createResolveRoute(deps: Deps): ResolveRoute {
  const onLookup = deps.onLookup ?? (() => undefined)
  const lookInCache = createLookInCache(deps)
  const truth = createTruth(deps)

  async function resolve(question: RouteQuestion, at: Date): Promise<[RouteRecord, LookupSource]> {
    const cached = await lookInCache(question)
    const inCache = cached === undefined ? undefined : knownFrom(cached, question, at)
    const use: TruthUse = cached === undefined ? 'direct' : 'miss'
    const known = inCache ?? knownFromTruth(await truth.route(question, use), question)
    const { version } = known
    const { isFromTruth, ...found } = await findRest(known, { question, at, cached, use })
    if (inCache !== undefined && !isFromTruth) {
      return [{ ...found, source: 'redis', version }, 'redis']
    }
    return [{ ...found, source: 'postgres', version }, use === 'miss' ? 'miss' : 'postgres']
  }

  async function findRest({ number, ...legs }: Known, asked: Asked): Promise<Rest> {
    if (number === undefined) return nothingFound
    const { party } = asked.question
    const met = meet({ ...legs, number }, party, asked.at)
    const holdings =
      party === undefined || !standingMatters(number)
        ? undefined
        : await holdingsOf(deps, truth, { ...asked, number, party })
    const lastCaller = isCallback(number, met) ? await truth.lastCaller(met.bindingId) : undefined
    return {
      number,
      binding: met === undefined ? undefined : boundRoute(met, number, deps.vault),
      standing: standingFrom(deps, holdings, { number, met, lastCaller }),
      lastCaller: unsealed(deps, lastCaller),
      isFromTruth: holdings?.isFromTruth === true,
    }
  }

  return async ({ caller, dialled, extension, receivedAt }) => {
    const party = caller === undefined ? undefined : deps.vault.blindIndex(caller)
    try {
      const question = { x: dialled, party, extension }
      const [record, source] = await resolve(question, receivedAt ?? new Date())
      onLookup(source)
      return record
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

/** What is held about the caller. Undefined in it: nobody can tell. */
type Holdings = {
  readonly holdings: ReadCaller['holdings'] | undefined
  readonly isFromTruth: boolean
}

async function holdingsOf(
  { log }: Deps,
  truth: ReturnType<typeof createTruth>,
  given: Pick<Asked, 'use' | 'cached'> & {
    readonly number: SealedNumberRoute
    readonly party: string
  },
): Promise<Holdings> {
  const { number, party, use, cached } = given
  if (cached?.caller.kind === 'caller') {
    return { holdings: cached.caller.holdings, isFromTruth: false }
  }
  try {
    const { holdings } = await truth.caller(party, use)
    return { holdings, isFromTruth: true }
  } catch (err) {
    // Whom a blacklist bars is let through while nobody can tell, rather than all others kept out;
    // who is not known to be in a group is not.
    if (!isAway(err) || number.product === 'AXG') throw err
    log.warn({ err, x: number.x }, 'a call goes on without the blacklist')
    return { holdings: undefined, isFromTruth: true }
  }
}

function standingFrom(
  { vault }: Deps,
  holdings: Holdings | undefined,
  call: {
    readonly number: SealedNumberRoute
    readonly met: Met | undefined
    readonly lastCaller: string | undefined
  },
): CallerStanding {
  if (holdings === undefined) return noStanding
  const held = holdings.holdings
  if (held === undefined) return { ...noStanding, isKnown: false }
  const indexOf = (sealed: string) => vault.blindIndex(vault.open(sealed))
  return standingOf(held, call, indexOf)
}

/** Whether A calls and is sent to whoever called last. */
function isCallback(number: SealedNumberRoute, met: Met | undefined): met is Met {
  if (number.product === 'AXB') return false
  return met?.callerRole === 'A' && number.settings.callbackMode === 'last-caller'
}

function unsealed({ vault }: Deps, sealed: string | undefined): PhoneNumber | undefined {
  return sealed === undefined ? undefined : PhoneNumber.sealed(() => vault.open(sealed))
}

function routeUnavailable(cause: unknown): DomainError {
  return new DomainError(
    'route-unavailable',
    503,
    'Neither the cache nor the database can tell who is behind this number now.',
    { cause },
  )
}
