import type { AccountId, CallId, PoolKey } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { MessageType } from './receipt-types.ts'

/** One thing that a customer is to be told. */
export type NewReceipt = {
  readonly accountId: AccountId
  readonly type: MessageType
  /** Stable: the same for the same event. */
  readonly eventId: string
  /**
   * 1: what routers tell themselves. 0: an end that was written for a router that is lost; each
   * correction of it is one lower.
   */
  readonly revision: number
  readonly callId: CallId | undefined
  readonly poolKey: PoolKey | undefined
  readonly happenedAt: Date
  /** The receipt itself. May hold real numbers. */
  readonly body: object
  /** False: only into queues. */
  readonly toPush?: boolean
}

/** A body is sealed for its type: one kind of receipt does not open as another. */
const about = (type: MessageType) => `receipt ${type}`

export function openBody(
  vault: Pick<Vault, 'openText'>,
  type: MessageType,
  sealed: string,
): string {
  return vault.openText(sealed, about(type))
}

/**
 * Puts receipts where they are wanted: the queue that their pool is tied to, or the default one,
 * the push of their type, and its Kafka topic. What nobody wants is not kept. The same event twice is kept once.
 * Resolves to how many were new.
 */
export async function storeReceipts(
  sql: Sql,
  vault: Pick<Vault, 'sealText'>,
  receipts: readonly NewReceipt[],
): Promise<number> {
  if (receipts.length === 0) return 0
  const rows = await sql.rows({
    name: 'receipts.store',
    text: storeText,
    values: [
      JSON.stringify(
        receipts.map((each, at) => ({
          at,
          account_id: each.accountId,
          message_type: each.type,
          event_id: each.eventId,
          revision: each.revision,
          call_id: each.callId,
          pool_key: each.poolKey,
          happened_at: each.happenedAt,
          to_push: each.toPush ?? true,
          body_sealed: vault.sealText(JSON.stringify(each.body), about(each.type)),
        })),
      ),
    ],
  })
  return rows.length
}

/** What has been told of the end of a call so far. */
export type ToldEnd = {
  /** The router's own end is among it: nothing is to be said after that. */
  readonly isFinal: boolean
  /** Of the last one that was written for a lost router. */
  readonly revision: number
  /** Undefined: our keys do not open it any more. */
  readonly body: string | undefined
}

export async function toldEnds(
  sql: Sql,
  vault: Pick<Vault, 'openText'>,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, ToldEnd>> {
  if (eventIds.length === 0) return new Map()
  const rows = await sql.rows<{
    event_id: string
    is_final: boolean
    revision: number
    body_sealed: string
  }>({
    name: 'receipts.told-ends',
    text: `
      select distinct on (event_id) event_id, revision, body_sealed,
             max(revision) over (partition by event_id) = 1 as is_final
        from receipt
       where message_type = 'SecretReport' and event_id = any($1::text[])
       order by event_id, revision`,
    values: [eventIds],
  })
  return new Map(
    rows.map((row) => [
      row.event_id,
      {
        isFinal: row.is_final,
        revision: row.revision,
        body: openedOrNot(vault, row.body_sealed),
      },
    ]),
  )
}

function openedOrNot(vault: Pick<Vault, 'openText'>, sealed: string): string | undefined {
  try {
    return openBody(vault, 'SecretReport', sealed)
  } catch {
    return undefined
  }
}

const storeText = `
with given as (
  select * from json_to_recordset($1::json) as each (
    at integer, account_id text, message_type text, event_id text, revision smallint, call_id text,
    pool_key text, happened_at timestamptz, body_sealed text, to_push boolean)
), queued as (
  select g.at, q.name
    from given g
    join receipt_queue q on q.account_id = g.account_id and q.message_type = g.message_type
   where q.enabled
     and case when q.is_default
              then not exists (
                select 1 from receipt_queue_pool p join receipt_queue other on other.name = p.queue_name
                 where p.message_type = g.message_type and p.pool_key = g.pool_key
                   and other.account_id = g.account_id and other.enabled)
              else exists (
                select 1 from receipt_queue_pool p
                 where p.queue_name = q.name and p.pool_key = g.pool_key)
         end
), pushed as (
  select g.at from given g
    join receipt_push p on p.account_id = g.account_id and p.message_type = g.message_type
   where p.enabled and g.to_push
), streamed as (
  select g.at from given g
    join receipt_kafka s on s.account_id = g.account_id and s.message_type = g.message_type
   where s.enabled
), kept as (
  insert into receipt (account_id, message_type, event_id, revision, call_id, pool_key, body_sealed,
                       happened_at)
  select account_id, message_type, event_id, revision, call_id, pool_key, body_sealed, happened_at
    from given
   where at in (select at from queued union select at from pushed union select at from streamed)
   order by at
  on conflict on constraint receipt_once do nothing
  returning id, event_id, message_type, revision, account_id, call_id
), placed as (
  select k.*, g.at from kept k join given g using (event_id, message_type, revision)
), in_queue as (
  insert into receipt_in_queue (queue_name, receipt_id)
  select queued.name, placed.id from queued join placed using (at)
), to_push as (
  insert into receipt_to_push (receipt_id, account_id, message_type, call_id)
  select placed.id, placed.account_id, placed.message_type, placed.call_id
    from pushed join placed using (at)
), to_kafka as (
  insert into receipt_to_kafka (receipt_id, account_id, message_type, call_id)
  select placed.id, placed.account_id, placed.message_type, placed.call_id
    from streamed join placed using (at)
)
select id from kept`
