import type { BoundRoute, RouteRecord } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type { SealedBoundRoute } from '../domain/route-change.ts'
import { createGuard, NotTriedError } from '../platform/breaker.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { CacheTrust } from './cache-trust.ts'
import { findRoute } from './find-route.ts'
import type { CachedRoute } from './read-cached.ts'
import type { ReadRoute, RouteCache } from './route-cache.ts'
import { createSharedReads } from './shared-reads.ts'

/** As many as the pool has connections for; when Postgres has to carry all calls, those that find the queue full are refused at once. */
const readsMax = 8
const readsWaitingMax = 200

/** Where an answer came from. `miss`: from Postgres, and put into Redis. `postgres`: Redis was not asked or not believed. */
export type LookupSource = 'redis' | 'miss' | 'postgres' | 'failed'

export type ResolveRoute = (attempt: {
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
}) => Promise<RouteRecord>

/**
 * What is true for this caller on this X. One round trip to Redis as a rule; Postgres for what is
 * not there yet, or when Redis is not to be believed. A binding past its expiry may still be in
 * the record: the plan decides by the call's own time. Rejects with `route-unavailable` when
 * neither can tell.
 */
export function createResolveRoute(deps: {
  cache: Pick<RouteCache, 'read' | 'claim' | 'fill'>
  trust: Pick<CacheTrust, 'believes' | 'doubt'>
  sql: Sql
  vault: Vault
  log: Logger
  onLookup?: (source: LookupSource) => void
}): ResolveRoute {
  const { cache, trust, sql, vault, log } = deps
  const onLookup = deps.onLookup ?? (() => undefined)
  const shared = createSharedReads<ReadRoute>()
  const guard = createGuard({
    name: 'route lookups in postgres',
    concurrentMax: readsMax,
    waitingMax: readsWaitingMax,
    isOutage: isDatabaseAway,
    log,
  })

  async function readAndFill(x: VirtualNumber, party: string | undefined): Promise<ReadRoute> {
    const claim = await cache.claim(x, party).catch(() => undefined)
    const read = await guard(() => findRoute(sql, x, party))
    if (claim !== undefined) {
      // The call does not wait for it, and a miss more costs one more read.
      cache.fill(claim, read).catch((err: unknown) => log.debug({ err }, 'route cache not filled'))
    }
    return read
  }

  async function fromPostgres(
    x: VirtualNumber,
    party: string | undefined,
    source: 'miss' | 'postgres',
  ): Promise<RouteRecord> {
    try {
      const found = await shared(`${source} ${x} ${party ?? ''}`, () =>
        source === 'miss' ? readAndFill(x, party) : guard(() => findRoute(sql, x, party)),
      )
      onLookup(source)
      return recordOf(found, vault)
    } catch (err) {
      onLookup('failed')
      if (err instanceof NotTriedError || isDatabaseAway(err)) throw routeUnavailable(err)
      throw err
    }
  }

  return async ({ caller, dialled }) => {
    const party = caller === undefined ? undefined : vault.blindIndex(caller)
    if (!trust.believes(dialled)) return fromPostgres(dialled, party, 'postgres')
    let cached: CachedRoute
    try {
      cached = await cache.read(dialled, party)
    } catch (err) {
      trust.doubt()
      log.debug({ err }, 'route cache could not be read')
      return fromPostgres(dialled, party, 'postgres')
    }
    // Asked once more: the answer may be older than the news that it is not to be believed.
    if (!trust.believes(dialled)) return fromPostgres(dialled, party, 'postgres')
    const record = recordFromCache(cached, party, vault)
    if (record === undefined) return fromPostgres(dialled, party, 'miss')
    onLookup('redis')
    return record
  }
}

/** Undefined: Redis does not know enough. */
function recordFromCache(
  { number, party }: CachedRoute,
  asked: string | undefined,
  vault: Vault,
): RouteRecord | undefined {
  if (number.kind === 'absent') {
    return { number: undefined, binding: undefined, source: 'redis', version: number.version }
  }
  if (number.kind !== 'number') return undefined
  if (asked === undefined) {
    return { number: number.number, binding: undefined, source: 'redis', version: number.version }
  }
  if (party.kind !== 'bound' && party.kind !== 'absent') return undefined
  return {
    number: number.number,
    binding: party.kind === 'bound' ? opened(party.bound, vault) : undefined,
    source: 'redis',
    version: Math.max(number.version, party.version),
  }
}

function recordOf(read: ReadRoute, vault: Vault): RouteRecord {
  const bound = read.parties[0]?.bound
  return {
    number: read.number,
    binding: bound === undefined ? undefined : opened(bound, vault),
    source: 'postgres',
    version: read.version,
  }
}

/**
 * The callee stays sealed until somebody asks for it: a call that is refused never opens it, and
 * opening costs more than all the rest of a lookup.
 */
function opened(sealed: SealedBoundRoute, vault: Vault): BoundRoute {
  return {
    bindingId: sealed.bindingId,
    callerRole: sealed.callerRole,
    callee: PhoneNumber.sealed(() => vault.open(sealed.calleeSealed)),
    expiresAt: sealed.expiresAt,
    recording: sealed.recording,
    ringback: sealed.ringback,
    ringSecondsMax: sealed.ringSecondsMax,
    talkSecondsMax: sealed.talkSecondsMax,
    restriction: sealed.restriction,
    outId: sealed.outId,
  }
}

function isDatabaseAway(err: unknown): boolean {
  return err instanceof DomainError && err.code === 'database-away'
}

function routeUnavailable(cause: unknown): DomainError {
  return new DomainError(
    'route-unavailable',
    503,
    'Neither the cache nor the database can tell who is behind this number now.',
    { cause },
  )
}
