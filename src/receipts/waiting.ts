import type { AccountId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { MessageType } from './receipt-types.ts'

/** Ways on which we send receipts ourselves; a queue is pulled. */
export type Way = 'push' | 'kafka'

/** What became of each receipt on that way. The tables have the same columns. */
export const tableOf = {
  push: 'receipt_to_push',
  kafka: 'receipt_to_kafka',
} as const satisfies Record<Way, string>

type Line = { readonly way: Way; readonly accountId: AccountId; readonly type: MessageType }

/** A statement has to end within seconds. */
const discardedAtOnce = 5_000

export async function discardWaiting(sql: Sql, { way, accountId, type }: Line): Promise<void> {
  const table = tableOf[way]
  let discarded = discardedAtOnce
  while (discarded === discardedAtOnce) {
    const [row] = await sql.rows<{ discarded: number }>({
      name: `receipts.discard-${way}`,
      text: `
        with gone as (
          delete from ${table}
           where receipt_id in (
             select receipt_id from ${table}
              where account_id = $1 and message_type = $2 and state = 'due'
              order by receipt_id limit ${discardedAtOnce})
          returning 1
        )
        select count(*)::int as discarded from gone`,
      values: [accountId, type],
    })
    discarded = row?.discarded ?? 0
  }
}

export async function hasWaiting(sql: Sql, { way, accountId, type }: Line): Promise<boolean> {
  const rows = await sql.rows({
    name: `receipts.waiting-${way}`,
    text: `
      select 1 from ${tableOf[way]}
       where account_id = $1 and message_type = $2 and state = 'due' limit 1`,
    values: [accountId, type],
  })
  return rows.length > 0
}
