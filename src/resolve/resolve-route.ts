import type { CallerStanding, RouteRecord } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { BindingId, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { extensionParty, type SealedLeg, type SealedNumberRoute } from '../domain/route-change.ts'
import { NotTriedError } from '../platform/breaker.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { CacheTrust } from './cache-trust.ts'
import { findLastCaller } from './last-caller.ts'
import { boundRoute, goodStanding, type Met, meet, standingMatters, standingOf } from './meet.ts'
import type { CachedRoute, RouteQuestion } from './read-cached.ts'
import type { ReadRoute, RouteCache } from './route-cache.ts'
import type { CachedValue } from './route-record.ts'
import { createTruth, isDatabaseAway, type TruthUse } from './truth.ts'

/** Where an answer came from. `miss`: from Postgres, and put into Redis. `postgres`: Redis was not asked or not believed. */
export type LookupSource = 'redis' | 'miss' | 'postgres' | 'failed'

export type ResolveRoute = (attempt: {
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
  readonly extension?: string | undefined
}) => Promise<RouteRecord>

type Deps = {
  readonly cache: Pick<RouteCache, 'read' | 'claim' | 'fill' | 'claimCaller' | 'fillCaller'>
  readonly trust: Pick<CacheTrust, 'believes' | 'doubt'>
  readonly sql: Sql
  readonly vault: Vault
  readonly log: Logger
  readonly onLookup?: (source: LookupSource) => void
}

/** What is known of X for this caller, and from where. */
type Found = {
  readonly number: SealedNumberRoute | undefined
  readonly met: Met | undefined
  readonly version: number
  readonly source: 'redis' | 'postgres'
}

/**
 * What is true for this caller on this X. One round trip to Redis as a rule; Postgres for what is
 * not there yet, or when Redis is not to be believed. A binding past its expiry may still be in
 * the record: the plan decides by the call's own time. Rejects with `route-unavailable` when
 * neither can tell.
 */
export function createResolveRoute(deps: Deps): ResolveRoute {
  const { vault } = deps
  const onLookup = deps.onLookup ?? (() => undefined)
  const truth = createTruth(deps)

  async function resolve(question: RouteQuestion): Promise<[RouteRecord, LookupSource]> {
    const cached = await readCache(deps, question)
    const use: TruthUse = cached === undefined ? 'direct' : 'miss'
    const found =
      (cached === undefined ? undefined : foundInCache(cached, question)) ??
      foundInTruth(await truth.route(question, use), question)
    const { number, met } = found
    let source = found.source
    let standing = goodStanding
    if (number !== undefined && question.party !== undefined && standingMatters(number, met)) {
      const held = cached?.caller.kind === 'caller' ? cached.caller : undefined
      if (held === undefined) source = 'postgres'
      const { holdings } = held ?? (await truth.caller(question.party, use))
      standing = standingOf(holdings, number, met, (sealed) => vault.blindIndex(vault.open(sealed)))
    }
    const record = { ...(await recordOf(found, standing, deps)), source }
    if (source === 'redis') return [record, 'redis']
    return [record, use === 'miss' ? 'miss' : 'postgres']
  }

  return async ({ caller, dialled, extension }) => {
    const party = caller === undefined ? undefined : vault.blindIndex(caller)
    try {
      const [record, source] = await resolve({ x: dialled, party, extension })
      onLookup(source)
      return record
    } catch (err) {
      onLookup('failed')
      if (err instanceof NotTriedError || isDatabaseAway(err)) throw routeUnavailable(err)
      throw err
    }
  }
}

/** Undefined: Redis is not to be believed about this. */
async function readCache(
  { cache, trust, log }: Deps,
  question: RouteQuestion,
): Promise<CachedRoute | undefined> {
  const { x, party } = question
  if (!trust.believes(x, party)) return undefined
  try {
    const cached = await cache.read(question)
    // Asked once more: the answer may be older than the news that it is not to be believed.
    return trust.believes(x, party) ? cached : undefined
  } catch (err) {
    trust.doubt()
    log.debug({ err }, 'route cache could not be read')
    return undefined
  }
}

/** Undefined: Redis does not know enough. */
function foundInCache(cached: CachedRoute, question: RouteQuestion): Found | undefined {
  const { number } = cached
  const source = 'redis'
  if (number.kind === 'absent') {
    return { number: undefined, met: undefined, version: number.version, source }
  }
  if (number.kind !== 'number') return undefined
  const asked = [
    ...(question.party === undefined ? [] : [cached.party]),
    ...(question.extension === undefined ? [] : [cached.extension]),
  ]
  // An X that carries one binding has it in its own record; so has one that carries none at all.
  const needed = legsMatter(number.number) ? asked : []
  if (!needed.every((each) => each.kind === 'bound' || each.kind === 'absent')) return undefined
  const records = {
    number: number.number,
    own: legIn(cached.party),
    dialled: legIn(cached.extension),
  }
  const versions = needed.map((each) => ('version' in each ? each.version : 0))
  return {
    number: number.number,
    met: meet(records, question.party),
    version: Math.max(number.version, ...versions),
    source,
  }
}

function legsMatter(number: SealedNumberRoute): boolean {
  return number.product === 'AXB' || number.product === 'AXN_EXTENSION'
}

function legIn(value: CachedValue): SealedLeg | undefined {
  return value.kind === 'bound' ? value.bound : undefined
}

function foundInTruth(read: ReadRoute, question: RouteQuestion): Found {
  const { number, version, parties } = read
  const source = 'postgres'
  if (number === undefined) return { number, met: undefined, version, source }
  const leg = (party: string) => parties.find((each) => each.party === party)?.bound
  const records = {
    number,
    own: question.party === undefined ? undefined : leg(question.party),
    dialled: question.extension === undefined ? undefined : leg(extensionParty(question.extension)),
  }
  return { number, met: meet(records, question.party), version, source }
}

async function recordOf(
  { number, met, version, source }: Found,
  standing: CallerStanding,
  deps: Deps,
): Promise<RouteRecord> {
  if (number === undefined || met === undefined) {
    return { number, binding: undefined, standing, lastCaller: undefined, source, version }
  }
  return {
    number,
    binding: boundRoute(met, number, deps.vault),
    standing,
    lastCaller: await lastCaller(met, number, deps),
    source,
    version,
  }
}

/** Without Postgres A is sent to B, as if nobody had called. */
async function lastCaller(
  met: Met,
  number: SealedNumberRoute,
  { sql, vault, log }: Deps,
): Promise<PhoneNumber | undefined> {
  const asks = met.callerRole === 'A' && number.settings.callbackMode === 'last-caller'
  if (!asks || number.product === 'AXB') return undefined
  try {
    return await findLastCaller(sql, vault, met.bindingId as BindingId)
  } catch (err) {
    if (!isDatabaseAway(err)) throw err
    log.debug({ err }, 'the last caller cannot be told')
    return undefined
  }
}

function routeUnavailable(cause: unknown): DomainError {
  return new DomainError(
    'route-unavailable',
    503,
    'Neither the cache nor the database can tell who is behind this number now.',
    { cause },
  )
}
