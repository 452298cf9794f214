import type { Sql } from '../platform/sql.ts'
import { sweepText } from './queue-statements.ts'

/** A sweep that finds more than this goes on in the next round, not to hold up other work. */
const sweepsAtOnce = 20

/** Removes what was kept longer than its queue keeps it. Any number of workers may. */
export function createQueueSweep({ sql }: { sql: Sql }): () => Promise<void> {
  return async () => {
    const query = { name: 'receipt-queues.sweep', text: sweepText, values: [] }
    for (let swept = 0; swept < sweepsAtOnce; swept += 1) {
      if ((await sql.rows(query)).length === 0) return
    }
  }
}
