import type { VirtualNumber } from '../domain/ids.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Sql } from '../platform/sql.ts'
import type { RouteCache } from './route-cache.ts'

/**
 * A writer that could not reach Redis answers its client 2.5 s after its commit
 * (`bindings/route-publisher.ts`), trusting that every router suspects the number by then; and so does
 * who changes the settings of a pool with very many X (`numbers/pool-refresh.ts`).
 */
const roundMs = 500
const suspectAfterMs = 1_000
/** Beyond this many changes it is not single writers that failed: Redis as a whole is not believed. */
const suspectsMax = 1_000
/** After a command that was not answered in time, so that calls do not queue behind a Redis that hangs. */
const coolMs = 1_000

export type CacheTrust = {
  /** Whether what Redis says about X, about this caller and about X's pool may be believed now. */
  believes(x: VirtualNumber, party?: string, poolKey?: string): boolean
  /** A command failed or was late. */
  doubt(): void
  start(): void
  stop(): Promise<void>
}

/**
 * When to believe Redis. Not before everything that this run of it may have lost was replayed by a
 * worker, not after the connection broke until that is known again, not about an X or a caller with a
 * change that was committed a second ago and is still not there, and not about the X of a pool that
 * is being brought a change of its settings. Without Postgres the last knowledge stands: nothing
 * can change either.
 */
export function createCacheTrust(deps: {
  redis: Redis
  cache: Pick<RouteCache, 'runId' | 'replayed'>
  sql: Sql
  log: Logger
}): CacheTrust {
  const { redis, cache, sql, log } = deps
  let runId: string | undefined
  let replayed = false
  let suspects: ReadonlySet<string> | 'all' = new Set()
  const pause = createPause()
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let stopped = true
  let connection = 0

  const lost = () => {
    connection += 1
    runId = undefined
    become(false)
  }

  function become(now: boolean): void {
    if (now !== replayed)
      log.info(
        { believed: now },
        now ? 'redis is believed' : 'redis is not believed: calls ask postgres',
      )
    replayed = now
  }

  async function lookAtRedis(): Promise<void> {
    const asked = connection
    try {
      // The same for the length of a connection.
      runId ??= await cache.runId()
      const done = await cache.replayed()
      if (asked === connection) become(done === runId)
      else runId = undefined
    } catch {
      become(false)
    }
  }

  async function lookAtPostgres(): Promise<void> {
    try {
      suspects = await suspected(sql)
    } catch (err) {
      log.debug({ err }, 'postgres does not say what has changes under way')
    }
  }

  async function runRound(): Promise<void> {
    await Promise.all([redis.status === 'ready' ? lookAtRedis() : undefined, lookAtPostgres()])
  }

  function next(): void {
    clearTimeout(timer)
    round ??= runRound().finally(() => {
      round = undefined
      if (!stopped) timer = setTimeout(next, roundMs)
    })
  }

  return {
    believes(x, party = '', poolKey = '') {
      if (!replayed || suspects === 'all' || pause.isOn()) return false
      if (suspects.size === 0) return true
      return !(suspects.has(x) || suspects.has(party) || suspects.has(poolKey))
    },
    doubt() {
      pause.begin()
    },
    start() {
      if (!stopped) return
      stopped = false
      redis.on('close', lost)
      redis.on('ready', next)
      next()
    },
    async stop() {
      stopped = true
      redis.off('close', lost)
      redis.off('ready', next)
      clearTimeout(timer)
      await round
    },
  }
}

/** The clock is read only while there is something to wait for. */
function createPause() {
  let until = 0
  return {
    begin() {
      until = performance.now() + coolMs
    },
    isOn(): boolean {
      if (until === 0) return false
      if (performance.now() < until) return true
      until = 0
      return false
    },
  }
}

/** X numbers, callers by their blind index, and pools by their keys. */
async function suspected(sql: Sql): Promise<ReadonlySet<string> | 'all'> {
  const rows = await sql.rows<{ suspect: string }>({
    name: 'resolve.suspects',
    text: `
      select coalesce(x, parties[1]) as suspect from invalidation
       where drained_at is null
         and created_at < clock_timestamp() - $1 * interval '1 millisecond'
      union all
      select pool_key from pool_refresh
       limit $2`,
    values: [suspectAfterMs, suspectsMax + 1],
  })
  return rows.length > suspectsMax ? 'all' : new Set(rows.map(({ suspect }) => suspect))
}
