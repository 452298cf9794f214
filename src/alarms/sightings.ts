import type { Sql } from '../platform/sql.ts'
import type { AlarmKind } from './alarm.ts'
import type { Health } from './steady.ts'

/** The kinds that routers raise by what they see. */
export type SightedKind = Extract<AlarmKind, 'trunk-down' | 'media-host-down' | 'journal-filling'>

/** What a router sees of one part. */
export type Sighting = {
  readonly kind: SightedKind
  /** The trunk, the host, the journal. */
  readonly subject: string
  readonly health: Health
  /** 0 to 100. */
  readonly percent?: number
  /** One sentence for humans, at most 300 characters. */
  readonly detail: string
}

/**
 * A router's part: all that it sees, and that it is there to see it. What it does not name any more
 * is forgotten. `reporter` is the same after a restart, so that a new process goes on from what the
 * last one said.
 */
export function createSightingReport(deps: {
  sql: Sql
  reporter: string
}): (seen: readonly Sighting[]) => Promise<void> {
  const { sql, reporter } = deps
  return async (seen) => {
    const rows = seen.map(({ kind, subject, health, percent, detail }) => ({
      ...{ kind, subject, state: health, percent, detail: detail.slice(0, 300) },
    }))
    await sql.rows({
      name: 'sightings.report',
      text: reportText,
      values: [reporter, JSON.stringify(rows)],
    })
  }
}

const reportText = `
with beat as (
  insert into sighting_reporter as r (reporter, beats, seen_at) values ($1, 1, now())
  on conflict (reporter) do update set beats = r.beats + 1, seen_at = now()
  returning reporter
), given as (
  select * from json_to_recordset($2::json) as each (
    kind text, subject text, state text, percent numeric, detail text)
), gone as (
  delete from sighting s
   where s.reporter = $1
     and not exists (select 1 from given g where g.kind = s.kind and g.subject = s.subject)
)
insert into sighting as s (reporter, kind, subject, state, percent, detail)
select beat.reporter, g.kind, g.subject, g.state, g.percent, g.detail from given g cross join beat
on conflict (kind, subject, reporter) do update
   set state = excluded.state, percent = excluded.percent, detail = excluded.detail
 where (s.state, s.percent, s.detail)
       is distinct from (excluded.state, excluded.percent, excluded.detail)`
