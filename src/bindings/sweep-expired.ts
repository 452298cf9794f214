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
  select id, x from binding
   where ended_at is null and expires_at <= $1
     and ($2::text is null or pool_key = $2) and ($3::text is null or x = $3)
   order by expires_at limit ${batchRows}
), locked as materialized (
  select x from number where x in (select x from due) order by x for no key update skip locked
), ended as (
  update binding b set ended_at = b.expires_at, end_reason = 'expired'
    from due join locked using (x)
   where b.id = due.id and b.ended_at is null and b.expires_at <= $1
  returning b.id, b.x
), gone as (
  delete from binding_leg l using ended where l.binding_id = ended.id
), freed as (
  update number n set bound = n.bound - each.bindings
    from (select x, count(*) as bindings from ended group by x) each
   where n.x = each.x
)
select 1 from ended`,
    values: [which.now, which.poolKey, which.x],
  })
  return rows.length
}
