import { DomainError } from '../domain/errors.ts'
import { extensionParty } from '../domain/route-change.ts'
import { createGuard, NotTriedError } from '../platform/breaker.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import { LimitReached, within } from '../platform/within.ts'
import { findCaller, findHeld } from './find-caller.ts'
import { findRoute } from './find-route.ts'
import { findLastCaller } from './last-caller.ts'
import type { Met } from './meet.ts'
import type { RouteQuestion } from './read-cached.ts'
import type { ReadCaller, ReadRoute, RouteCache } from './route-cache.ts'
import { createSharedReads } from './shared-reads.ts'

/** As many as the pool has connections for; when Postgres has to carry all calls, those that find the queue full are refused at once. */
const readsMax = 8
const readsWaitingMax = 200
/** B is waiting to be rung instead: a call is not kept for longer over who called last. */
const lastCallerMsMax = 1_000

/** `miss`: put into Redis as well. `direct`: Redis is not asked or not believed. */
export type TruthUse = 'miss' | 'direct'

export type Truth = ReturnType<typeof createTruth>

/** What Postgres says, behind a bulkhead and a breaker. */
export function createTruth(deps: {
  cache: Pick<RouteCache, 'claim' | 'fill' | 'claimCaller' | 'fillCaller'>
  sql: Sql
  log: Logger
}) {
  const { cache, sql, log } = deps
  const sharedRoutes = createSharedReads<ReadRoute>()
  const sharedCallers = createSharedReads<ReadCaller>()
  const guard = createGuard({
    name: 'route lookups in postgres',
    concurrentMax: readsMax,
    waitingMax: readsWaitingMax,
    isOutage: isDatabaseAway,
    log,
  })

  async function filling<Read>(
    claim: () => Promise<string>,
    read: () => Promise<Read>,
    fill: (claim: string, read: Read) => Promise<void>,
  ): Promise<Read> {
    const claimed = await claim().catch(() => undefined)
    const found = await guard(read)
    if (claimed !== undefined) {
      // The call does not wait for it, and a miss more costs one more read.
      fill(claimed, found).catch((err: unknown) => log.debug({ err }, 'route cache not filled'))
    }
    return found
  }

  return {
    route(question: RouteQuestion, use: TruthUse): Promise<ReadRoute> {
      const { x, party, extension } = question
      const read = () => findRoute(sql, question)
      return sharedRoutes(`${use} ${x} ${party ?? ''} ${extension ?? ''}`, () =>
        use === 'direct'
          ? guard(read)
          : filling(() => cache.claim(x, partiesOf(question)), read, cache.fill),
      )
    },

    caller(party: string, use: TruthUse): Promise<ReadCaller> {
      const read = () => findCaller(sql, party)
      return sharedCallers(`${use} ${party}`, () =>
        use === 'direct'
          ? guard(read)
          : filling(() => cache.claimCaller(party), read, cache.fillCaller),
      )
    },

    /** Of a caller about whom more is held than is kept: it has no place in the cache. */
    held: (asked: Parameters<typeof findHeld>[1]) => guard(() => findHeld(sql, asked)),

    /** Sealed. When Postgres cannot tell, it is as if nobody had called: A is sent to B. */
    async lastCaller({ binding }: Met): Promise<string | undefined> {
      try {
        const read = guard(() => findLastCaller(sql, binding.bindingId))
        return await within(lastCallerMsMax, 'asking who called last', read)
      } catch (err) {
        if (!isAway(err) && !(err instanceof LimitReached)) throw err
        log.debug({ err }, 'the last caller cannot be told')
        return undefined
      }
    },
  }
}

/** The records of X that the question asks for, besides X's own. */
function partiesOf({ party, extension }: RouteQuestion): readonly string[] {
  const own = party === undefined ? [] : [party]
  return extension === undefined ? own : [...own, extensionParty(extension)]
}

/** Whether Postgres could not be asked, or was not because it could not be asked just before. */
export function isAway(err: unknown): boolean {
  return err instanceof NotTriedError || isDatabaseAway(err)
}

function isDatabaseAway(err: unknown): boolean {
  return err instanceof DomainError && err.code === 'database-away'
}
