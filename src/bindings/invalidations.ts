import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'

/** How long a drained change is kept for replay: a Redis that was away for longer starts empty. */
export const keptSeconds = 900
const pageRows = 1_000

type Row = {
  readonly id: string
  readonly x: string | null
  readonly version: string
  readonly parties: string[]
}

export async function undrainedOf(sql: Sql, x: VirtualNumber): Promise<RouteInvalidation[]> {
  const rows = await sql.rows<Row>({
    name: 'invalidation.undrained-of-x',
    text: `
      select id, x, version, parties from invalidation
       where x = $1 and drained_at is null
       order by created_at limit ${pageRows}`,
    values: [x],
  })
  return rows.map(fromRow)
}

/** What a writer should have put into the cache by now, and did not: it died, or could not reach Redis. */
export async function leftBehind(sql: Sql, olderThanMs: number): Promise<RouteInvalidation[]> {
  const rows = await sql.rows<Row>({
    name: 'invalidation.left-behind',
    text: `
      select id, x, version, parties from invalidation
       where drained_at is null and created_at < clock_timestamp() - $1 * interval '1 millisecond'
       order by created_at limit ${pageRows}`,
    values: [olderThanMs],
  })
  return rows.map(fromRow)
}

/** One page of what a Redis may have lost that surely had everything that was drained before `since`. */
export async function drainedSince(
  sql: Sql,
  since: Date,
  afterId: string,
): Promise<RouteInvalidation[]> {
  const rows = await sql.rows<Row>({
    name: 'invalidation.drained-since',
    text: `
      select id, x, version, parties from invalidation
       where id > $2 and (drained_at is null or drained_at >= $1)
       order by id limit ${pageRows}`,
    values: [since, afterId],
  })
  return rows.map(fromRow)
}

/** Not waiting for the disk: a mark that is lost with Postgres's last moments is set once more by the keeper. */
export async function markDrained(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.rows({
    name: 'invalidation.mark-drained',
    text: `
      update invalidation set drained_at = clock_timestamp()
        from (select set_config('synchronous_commit', 'off', true)) as fast
       where id = any($1::bigint[]) and drained_at is null`,
    values: [ids],
  })
}

export async function databaseTime(sql: Sql): Promise<Date> {
  const [row] = await sql.rows<{ now: Date }>({
    name: 'invalidation.now',
    text: 'select clock_timestamp() as now',
    values: [],
  })
  if (row === undefined) throw new Error('postgres does not tell the time')
  return row.now
}

/** Removes what nobody will replay any more. Resolves to the number of rows. */
export async function prune(sql: Sql): Promise<number> {
  const rows = await sql.rows({
    name: 'invalidation.prune',
    text: `
      delete from invalidation
       where id in (select id from invalidation
                     where drained_at < clock_timestamp() - $1 * interval '1 second'
                     order by drained_at limit 5000)
      returning 1`,
    values: [keptSeconds],
  })
  return rows.length
}

function fromRow(row: Row): RouteInvalidation {
  return {
    id: row.id,
    x: (row.x as VirtualNumber | null) ?? undefined,
    version: Number(row.version),
    parties: row.parties,
  }
}
