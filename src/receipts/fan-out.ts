import type { CallEvent } from '../domain/call-event.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { asBooked, type BookedCalls, isLostEnd, isOwnerless } from './as-booked.ts'
import type { MessageType } from './receipt-types.ts'
import { isForPush, sourceBody, threadOf } from './source-receipts.ts'
import { type NewReceipt, storeReceipts, type ToldEnd, toldEnds } from './store.ts'

/** Call events in the order of the stream, and a way to say that they are taken care of. */
export type EventFeed = {
  /** Waits up to `waitMs` for some. What was not finished comes again, before anything new. */
  next(waitMs: number): Promise<EventBatch>
}

export type EventBatch = {
  readonly events: readonly CallEvent[]
  finish(): Promise<void>
}

/** The receipt that tells of an event. */
export type ToReceipt = (event: CallEvent) => { type: MessageType; body: object }

const waitMs = 300
const sourcesAtOnce = 1_000
/** Any number; the same in every process. One of them at a time keeps a call's receipts in order. */
const turnKey = 7_305_541

/**
 * From call events, and from what other rooms have written, to receipts. Any number of workers may
 * ask; one at a time has its turn, so that the events of a call are taken in order. A step that
 * fails is done again from where it was: nothing is finished before it is committed.
 */
export function createFanOut(deps: {
  sql: Sql
  vault: Pick<Vault, 'sealText' | 'openText'>
  feed: EventFeed
  toReceipt: ToReceipt
  booked: BookedCalls
  /** As the vendor writes numbers. */
  national: (e164: string) => string
}): { step(): Promise<boolean> } {
  const { sql, vault, feed, toReceipt, booked, national } = deps

  /** In the order of the events. */
  async function receiptsOf(
    session: Sql,
    events: readonly CallEvent[],
    wanted: ReadonlySet<string>,
  ): Promise<readonly NewReceipt[]> {
    const isToldEnd = (each: CallEvent) =>
      isLostEnd(each) && wanted.has(`${each.accountId} SecretReport`)
    const doubtful = events.filter((each) => isOwnerless(each) || isToldEnd(each))
    if (wanted.size === 0 || doubtful.length === 0) return events.flatMap((each) => receiptOf(each))
    const settled = asBooked(events, await booked(doubtful))
    const lostIds = settled.filter(isLostEnd).map(({ id }) => id)
    const told = await toldEnds(session, vault, lostIds)
    return settled.flatMap((each) => receiptOf(each, told.get(each.id)))
  }

  /**
   * A call to a number that is nobody's is told to nobody. `told` is what was said before of the end
   * of a lost router's call: what is no news is not said again.
   */
  function receiptOf(event: CallEvent, told?: ToldEnd): readonly NewReceipt[] {
    if (event.accountId === undefined) return []
    const { type, body } = toReceipt(event)
    const receipt = {
      accountId: event.accountId,
      type,
      eventId: event.id,
      callId: event.callId,
      poolKey: event.poolKey,
      happenedAt: event.at,
      body,
    }
    if (!isLostEnd(event)) return [{ ...receipt, revision: 1 }]
    if (told === undefined) return [{ ...receipt, revision: 0 }]
    if (told.isFinal || told.body === JSON.stringify(body)) return []
    return [{ ...receipt, revision: told.revision - 1 }]
  }

  return {
    /** Resolves to whether there was something to do. */
    async step() {
      const taken: EventBatch[] = []
      const done = await sql.transaction(async (session) => {
        if (!(await hasTurn(session))) return false
        const batch = await feed.next(waitMs)
        taken.push(batch)
        const wanted = await wantedBy(session)
        const isWanted = (each: NewReceipt) => wanted.has(`${each.accountId} ${each.type}`)
        const receipts = await receiptsOf(session, batch.events, wanted)
        await storeReceipts(session, vault, receipts.filter(isWanted))
        const sources = await takeSources(session)
        const others = sources
          .filter((each) => wanted.has(`${each.account_id} ${each.message_type}`))
          .map((each) => sourceReceipt(each, national))
        await storeReceipts(session, vault, others)
        return batch.events.length > 0 || sources.length > 0
      })
      for (const batch of taken) await batch.finish()
      return done
    },
  }
}

async function hasTurn(session: Sql): Promise<boolean> {
  const [row] = await session.rows<{ mine: boolean }>({
    name: 'receipts.turn',
    text: 'select pg_try_advisory_xact_lock($1) as mine',
    values: [turnKey],
  })
  return row?.mine === true
}

/** Accounts with the types that they have a queue, a push or a topic for: nothing is sealed for nobody. */
async function wantedBy(session: Sql): Promise<ReadonlySet<string>> {
  const rows = await session.rows<{ wanted: string }>({
    name: 'receipts.wanted',
    text: `
      select account_id || ' ' || message_type as wanted from receipt_queue where enabled
      union
      select account_id || ' ' || message_type from receipt_push where enabled
      union
      select account_id || ' ' || message_type from receipt_kafka where enabled`,
    values: [],
  })
  return new Set(rows.map((row) => row.wanted))
}

type SourceRow = {
  readonly account_id: string
  readonly message_type: string
  readonly event_id: string
  readonly pool_key: string | null
  readonly body: Readonly<Record<string, unknown>>
  readonly happened_at: Date
}

function takeSources(session: Sql): Promise<SourceRow[]> {
  return session.rows<SourceRow>({
    name: 'receipts.take-sources',
    text: `
      with taken as (
        delete from receipt_source
         where id in (select id from receipt_source order by id limit ${sourcesAtOnce})
        returning *
      )
      select account_id, message_type, event_id, pool_key, body, happened_at
        from taken order by id`,
    values: [],
  })
}

function sourceReceipt(row: SourceRow, national: (e164: string) => string): NewReceipt {
  const type = row.message_type as MessageType
  const poolKey = row.pool_key ?? undefined
  const source = { type, poolKey, happenedAt: row.happened_at, facts: row.body }
  return {
    accountId: row.account_id as NewReceipt['accountId'],
    type,
    eventId: row.event_id,
    revision: 1,
    callId: threadOf(source),
    poolKey: poolKey as NewReceipt['poolKey'],
    happenedAt: row.happened_at,
    body: sourceBody(source, national),
    toPush: isForPush(source),
  }
}
