import type { Sql } from '../platform/sql.ts'

const batchRows = 500

/**
 * Ends bindings whose time has come and gives their places on X back, one batch; resolves to how
 * many. Calls do not wait for it: they go by the expiry in the record, so no version changes. X
 * numbers that are just being bound are left for the next time.
 */
export async function sweepExpired(
  sql: Sql,
  which: { now: Date; poolKey?: string; x?: string },
): Promise<number> {
  const rows = await sql.rows({
    name: 'bindings.sweep-expired',
    text: `
with due as (
  select b.id, b.x from binding_leg l join binding b on b.id = l.binding_id
   where l.role = 'A' and l.expires_at <= $1
     and ($2::text is null or b.pool_key = $2) and ($3::text is null or l.x = $3)
   order by l.expires_at limit ${batchRows}
), locked as materialized (
  select x, pool_key from number where x in (select x from due) order by x
     for no key update skip locked
), ended as (
  update binding b set ended_at = b.expires_at, end_reason = 'expired'
    from due join locked using (x)
   where b.id = due.id and b.ended_at is null and b.expires_at <= $1
  returning b.id, b.x
), gone as (
  delete from binding_leg l using ended where l.binding_id = ended.id
  returning l.party, l.x, l.expires_at
), freed as (
  update number n set bound = n.bound - each.bindings
    from (select x, count(*) as bindings from ended group by x) each
   where n.x = each.x
), cooled as (
  insert into cooling (party, x, until)
  select gone.party, gone.x, gone.expires_at + make_interval(days => p.cooling_days)
    from gone join locked on locked.x = gone.x join pool p on p.key = locked.pool_key
   where p.cooling_days > 0
  on conflict (party, x) do update set until = greatest(cooling.until, excluded.until)
)
select 1 from ended`,
    values: [which.now, which.poolKey, which.x],
  })
  return rows.length
}

/** Forgets who has cooled off. Resolves to the number of rows removed. */
export async function pruneCooling(sql: Sql, now: Date): Promise<number> {
  const rows = await sql.rows({
    name: 'bindings.prune-cooling',
    text: `
      delete from cooling
       where (party, x) in (select party, x from cooling
                             where until <= $1 order by until limit 5000)
         and until <= $1
      returning 1`,
    values: [now],
  })
  return rows.length
}
