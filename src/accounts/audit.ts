import type { AccountId } from '../domain/ids.ts'
import { createBatcher } from '../platform/batcher.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { pageFrom, pageLimit } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { ListFilter, Page } from './account.ts'
import { type AuditRow, columnsOf, entryFrom, listQuery, noteLost, placeOf } from './audit-rows.ts'

/** Who does what to what. Ids only: a real number has no place here. */
export type AuditNote = {
  readonly accountId: AccountId
  /** Token or access key by its id; `admin` for the token of the environment. */
  readonly actor: string
  /** Operation id. */
  readonly action: string
  readonly subjects: readonly string[]
  readonly requestId: string
  readonly address: string
}

export type AuditIntent = AuditNote & { readonly id: string; readonly at: Date }

export type AuditEntry = AuditIntent & {
  /** HTTP status of the answer. Undefined: the process ended before there was one. */
  readonly status: number | undefined
}

export type AuditFilter = ListFilter & {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

export type Audit = {
  /** When it resolves, no change that is committed from now on can outlive the note of it. */
  begin(note: AuditNote): Promise<AuditIntent>
  /** What became of it. Written in the background: until then the intent stands for it. */
  finish(intent: AuditIntent, outcome: { status: number; subjects: readonly string[] }): void
  /** When it resolves, it is on disk: for what must not be shown before it is noted. */
  record(note: AuditNote, status: number): Promise<void>
  /** Newest first. */
  list(filter: AuditFilter): Promise<Page<AuditEntry>>
  /** Resolves when all that was finished is written, or could not be. */
  settle(): Promise<void>
}

/** Entries in one statement: more wait for the next. */
const atOnce = 500
/** Finished and not yet written, while Postgres is slow. Beyond that their intents tell of them. */
const unwrittenMax = 20_000

export function createAudit(deps: { sql: Sql; clock: Clock; log: Logger }): Audit {
  const { sql, clock, log } = deps
  const intents = createBatcher<AuditNote & { at: Date }, AuditIntent>({
    atOnce,
    write: (batch) => writeIntents(sql, batch),
  })
  const finished = createBatcher<AuditEntry, undefined>({
    atOnce,
    async write(batch) {
      await writeEntries(sql, batch, 'off')
      return []
    },
  })

  return {
    begin: (note) => intents.add({ ...note, at: clock.now() }),
    finish(intent, outcome) {
      if (finished.size() >= unwrittenMax) return
      finished.add({ ...intent, ...outcome }).catch((err: unknown) => {
        log.warn({ err, auditId: intent.id }, 'an audit entry stays without its outcome')
      })
    },
    record: (note, status) => writeEntries(sql, [{ ...note, at: clock.now(), status }], 'on'),
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const query = listQuery(filter, limit + 1)
      await noteLost(sql, clock.now())
      const rows = await sql.rows<AuditRow>(query)
      return pageFrom(rows, limit, { item: entryFrom, place: placeOf })
    },
    settle: () => finished.idle(),
  }
}

/**
 * Not waiting for the disk is safe here: the change is committed after this, and its commit, which
 * does wait, takes this one along (the write-ahead log is one line).
 */
async function writeIntents(
  sql: Sql,
  notes: readonly (AuditNote & { readonly at: Date })[],
): Promise<AuditIntent[]> {
  const rows = await sql.rows<{ id: string }>({
    name: 'audit.begin',
    text: `
      with given as (
        select nextval('audit_serial') as id, each.*
          from (select set_config('synchronous_commit', 'off', true)) as fast,
               json_to_recordset($1::json) as each (
                 place int, account_id text, at timestamptz, actor text, action text,
                 subjects text[], request_id text, address text)
      ), noted as (
        insert into audit_intent (id, account_id, at, actor, action, subjects, request_id, address)
        select id, account_id, at, actor, action, subjects, request_id, address from given
      )
      select id from given order by place`,
    values: [JSON.stringify(notes.map((each, place) => ({ ...columnsOf(each), place })))],
  })
  return notes.map((note, place) => {
    const id = rows[place]?.id
    if (id === undefined) throw new Error('an intent came back without its id')
    return { ...note, id }
  })
}

type Entry = AuditNote & {
  /** Undefined: there was no intent. */
  readonly id?: string
  readonly at: Date
  readonly status: number | undefined
}

/** An entry takes the place of its intent, in one statement. */
async function writeEntries(
  sql: Sql,
  entries: readonly Entry[],
  commit: 'on' | 'off',
): Promise<void> {
  const rows = entries.map((each) => ({ ...columnsOf(each), id: each.id, status: each.status }))
  await sql.rows({
    name: 'audit.write',
    text: `
      with given as (
        select coalesce(each.id, nextval('audit_serial')) as entry_id, each.*
          from (select set_config('synchronous_commit', $2, true)) as chosen,
               json_to_recordset($1::json) as each (
                 id bigint, account_id text, at timestamptz, actor text, action text,
                 subjects text[], status smallint, request_id text, address text)
      ), gone as (
        delete from audit_intent where id in (select id from given)
      )
      insert into audit_entry (id, account_id, at, actor, action, subjects, status, request_id,
                               address)
      select entry_id, account_id, at, actor, action, subjects, status, request_id, address
        from given
      on conflict (id) do update set status = excluded.status, subjects = excluded.subjects`,
    values: [JSON.stringify(rows), commit],
  })
}
