import type { Sql } from './sql.ts'

/**
 * Of all processes one at a time does `work`, in a transaction; the others leave it to that one and
 * get undefined. What `work` reads is what those before it have left.
 */
export function oneAtATime<T>(
  sql: Sql,
  /** Any number that nobody else uses. */
  key: number,
  work: (session: Sql) => Promise<T>,
): Promise<T | undefined> {
  return sql.transaction(async (session) => {
    const [row] = await session.rows<{ mine: boolean }>({
      name: 'platform.turn',
      text: 'select pg_try_advisory_xact_lock($1) as mine',
      values: [key],
    })
    return row?.mine === true ? await work(session) : undefined
  })
}
