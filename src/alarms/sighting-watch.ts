import type { AccountId } from '../domain/ids.ts'
import type { Logger } from '../platform/logger.ts'
import { oneAtATime } from '../platform/one-at-a-time.ts'
import type { Sql } from '../platform/sql.ts'

/** Two at once could raise what the other has just seen to be over. */
const turnKey = 7_305_542
/** A router that has told nothing for so long is gone; one that is restarted is back before. */
const patienceMs = 60_000
/** Whoever has not looked for so long has seen nothing of that time, and begins to wait anew. */
const blinkMs = 20_000

/**
 * A worker's duty, any number of workers at once: from what routers see to alarms. One router that
 * does not reach a part raises its alarm, whatever others reach: its calls fail. It is over when no
 * router says so any more and none is in doubt. What a router has said goes with it.
 */
export function createSightingWatch(deps: {
  sql: Sql
  /** Whose are the alarms about what belongs to nobody: the installation's. */
  operator: AccountId
  log: Logger
  nowMs?: () => number
}): () => Promise<void> {
  const { sql, operator, log, nowMs = () => performance.now() } = deps
  /** Since when each router has not counted on, in our own monotonic time. */
  let silent = new Map<string, { readonly beats: string; readonly sinceMs: number }>()
  let lookedMs = Number.NEGATIVE_INFINITY

  async function forgetGone(): Promise<void> {
    const rows = await sql.rows<{ reporter: string; beats: string }>({
      name: 'sightings.reporters',
      text: 'select reporter, beats from sighting_reporter',
      values: [],
    })
    const now = nowMs()
    const known = now - lookedMs > blinkMs ? new Map<string, never>() : silent
    lookedMs = now
    silent = new Map(
      rows.map(({ reporter, beats }) => {
        const before = known.get(reporter)
        return [reporter, before?.beats === beats ? before : { beats, sinceMs: now }]
      }),
    )
    for (const [reporter, { beats, sinceMs }] of silent) {
      if (now - sinceMs >= patienceMs) await forget(reporter, beats)
    }
  }

  async function forget(reporter: string, beats: string): Promise<void> {
    await sql.rows({
      name: 'sightings.forget',
      text: 'delete from sighting_reporter where reporter = $1 and beats = $2',
      values: [reporter, beats],
    })
    silent.delete(reporter)
    log.info({ reporter }, 'a router is gone, and what it saw with it')
  }

  return async () => {
    try {
      await forgetGone()
    } catch (err) {
      silent = new Map()
      throw err
    }
    const query = { name: 'sightings.alarms', text: alarmText, values: [operator] }
    const changes = await oneAtATime(sql, turnKey, (session) => session.rows<Change>(query))
    for (const { became, kind, subject } of changes ?? []) {
      if (became === 'raised') log.warn({ kind, subject }, 'an alarm was raised')
      else log.info({ kind, subject }, 'an alarm is over')
    }
  }
}

type Change = {
  readonly became: 'raised' | 'cleared'
  readonly kind: string
  readonly subject: string
}

/**
 * A trunk's alarm is its owner's. A trunk that is gone, and a part that no router names any more, have
 * nobody who could say that they are well: their alarm is closed as unwatched.
 */
const alarmText = `
with seen as (
  select s.kind, s.subject, t.account_id as owner,
         count(*)::int as routers_in_all,
         (count(*) filter (where s.state = 'ill'))::int as routers,
         bool_or(s.state <> 'well') as doubtful,
         max(s.percent) as percent,
         (array_agg(s.detail order by s.reporter) filter (where s.state = 'ill'))[1] as detail
    from sighting s left join trunk t on s.kind = 'trunk-down' and t.id = s.subject
   where s.kind <> 'trunk-down' or t.id is not null
   group by s.kind, s.subject, t.account_id
), raised as (
  insert into alarm (account_id, kind, subject, percent, facts)
  select coalesce(owner, $1), kind, subject, percent,
         jsonb_build_object('detail', detail, 'routers', routers, 'routersInAll', routers_in_all)
    from seen where routers > 0
  on conflict (account_id, kind, subject) where cleared_at is null and subject is not null
  do nothing
  returning kind, subject
), cleared as (
  update alarm a
     set cleared_at = now(),
         unwatched = not exists (
           select 1 from seen s where s.kind = a.kind and s.subject = a.subject)
   where a.kind in ('trunk-down', 'media-host-down', 'journal-filling') and a.cleared_at is null
     and not exists (
       select 1 from seen s where s.kind = a.kind and s.subject = a.subject and s.doubtful)
  returning kind, subject
)
select 'raised' as became, kind, subject from raised
union all
select 'cleared', kind, subject from cleared`
