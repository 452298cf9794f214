import {
  type BulkheadPolicy,
  bulkhead,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  type IPolicy,
  wrap,
} from 'cockatiel'
import type { BoundRoute, RouteRecord } from '../domain/call.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { SealedBoundRoute } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { readRoute } from './read-route.ts'
import type { CachedRoute, ReadRoute, RouteCache } from './route-cache.ts'

/** As many look-ups as the pool has connections; the queue is one second's calls of a busy router. */
const postgresReadsMax = 8
const postgresQueueMax = 200
/** After so many failures in a row Postgres is left alone for a moment. */
const failuresMax = 5
const leaveAloneMs = 1_000

export type LookupSource = 'redis' | 'postgres' | 'failed'

export type ResolveRoute = (attempt: {
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
}) => Promise<RouteRecord>

/**
 * From caller and X to the route record: one MGET when Redis knows and is believed, else Postgres,
 * bounded and behind a breaker. Rejects when neither can tell.
 */
export function createResolveRoute(deps: {
  readonly cache: Pick<RouteCache, 'read' | 'claim' | 'fill'>
  readonly trust: { believes(x: VirtualNumber): boolean }
  readonly sql: Sql
  readonly vault: Vault
  readonly log: Logger
  readonly onLookup?: (source: LookupSource) => void
}): ResolveRoute {
  const { cache, trust, sql, vault, log, onLookup } = deps
  const postgres = guardPostgres()
  const reading = new Map<string, Promise<ReadRoute>>()

  async function fromCache(
    x: VirtualNumber,
    party: string | undefined,
  ): Promise<CachedRoute | undefined> {
    if (!trust.believes(x)) return undefined
    try {
      const found = await cache.read(x, party)
      // Asked once more: what came back may be older than the news that it is not to be believed.
      return trust.believes(x) ? found : undefined
    } catch (err) {
      log.debug({ err }, 'redis did not answer a look-up')
      return undefined
    }
  }

  /** Callers who ask the same at the same time share one read, if it began after they came. */
  function fromPostgres(x: VirtualNumber, party: string | undefined): Promise<ReadRoute> {
    const key = `${x}:${party ?? ''}`
    const known = reading.get(key)
    if (known !== undefined) return known
    // A microtask later it is under way, and who comes then must have a read of their own.
    const read = Promise.resolve().then(() => {
      reading.delete(key)
      return postgres.execute(() => readAndFill(x, party))
    })
    reading.set(key, read)
    return read
  }

  async function readAndFill(x: VirtualNumber, party: string | undefined): Promise<ReadRoute> {
    const claim = trust.believes(x) ? await cache.claim(x, party).catch(() => undefined) : undefined
    const read = await readRoute(sql, x, party)
    if (claim !== undefined) {
      cache.fill(claim, read).catch((err: unknown) => log.debug({ err }, 'look-up was not cached'))
    }
    return read
  }

  return async ({ caller, dialled }) => {
    const party = caller === undefined ? undefined : vault.blindIndex(caller)
    const cached = await fromCache(dialled, party)
    const known = cached === undefined ? undefined : recordFrom(cached, party, vault)
    if (known !== undefined) {
      onLookup?.('redis')
      return known
    }
    try {
      const read = await fromPostgres(dialled, party)
      onLookup?.('postgres')
      return {
        number: read.number,
        binding: opened(read.parties[0]?.bound, vault),
        source: 'postgres',
        version: read.version,
      }
    } catch (err) {
      onLookup?.('failed')
      throw err
    }
  }
}

function guardPostgres(): IPolicy {
  const limit: BulkheadPolicy = bulkhead(postgresReadsMax, postgresQueueMax)
  const breaker: CircuitBreakerPolicy = circuitBreaker(handleAll, {
    halfOpenAfter: leaveAloneMs,
    breaker: new ConsecutiveBreaker(failuresMax),
  })
  return wrap(limit, breaker)
}

/** Undefined: Redis does not know enough. */
function recordFrom(
  { number, party }: CachedRoute,
  index: string | undefined,
  vault: Vault,
): RouteRecord | undefined {
  if (number.kind === 'absent') {
    return { number: undefined, binding: undefined, source: 'redis', version: number.version }
  }
  if (number.kind !== 'number') return undefined
  const known = { number: number.number, source: 'redis', version: number.version } as const
  if (index === undefined || party.kind === 'absent') return { ...known, binding: undefined }
  if (party.kind !== 'bound') return undefined
  return { ...known, binding: opened(party.bound, vault) }
}

function opened(bound: SealedBoundRoute | undefined, vault: Vault): BoundRoute | undefined {
  if (bound === undefined) return undefined
  const { calleeSealed, ...rest } = bound
  return { ...rest, callee: vault.open(calleeSealed) }
}
