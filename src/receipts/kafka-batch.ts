import type { AccountId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import { sendMsMax } from './kafka-client.ts'
import type { MessageType } from './receipt-types.ts'

/** What is done before the last answer can come, and after it. */
const leaseMarginMs = 7_000

/** Accounts that have something to send at `now`. */
export async function dueAccounts(sql: Sql, now: Date): Promise<readonly AccountId[]> {
  const rows = await sql.rows<{ account_id: AccountId }>({
    name: 'kafka.due-accounts',
    text: `
      select distinct k.account_id from receipt_kafka k
       where k.enabled and (k.retry_at is null or k.retry_at <= $1)
         and exists (select 1 from receipt_to_kafka t
                      where t.account_id = k.account_id and t.message_type = k.message_type
                        and t.state = 'due')`,
    values: [now],
  })
  return rows.map((row) => row.account_id)
}

type Turn = { readonly accountId: AccountId; readonly holder: string }

/** Resolves to whether it is the holder's turn now. By Postgres's clock, which all workers share. */
export async function leaseTurn(sql: Sql, { accountId, holder }: Turn): Promise<boolean> {
  const rows = await sql.rows({
    name: 'kafka.lease-turn',
    text: `
      insert into receipt_kafka_turn as t (account_id, holder, leased_until)
      values ($1, $2, now() + make_interval(secs => $3))
      on conflict (account_id) do update
         set holder = excluded.holder, leased_until = excluded.leased_until
       where t.holder = excluded.holder or t.leased_until < now()
      returning 1`,
    values: [accountId, holder, (sendMsMax + leaseMarginMs) / 1000],
  })
  return rows.length > 0
}

export async function releaseTurn(sql: Sql, { accountId, holder }: Turn): Promise<void> {
  await sql.rows({
    name: 'kafka.release-turn',
    text: `
      update receipt_kafka_turn set leased_until = '-infinity'
       where account_id = $1 and holder = $2`,
    values: [accountId, holder],
  })
}

export type DueRecord = {
  readonly id: string
  readonly message_type: MessageType
  readonly call_id: string | null
  readonly event_id: string
  readonly revision: number
  readonly body_sealed: string
  readonly happened_at: Date
}

/** Well below what a broker takes at once unless it is told otherwise (1 MB), sealed or not. */
const recordsMax = 200
const sealedBytesMax = 600_000

/** What the account has to send next, in the order in which it was made; one at least, whatever its size. */
export function nextRecords(
  sql: Sql,
  { accountId, now }: { accountId: AccountId; now: Date },
): Promise<readonly DueRecord[]> {
  return sql.rows<DueRecord>({
    name: 'kafka.next-records',
    text: `
      select id, message_type, call_id, event_id, revision, body_sealed, happened_at
        from (
          select r.id, r.message_type, r.call_id, r.event_id, r.revision, r.body_sealed,
                 r.happened_at,
                 sum(octet_length(r.body_sealed)) over (order by r.id)
                   - octet_length(r.body_sealed) as bytes_before
            from (
              select t.receipt_id
                from receipt_kafka k
               cross join lateral (
                 select d.receipt_id from receipt_to_kafka d
                  where d.account_id = k.account_id and d.message_type = k.message_type
                    and d.state = 'due'
                  order by d.receipt_id limit ${recordsMax}) t
               where k.account_id = $1 and k.enabled
                 and (k.retry_at is null or k.retry_at <= $2)
               order by t.receipt_id limit ${recordsMax}) due
            join receipt r on r.id = due.receipt_id) sized
       where bytes_before < ${sealedBytesMax}
       order by id`,
    values: [accountId, now],
  })
}
