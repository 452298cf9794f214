import type { AccountId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { KafkaFault } from './kafka-faults.ts'
import type { MessageType } from './receipt-types.ts'

/** A topic that fails is tried again after as long as it has failed so far, within these. */
const retrySecondsMin = 1
const retrySecondsMax = 30
/** As long as with a push. */
const alarmAfterMinutes = 10

export type Sent = {
  readonly accountId: AccountId
  readonly ids: readonly string[]
  /** All that go to the topic. */
  readonly types: readonly MessageType[]
  readonly ms: number
  readonly now: Date
}

/** What an alarm is about; the message types alone are the pushes'. */
const subject = (column: string) => `'kafka ' || ${column}`

/** Resolves to whether the topic had been failing, and is not any more. */
export async function recordSent(sql: Sql, sent: Sent): Promise<boolean> {
  const [row] = await sql.rows<{ was_failing: boolean }>({
    name: 'kafka.record-sent',
    text: `
      with sent as (
        update receipt_to_kafka
           set state = 'sent', attempts = attempts + 1, last_status = null, last_fault = null,
               answered_ms = $3, tried_at = $4::timestamptz
         where receipt_id = any ($2::bigint[]) and account_id = $1 and state = 'due'
      ), well as (
        update receipt_kafka set failing_since = null, last_fault = null, retry_at = null
         where account_id = $1 and message_type = any ($5::text[]) and failing_since is not null
        returning message_type
      ), over as (
        update alarm set cleared_at = now()
          from well
         where account_id = $1 and kind = 'push-failing' and cleared_at is null
           and subject = ${subject('well.message_type')}
      )
      select exists (select 1 from well) as was_failing`,
    values: [sent.accountId, sent.ids, sent.ms, sent.now, sent.types],
  })
  return row?.was_failing === true
}

export type Failed = Sent & { readonly fault: KafkaFault }

/** They stay where they are, and so does all that goes to the topic. Resolves to whether this is new. */
export async function recordFailed(sql: Sql, failed: Failed): Promise<boolean> {
  const { status, fault } = failed.fault
  const [row] = await sql.rows<{ is_new: boolean }>({
    name: 'kafka.record-failed',
    text: `
      with tried as (
        update receipt_to_kafka
           set attempts = least(attempts + 1, 32767), last_status = $6::integer, last_fault = $7,
               answered_ms = $3, tried_at = $4::timestamptz
         where receipt_id = any ($2::bigint[]) and account_id = $1 and state = 'due'
      ), failing as (
        update receipt_kafka
           set failing_since = coalesce(failing_since, $4::timestamptz), last_fault = $7,
               retry_at = $4::timestamptz + least(make_interval(secs => ${retrySecondsMax}),
                 greatest(make_interval(secs => ${retrySecondsMin}), $4::timestamptz - failing_since))
         where account_id = $1 and message_type = any ($5::text[]) and enabled
        returning message_type, failing_since
      ), raised as (
        insert into alarm (account_id, kind, subject, facts)
        select $1, 'push-failing', ${subject('message_type')},
               jsonb_build_object('detail', format(
                 'No %s could be sent to Kafka for ${alarmAfterMinutes} minutes.', message_type))
          from failing
         where failing_since <= $4::timestamptz - make_interval(mins => ${alarmAfterMinutes})
        on conflict (account_id, kind, subject) where cleared_at is null and subject is not null
        do nothing
      )
      select exists (select 1 from failing where failing_since = $4::timestamptz) as is_new`,
    values: [...[failed.accountId, failed.ids, failed.ms, failed.now, failed.types, status], fault],
  })
  return row?.is_new === true
}

/** What no try can deliver does not stand in the way of the rest. */
export async function recordDead(
  sql: Sql,
  dead: {
    readonly accountId: AccountId
    readonly ids: readonly string[]
    readonly fault: Omit<KafkaFault, 'isFinal'>
    readonly now: Date
  },
): Promise<void> {
  await sql.rows({
    name: 'kafka.record-dead',
    text: `
      update receipt_to_kafka
         set state = 'dead', attempts = least(attempts + 1, 32767), last_status = $3::integer,
             last_fault = $4, tried_at = $5::timestamptz
       where receipt_id = any ($2::bigint[]) and account_id = $1 and state = 'due'`,
    values: [dead.accountId, dead.ids, dead.fault.status, dead.fault.fault, dead.now],
  })
}
