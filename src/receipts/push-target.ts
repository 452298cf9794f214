import type { AccountId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { MessageType } from './receipt-types.ts'

/** Which receipts: those of one type of one account. */
export type PushKey = { readonly accountId: AccountId; readonly type: MessageType }

/** A URL that has receipts waiting for it now. */
export type PushTarget = PushKey & {
  readonly url: string
  /** Sealed. The second one signs too, while it is still good. */
  readonly secrets: readonly string[]
  readonly timeoutMs: number
  readonly batchMax: number
  /** How many lanes there are, and which of them have something to send. */
  readonly concurrency: number
  readonly lanes: readonly number[]
  /** Failed for so long that it is only tried now and then. */
  readonly isPaused: boolean
}

/** A secret is sealed for its push: one does not open as another's. */
export const secretOf = ({ accountId, type }: PushKey) => `receipt push ${accountId} ${type}`

/** How far ahead it is looked for lanes that have something to send. */
const aheadMax = 200

type TargetRow = {
  readonly account_id: string
  readonly message_type: string
  readonly url: string
  readonly secret_sealed: string
  readonly old_secret_sealed: string | null
  readonly timeout_ms: number
  readonly batch_max: number
  readonly concurrency: number
  readonly is_paused: boolean
  readonly lanes: readonly number[]
}

/** Those that have something to send at `now`. A paused one: when it is time to try it. */
export async function dueTargets(sql: Sql, now: Date): Promise<readonly PushTarget[]> {
  const rows = await sql.rows<TargetRow>({
    name: 'push.due-targets',
    text: `
      select p.account_id, p.message_type, p.url, p.secret_sealed, p.timeout_ms, p.batch_max,
             p.concurrency, p.paused_at is not null as is_paused, ahead.lanes,
             case when p.old_secret_until > $1 then p.old_secret_sealed end as old_secret_sealed
        from receipt_push p
       cross join lateral (
         select array_agg(lane order by first_id) as lanes
           from (select lane, min(receipt_id) as first_id
                   from (select t.receipt_id, receipt_lane(t.call_id, p.concurrency) as lane
                           from receipt_to_push t
                          where t.account_id = p.account_id and t.message_type = p.message_type
                            and t.state = 'due' and (t.due_at <= $1 or p.paused_at is not null)
                          order by t.receipt_id limit ${aheadMax}) some_due
                  group by lane) by_lane) ahead
       where p.enabled and ahead.lanes is not null
         and (p.paused_at is null or p.probe_at <= $1)`,
    values: [now],
  })
  return rows.map(targetFrom)
}

function targetFrom(row: TargetRow): PushTarget {
  const old = row.old_secret_sealed === null ? [] : [row.old_secret_sealed]
  return {
    accountId: row.account_id as AccountId,
    type: row.message_type as MessageType,
    url: row.url,
    secrets: [row.secret_sealed, ...old],
    timeoutMs: row.timeout_ms,
    batchMax: row.batch_max,
    concurrency: row.concurrency,
    lanes: row.is_paused ? row.lanes.slice(0, 1) : row.lanes,
    isPaused: row.is_paused,
  }
}
