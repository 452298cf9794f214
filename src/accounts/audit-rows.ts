import type { AccountId } from '../domain/ids.ts'
import { placeIn } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { AuditEntry, AuditFilter, AuditNote } from './audit.ts'

export type AuditRow = {
  readonly id: string
  readonly account_id: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly subjects: string[]
  readonly status: number | null
  readonly request_id: string
  readonly address: string
}

/** By their column names, for `json_to_recordset`. */
export function columnsOf(note: AuditNote & { readonly at: Date }) {
  return {
    account_id: note.accountId,
    at: note.at,
    actor: note.actor,
    action: note.action,
    subjects: note.subjects,
    request_id: note.requestId,
    address: note.address,
  }
}

/** No request takes that long: whoever began it is gone. */
const lostMs = 300_000

/** What was begun and never finished gets its entry, without an outcome, before anybody looks. */
export async function noteLost(sql: Sql, now: Date): Promise<void> {
  await sql.rows({
    name: 'audit.sweep',
    text: `
      with lost as (
        delete from audit_intent where at < $1 returning *
      )
      insert into audit_entry (id, account_id, at, actor, action, subjects, request_id, address)
      select id, account_id, at, actor, action, subjects, request_id, address from lost
      on conflict (id) do nothing`,
    values: [new Date(now.getTime() - lostMs)],
  })
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
export function listQuery(filter: AuditFilter, limit: number): Query {
  const place = placeIn(filter.cursor, /^\d{1,15} \d{1,18}$/)?.split(' ')
  const after = place === undefined ? undefined : new Date(Number(place[0]))
  const conditions: readonly (readonly [tag: string, text: string, values: unknown[]])[] = [
    ['account', 'account_id = ?', [filter.accountId]],
    ['actor', 'actor = ?', [filter.actor]],
    ['action', 'action = ?', [filter.action]],
    ['since', 'at >= ?', [filter.since]],
    ['until', 'at < ?', [filter.until]],
    ['after', '(at, id) < (?, ?::bigint)', [after, place?.[1]]],
  ]
  const asked = conditions.filter(([, , values]) => values[0] !== undefined)
  // By its own index, whatever the planner thinks of it: few entries name the same thing.
  const found = filter.subject !== undefined
  const source = found
    ? '(select * from audit_entry where subjects @> array[?::text] offset 0) as found'
    : 'audit_entry'
  let count = 0
  const text = `
    select id, account_id, at, actor, action, subjects, status, request_id, address
      from ${source}
     where ${asked.map(([, condition]) => condition).join(' and ')}
     order by at desc, id desc
     limit ?`.replace(/\?/g, () => `$${++count}`)
  return {
    name: `audit.list-${found ? 'found-' : ''}${asked.map(([tag]) => tag).join('-')}`,
    text,
    values: [...(found ? [filter.subject] : []), ...asked.flatMap(([, , values]) => values), limit],
  }
}

export function placeOf(row: AuditRow): string {
  return `${row.at.getTime()} ${row.id}`
}

export function entryFrom(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    accountId: row.account_id as AccountId,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subjects: row.subjects,
    status: row.status ?? undefined,
    requestId: row.request_id,
    address: row.address,
  }
}
