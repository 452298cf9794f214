import type { Logger } from '../platform/logger.ts'
import type { Query, Sql } from '../platform/sql.ts'

/**
 * An alarm is over only when the utilisation has fallen to this share of the threshold: one binding
 * more or less must not raise it over and over.
 */
const clearedShare = 0.9
const checkEveryMs = 5_000
/** Adding up a large pool takes a while: a worker spends at most a hundredth of its time on one. */
const restFactor = 100

/** A worker's duty, any number of workers at once: raises and clears what is due for a look. */
export function createPoolWatch(deps: { sql: Sql; log: Logger }): () => Promise<void> {
  const { sql, log } = deps
  let dueAt = new Map<string, number>()

  async function check(poolKey: string): Promise<void> {
    const began = performance.now()
    const [row] = await sql.rows<{ raised: boolean; cleared: boolean }>(checkQuery(poolKey))
    const tookMs = performance.now() - began
    dueAt.set(poolKey, began + Math.max(checkEveryMs, restFactor * tookMs))
    if (row?.raised === true) log.warn({ poolKey }, 'a pool is used to its alarm threshold')
    if (row?.cleared === true) log.info({ poolKey }, 'a pool is below its alarm threshold again')
  }

  return async () => {
    const keys = await watchedPools(sql)
    const now = performance.now()
    dueAt = new Map(keys.map((key) => [key, dueAt.get(key) ?? 0]))
    for (const key of keys) if ((dueAt.get(key) ?? 0) <= now) await check(key)
  }
}

/** Those that warn, and those whose alarm has nothing to stand on any more. */
async function watchedPools(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.rows<{ key: string }>({
    name: 'alarms.watched-pools',
    text: `
      select key from pool where alarm_percent is not null
      union
      select pool_key from alarm where cleared_at is null and kind = 'pool-utilisation'`,
    values: [],
  })
  return rows.map(({ key }) => key)
}

/** The unique index lets one worker raise it. A pool without numbers is not used at all. */
function checkQuery(poolKey: string): Query {
  return {
    name: 'alarms.check-pool',
    text: `
      with usage as (
        select coalesce(round(100.0 * sum(bound) / nullif(sum(capacity), 0), 2), 0) as percent
          from number where pool_key = $1
      ), raised as (
        insert into alarm (account_id, kind, pool_key, percent, threshold, facts)
        select p.account_id, 'pool-utilisation', p.key, usage.percent, p.alarm_percent,
               jsonb_build_object('detail', format('%s %% of the pool is bound.', usage.percent))
          from pool p, usage
         where p.key = $1 and usage.percent >= p.alarm_percent
        on conflict (kind, pool_key) where cleared_at is null do nothing
        returning 1
      ), cleared as (
        update alarm a set cleared_at = now()
          from pool p, usage
         where p.key = $1 and a.pool_key = p.key and a.kind = 'pool-utilisation'
           and a.cleared_at is null
           and (p.alarm_percent is null or usage.percent < p.alarm_percent * $2::numeric)
        returning 1
      )
      select exists (select 1 from raised) as raised, exists (select 1 from cleared) as cleared`,
    values: [poolKey, clearedShare],
  }
}
