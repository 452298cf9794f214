import type { Sql } from '../platform/sql.ts'
import type { PushKey, PushTarget } from './push-target.ts'

/** After the last answer can have come: recording it, and clocks. */
const leaseMarginMs = 3_000

type Lane = PushKey & { readonly lane: number; readonly holder: string }

/** Resolves to whether the lane is the holder's now. By Postgres's clock, which all workers share. */
export async function leaseLane(
  sql: Sql,
  { accountId, type, lane, holder, timeoutMs }: Lane & { timeoutMs: number },
): Promise<boolean> {
  const rows = await sql.rows({
    name: 'push.lease-lane',
    text: `
      insert into receipt_push_lane as l (account_id, message_type, lane, holder, leased_until)
      select account_id, message_type, $3::smallint, $4, now() + make_interval(secs => $5)
        from receipt_push where account_id = $1 and message_type = $2
      on conflict (account_id, message_type, lane) do update
         set holder = excluded.holder, leased_until = excluded.leased_until
       where l.holder = excluded.holder or l.leased_until < now()
      returning 1`,
    values: [accountId, type, lane, holder, (timeoutMs + leaseMarginMs) / 1000],
  })
  return rows.length > 0
}

export async function releaseLane(
  sql: Sql,
  { accountId, type, lane, holder }: Lane,
): Promise<void> {
  await sql.rows({
    name: 'push.release-lane',
    text: `
      update receipt_push_lane set leased_until = '-infinity'
       where account_id = $1 and message_type = $2 and lane = $3 and holder = $4`,
    values: [accountId, type, lane, holder],
  })
}

/** One try of a paused URL, by whoever comes first. */
export async function claimProbe(
  sql: Sql,
  { accountId, type, now, nextAt }: PushKey & { now: Date; nextAt: Date },
): Promise<boolean> {
  const rows = await sql.rows({
    name: 'push.claim-probe',
    text: `
      update receipt_push set probe_at = $4
       where account_id = $1 and message_type = $2 and paused_at is not null and probe_at <= $3
      returning 1`,
    values: [accountId, type, now, nextAt],
  })
  return rows.length > 0
}

export type DueReceipt = {
  readonly id: string
  readonly attempts: number
  readonly body_sealed: string
  readonly happened_at: Date
}

/** Tries before the last one, which a receipt has for itself: it shall not take others with it. */
const triesTogetherMax = 3

/**
 * What the lane has to send next, in the order in which it was made; at most one batch. A receipt
 * waits for earlier ones of its call that will be tried again later, and for those of other types
 * that go to the same server, unless that one is paused or off.
 */
export async function nextBatch(
  sql: Sql,
  target: PushTarget,
  { lane, now }: { lane: number; now: Date },
): Promise<readonly DueReceipt[]> {
  const rows = await sql.rows<DueReceipt>({
    name: 'push.next-batch',
    text: `
      select t.receipt_id as id, t.attempts, r.body_sealed, r.happened_at
        from receipt_push p
        join receipt_to_push t
          on t.account_id = p.account_id and t.message_type = p.message_type and t.state = 'due'
        join receipt r on r.id = t.receipt_id
       where p.account_id = $1 and p.message_type = $2 and p.enabled
         and (t.due_at <= $3 or p.paused_at is not null)
         and (p.paused_at is not null) = $6 and p.url = $8
         and receipt_lane(t.call_id, $4) = $5
         and not exists (
           select 1
             from receipt_to_push earlier
             join receipt_push q
               on q.account_id = earlier.account_id and q.message_type = earlier.message_type
            where earlier.account_id = t.account_id and earlier.call_id = t.call_id
              and earlier.state = 'due' and earlier.receipt_id < t.receipt_id
              and case when earlier.message_type = t.message_type
                       then earlier.due_at > $3 and p.paused_at is null
                       else q.enabled and q.paused_at is null and q.origin = p.origin end)
       order by t.receipt_id limit $7`,
    values: [
      ...[target.accountId, target.type, now, target.concurrency, lane],
      ...[target.isPaused, target.batchMax, target.url],
    ],
  })
  const alone = rows.findIndex(({ attempts }) => attempts >= triesTogetherMax)
  if (alone === -1) return rows
  return alone === 0 ? rows.slice(0, 1) : rows.slice(0, alone)
}
