import type { CallEvent } from '../domain/call-event.ts'
import type { CallId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { createCallRecordStore } from './call-record-store.ts'
import { type CallRecord, readCallRecords } from './call-records.ts'
import { createEventSealer } from './stored-event.ts'

/**
 * What the books say of the calls of these events once the events are taken in, for consumers that
 * must not say anything else. It does not wait for the writer of the records: whoever comes later
 * changes nothing. A call that cannot be in the books is left out.
 */
export function createBookedCalls(deps: { sql: Sql; vault: Vault; clock: Clock }) {
  const { sql, vault, clock } = deps
  const store = createCallRecordStore({ sql, clock })
  const seal = createEventSealer(vault)

  return async (events: readonly CallEvent[]): Promise<ReadonlyMap<CallId, CallRecord>> => {
    if (events.length === 0) return new Map()
    // What cannot be stored is the writer's to put aside.
    await store.store(events.map((each) => ({ id: each.id, fields: ['event', seal(each)] })))
    const records = await readCallRecords(
      { sql, vault },
      events.map(({ callId }) => callId),
    )
    return new Map(records.map((record) => [record.callId, record]))
  }
}
