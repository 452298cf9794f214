import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import { noteLost } from './audit-rows.ts'

/** A statement has to end within seconds, and a round must not hold up other work. */
const sweptAtOnce = 2_000
const sweepsAtOnce = 10
const dayMs = 86_400_000

/** A worker's duty: entries that are older than `keepDays` go. 0: none ever does. */
export function createAuditSweep(deps: { sql: Sql; clock: Clock; keepDays: number }) {
  const { sql, clock, keepDays } = deps

  return async (): Promise<void> => {
    if (keepDays === 0) return
    // What was begun and never finished would be kept for ever otherwise, were nobody to look.
    await noteLost(sql, clock.now())
    const before = new Date(clock.now().getTime() - keepDays * dayMs)
    for (let at = 0; at < sweepsAtOnce; at += 1) {
      // Account by account, by the index that lists use: one by time alone every change would have to write.
      const rows = await sql.rows({
        name: 'audit.prune',
        text: `
          delete from audit_entry
           where id in (
                   select old.id
                     from account a
                    cross join lateral (
                      select e.id from audit_entry e where e.account_id = a.id and e.at < $1
                       order by e.at, e.id limit ${sweptAtOnce}) old
                    limit ${sweptAtOnce})
          returning 1`,
        values: [before],
      })
      if (rows.length < sweptAtOnce) return
    }
  }
}
