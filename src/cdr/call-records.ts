import type { ReleaseDirection } from '../domain/call.ts'
import type { CallFacts } from '../domain/call-event.ts'
import type { HangupReason } from '../domain/hangup.ts'
import type {
  AccountId,
  BindingId,
  CallId,
  PoolKey,
  TrunkId,
  VirtualNumber,
} from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { pageFrom, pageLimit, placeBy } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'

/** A call as it is in the books; while it runs, as far as it has come. */
export type CallRecord = CallFacts & {
  /** Undefined when the event is not here (yet). */
  readonly startEventId: string | undefined
  readonly endEventId: string | undefined
}

type CallRecordFilter = {
  /** Whose calls. Undefined: the operator, who sees everybody's and those to numbers that are nobody's. */
  readonly accountId: AccountId | undefined
  readonly x?: VirtualNumber | undefined
  readonly bindingId?: BindingId | undefined
  readonly poolKey?: PoolKey | undefined
  /** Either side of the call. */
  readonly party?: PhoneNumber | undefined
  /** By the time of the call: from `since` on, and before `until`. */
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Only calls that are not over. */
  readonly liveOnly?: boolean | undefined
  readonly limit?: number | undefined
  /** What `nextCursor` of the page before was. */
  readonly cursor?: string | undefined
}

/** Newest first. `nextCursor` undefined: this was the last page. */
type CallRecordPage = {
  readonly items: readonly CallRecord[]
  readonly nextCursor: string | undefined
}

export type CallRecords = {
  list(filter: CallRecordFilter): Promise<CallRecordPage>
  /** `accountId` undefined: the operator. */
  get(accountId: AccountId | undefined, callId: CallId): Promise<CallRecord | undefined>
}

export function createCallRecords({ sql, vault }: { sql: Sql; vault: Vault }): CallRecords {
  return {
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const party = filter.party === undefined ? undefined : vault.blindIndex(filter.party)
      // One more than asked tells whether there is a next page.
      const rows = await sql.rows<Row>(listQuery(filter, { party, limit: limit + 1 }))
      return pageFrom(rows, limit, { item: (row) => recordOf(row, vault), place: placeOf })
    },
    async get(accountId, callId) {
      const rows = await sql.rows<Row>({
        name: 'cdr.get',
        text: `
          select * from call_record
           where call_id = $1 and ($2::text is null or account_id = $2)
           order by call_time desc
           limit 1`,
        values: [callId, accountId ?? null],
      })
      return rows[0] === undefined ? undefined : recordOf(rows[0], vault)
    },
  }
}

/** Whosever they are. What is not in the books, or does not open with our keys, is left out. */
export async function readCallRecords(
  { sql, vault }: { sql: Sql; vault: Vault },
  callIds: readonly CallId[],
): Promise<readonly CallRecord[]> {
  const rows = await sql.rows<Row>({
    name: 'cdr.of-calls',
    text: 'select * from call_record where call_id = any($1::text[]) order by call_time',
    values: [callIds],
  })
  return rows.flatMap((row) => {
    try {
      return [recordOf(row, vault)]
    } catch {
      return []
    }
  })
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(
  filter: CallRecordFilter,
  with_: { party: string | undefined; limit: number },
): Query {
  const after = placeBy(filter.cursor, parsePlace)
  const conditions: readonly (readonly [tag: string, text: string, values: unknown[]])[] = [
    ['account', 'account_id = ?', [filter.accountId]],
    ['x', 'x = ?', [filter.x]],
    ['binding', 'binding_id = ?', [filter.bindingId]],
    ['pool', 'pool_key = ?', [filter.poolKey]],
    ['party', '(caller_index = ? or callee_index = ?)', [with_.party, with_.party]],
    ['since', 'call_time >= ?', [filter.since]],
    ['until', 'call_time < ?', [filter.until]],
    [
      'live',
      '(?::boolean and release_time is null)',
      [filter.liveOnly === true ? true : undefined],
    ],
    ['after', '(call_time, call_id) < (?, ?)', [after?.callTime, after?.callId]],
  ]
  const asked = conditions.filter(([, , values]) => values[0] !== undefined)
  const where = asked.map(([, text]) => text).join(' and ')
  let place = 0
  const text = `
    select * from call_record
     ${where === '' ? '' : `where ${where}`}
     order by call_time desc, call_id desc
     limit ?`.replace(/\?/g, () => `$${++place}`)
  return {
    name: `cdr.list-${asked.map(([tag]) => tag).join('-')}`,
    text,
    values: [...asked.flatMap(([, , values]) => values), with_.limit],
  }
}

const placeOf = (row: Row) => `${row.call_time.toISOString()} ${row.call_id}`

function parsePlace(text: string): { callTime: Date; callId: string } | undefined {
  const [, time, callId] = /^(\S{24}) ([!-~]{1,100})$/.exec(text) ?? []
  const callTime = new Date(time ?? Number.NaN)
  if (Number.isNaN(callTime.getTime()) || callId === undefined) return undefined
  return { callTime, callId }
}

type Row = {
  readonly call_id: string
  readonly call_time: Date
  readonly router_id: string
  readonly account_id: string | null
  readonly pool_key: string | null
  readonly product: string | null
  readonly binding_id: string | null
  readonly x: string
  readonly extension: string | null
  readonly city: string | null
  readonly caller_sealed: string | null
  readonly callee_sealed: string | null
  readonly caller_role: string | null
  readonly intercepted: boolean
  readonly unconnected_cause: number
  readonly control_msg: string
  readonly out_id: string | null
  readonly trunk_in: string
  readonly trunk_out: string | null
  readonly call_out_time: Date | null
  readonly ring_time: Date | null
  readonly start_time: Date | null
  readonly release_time: Date | null
  readonly release_direction: number | null
  readonly release_cause: number | null
  readonly release_reason: string | null
  readonly recording: string | null
  readonly start_event_id: string | null
  readonly end_event_id: string | null
}

function recordOf(row: Row, vault: Vault): CallRecord {
  const open = (sealed: string | null) => (sealed === null ? undefined : vault.open(sealed))
  return {
    callId: row.call_id as CallId,
    routerId: row.router_id,
    accountId: known(row.account_id) as AccountId | undefined,
    poolKey: known(row.pool_key) as PoolKey | undefined,
    product: known(row.product) as CallFacts['product'],
    bindingId: known(row.binding_id) as BindingId | undefined,
    x: row.x as VirtualNumber,
    extension: known(row.extension),
    city: known(row.city),
    caller: open(row.caller_sealed),
    callee: open(row.callee_sealed),
    callerRole: known(row.caller_role) as CallFacts['callerRole'],
    intercepted: row.intercepted,
    unconnectedCause: row.unconnected_cause as CallFacts['unconnectedCause'],
    controlMsg: row.control_msg,
    outId: known(row.out_id),
    trunkIn: row.trunk_in as TrunkId,
    trunkOut: known(row.trunk_out) as TrunkId | undefined,
    callTime: row.call_time,
    callOutTime: known(row.call_out_time),
    ringTime: known(row.ring_time),
    startTime: known(row.start_time),
    releaseTime: known(row.release_time),
    releaseDirection: known(row.release_direction) as ReleaseDirection | undefined,
    releaseCause: known(row.release_cause),
    releaseReason: known(row.release_reason) as HangupReason | undefined,
    recording: known(row.recording),
    startEventId: known(row.start_event_id),
    endEventId: known(row.end_event_id),
  }
}

const known = <T>(value: T | null): T | undefined => value ?? undefined
