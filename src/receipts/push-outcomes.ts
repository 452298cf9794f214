import type { Sql } from '../platform/sql.ts'
import type { PushAnswer } from './push-post.ts'
import type { PushKey } from './push-target.ts'

/** After the first, the second and the third try. A receipt that the fourth does not deliver is dead. */
const retryMinutes = [1, 5, 10]
const pausedAfterMinutes = 10
const probeMinutes = 1

export const probeAfter = (now: Date) => new Date(now.getTime() + probeMinutes * 60_000)

export type Tried = PushKey & {
  readonly url: string
  readonly ids: readonly string[]
  readonly answer: PushAnswer
  readonly now: Date
}

/** Resolves to whether the URL had been paused, and is not any more. */
export async function recordSent(sql: Sql, tried: Tried): Promise<boolean> {
  const [row] = await sql.rows<{ is_paused: boolean }>({
    name: 'push.record-sent',
    text: `
      with sent as (
        update receipt_to_push
           set state = 'sent', attempts = attempts + 1, last_status = $4, last_fault = null,
               answered_ms = $5, tried_at = $6::timestamptz
         where receipt_id = any ($3::bigint[]) and account_id = $1 and message_type = $2
           and state = 'due'
      ), before as materialized (
        select paused_at from receipt_push
         where account_id = $1 and message_type = $2 and failing_since is not null
           for no key update
      ), well as (
        update receipt_push p set failing_since = null
          from before
         where p.account_id = $1 and p.message_type = $2 and before.paused_at is null
      )
      select paused_at is not null as is_paused from before`,
    values: valuesOf(tried),
  })
  return row?.is_paused === true && resume(sql, tried)
}

/**
 * Not paused any more: nothing waits for its retry, what died while the URL was failing has one more
 * try, and the alarm is over. All of it or nothing: a worker that dies before this leaves the URL
 * paused, and the next probe that succeeds does it.
 */
async function resume(sql: Sql, { accountId, type, now }: PushKey & { now: Date }) {
  const rows = await sql.rows({
    name: 'push.resume',
    text: `
      with before as materialized (
        select failing_since from receipt_push
         where account_id = $1 and message_type = $2 and paused_at is not null
           for no key update
      ), well as (
        update receipt_push p set failing_since = null, paused_at = null, probe_at = null
          from before
         where p.account_id = $1 and p.message_type = $2
      ), waiting as (
        update receipt_to_push t set due_at = $3
          from before
         where account_id = $1 and message_type = $2 and state = 'due' and due_at > $3
      ), dead as (
        update receipt_to_push t set state = 'due', due_at = $3, attempts = ${retryMinutes.length}
          from before
         where account_id = $1 and message_type = $2 and state = 'dead'
           and tried_at >= before.failing_since
      ), over as (
        update alarm a set cleared_at = now()
          from before
         where account_id = $1 and kind = 'push-failing' and subject = $2 and cleared_at is null
      )
      select 1 from before`,
    values: [accountId, type, now],
  })
  return rows.length > 0
}

export type Failed = {
  /** How many receipts are tried again, and how many never. */
  readonly again: number
  readonly dead: number
  /** The URL is paused from now on. */
  readonly paused: boolean
}

/** `isProbe`: the URL is paused, and no try counts. */
export async function recordFailed(sql: Sql, tried: Tried & { isProbe: boolean }): Promise<Failed> {
  return sql.transaction(async (session) => {
    const paused = await recordFailing(session, tried)
    if (tried.isProbe) {
      await noteTry(session, tried)
      return { again: tried.ids.length, dead: 0, paused }
    }
    const rows = await session.rows<{ state: string }>({
      name: 'push.record-failed',
      text: `
        update receipt_to_push
           set state = case when attempts >= ${retryMinutes.length} then 'dead' else 'due' end,
               due_at = $6::timestamptz + make_interval(mins => case attempts
                 ${retryMinutes.map((minutes, at) => `when ${at} then ${minutes}`).join(' ')}
                 else 0 end),
               attempts = attempts + 1, last_status = $4::integer, last_fault = $7, answered_ms = $5,
               tried_at = $6::timestamptz
         where receipt_id = any ($3::bigint[]) and account_id = $1 and message_type = $2
           and state = 'due'
        returning state`,
      values: [...valuesOf(tried), tried.answer.fault],
    })
    const dead = rows.filter(({ state }) => state === 'dead').length
    return { again: rows.length - dead, dead, paused }
  })
}

/** The push first, then its receipts: the order in which others lock them too. */
async function recordFailing(sql: Sql, { accountId, type, url, now }: Tried): Promise<boolean> {
  const [row] = await sql.rows<{ is_new: boolean }>({
    name: 'push.record-failing',
    text: `
      with before as materialized (
        select paused_at from receipt_push
         where account_id = $1 and message_type = $2 and url = $3 for no key update
      ), failing as (
        update receipt_push p
           set failing_since = coalesce(p.failing_since, $4::timestamptz),
               paused_at = case when p.paused_at is null
                 and p.failing_since <= $4::timestamptz - make_interval(mins => ${pausedAfterMinutes})
                 then $4::timestamptz else p.paused_at end,
               probe_at = $5
          from before
         where p.account_id = $1 and p.message_type = $2
        returning p.paused_at is not null and before.paused_at is null as is_new
      ), raised as (
        insert into alarm (account_id, kind, subject, facts)
        select $1, 'push-failing', $2,
               jsonb_build_object('detail', format(
                 'No %s could be pushed for ${pausedAfterMinutes} minutes.', $2::text))
          from failing where is_new
        on conflict (account_id, kind, subject) where cleared_at is null and subject is not null
        do nothing
      )
      select is_new from failing`,
    values: [accountId, type, url, now, probeAfter(now)],
  })
  return row?.is_new === true
}

async function noteTry(sql: Sql, tried: Tried): Promise<void> {
  await sql.rows({
    name: 'push.note-try',
    text: `
      update receipt_to_push
         set last_status = $4::integer, last_fault = $7, answered_ms = $5, tried_at = $6::timestamptz
       where receipt_id = any ($3::bigint[]) and account_id = $1 and message_type = $2
         and state = 'due'`,
    values: [...valuesOf(tried), tried.answer.fault],
  })
}

/** What cannot be opened any more (a key is gone) must not stand in the way of the rest. */
export async function recordUnreadable(sql: Sql, key: PushKey, ids: readonly string[]) {
  await sql.rows({
    name: 'push.record-unreadable',
    text: `
      update receipt_to_push set state = 'dead', last_fault = 'it cannot be opened: its key is gone'
       where receipt_id = any ($3::bigint[]) and account_id = $1 and message_type = $2
         and state = 'due'`,
    values: [key.accountId, key.type, ids],
  })
}

function valuesOf({ accountId, type, ids, answer, now }: Tried): unknown[] {
  return [accountId, type, ids, answer.status, answer.ms, now]
}
