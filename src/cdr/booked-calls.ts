import type { CallEvent } from '../domain/call-event.ts'
import type { CallId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { createCallRecordStore } from './call-record-store.ts'
import { type CallRecord, readCallRecords } from './call-records.ts'
import { findOwners } from './number-owners.ts'
import { createEventSealer } from './stored-event.ts'

/**
 * What the books say of the calls of these events once the events are taken in, for consumers that
 * must not say anything else. It does not wait for the writer of the records: whoever comes later
 * changes nothing. A call that cannot be in the books is left out, and so is one to a number that
 * is nobody's.
 */
export function createBookedCalls(deps: { sql: Sql; vault: Vault; clock: Clock }) {
  const { sql, vault, clock } = deps
  const store = createCallRecordStore({ sql, clock })
  const seal = createEventSealer(vault)

  return async (events: readonly CallEvent[]): Promise<ReadonlyMap<CallId, CallRecord>> => {
    // Of those to numbers that are nobody's there can be many, and nobody asks.
    const strangers = events.filter((each) => each.accountId === undefined)
    const owners = await findOwners(
      sql,
      strangers.map(({ x }) => x),
    )
    const asked = events.filter((each) => each.accountId !== undefined || owners.has(each.x))
    if (asked.length === 0) return new Map()
    // What cannot be stored is the writer's to put aside.
    await store.store(asked.map((each) => ({ id: each.id, fields: ['event', seal(each)] })))
    const callIds = asked.map(({ callId }) => callId)
    const records = await readCallRecords({ sql, vault }, [...new Set(callIds)])
    return new Map(records.map((record) => [record.callId, record]))
  }
}
