import type { StoredEvent } from './stored-event.ts'

/** A row of `call_record` as one or more events of the call tell it. Keys are column names. */
export type CallRecordRow = {
  readonly call_id: string
  readonly call_time: string
  readonly router_id: string
  readonly account_id: string | undefined
  readonly pool_key: string | undefined
  readonly product: string | undefined
  readonly binding_id: string | undefined
  readonly x: string
  readonly extension: string | undefined
  readonly city: string | undefined
  readonly caller_sealed: string | undefined
  readonly caller_index: string | undefined
  readonly callee_sealed: string | undefined
  readonly callee_index: string | undefined
  readonly caller_role: string | undefined
  readonly intercepted: boolean
  readonly unconnected_cause: number
  readonly control_msg: string
  readonly out_id: string | undefined
  readonly trunk_in: string
  readonly trunk_out: string | undefined
  readonly call_out_time: string | undefined
  readonly ring_time: string | undefined
  readonly start_time: string | undefined
  readonly release_time: string | undefined
  readonly release_direction: number | undefined
  readonly release_cause: number | undefined
  readonly release_reason: string | undefined
  readonly recording: string | undefined
  readonly start_event_id: string | undefined
  readonly end_event_id: string | undefined
  readonly stage: number
}

const lostEndStage = 4
const stages = { start: 1, ring: 2, answer: 3, end: 5 } as const

export function rowOf(event: StoredEvent): CallRecordRow {
  const isLostEnd = event.type === 'end' && event.releaseReason === 'router-lost'
  return {
    call_id: event.callId,
    call_time: event.callTime,
    router_id: event.routerId,
    account_id: event.accountId,
    pool_key: event.poolKey,
    product: event.product,
    binding_id: event.bindingId,
    x: event.x,
    extension: event.extension,
    city: event.city,
    caller_sealed: event.caller?.sealed,
    caller_index: event.caller?.index,
    callee_sealed: event.callee?.sealed,
    callee_index: event.callee?.index,
    caller_role: event.callerRole,
    intercepted: event.intercepted,
    unconnected_cause: event.unconnectedCause,
    control_msg: event.controlMsg,
    out_id: event.outId,
    trunk_in: event.trunkIn,
    trunk_out: event.trunkOut,
    call_out_time: event.callOutTime,
    ring_time: event.ringTime,
    start_time: event.startTime,
    release_time: event.releaseTime,
    release_direction: event.releaseDirection,
    release_cause: event.releaseCause,
    release_reason: event.releaseReason,
    recording: event.recording,
    start_event_id: event.type === 'start' ? event.id : undefined,
    end_event_id: event.type === 'end' ? event.id : undefined,
    stage: isLostEnd ? lostEndStage : stages[event.type],
  }
}

/**
 * What two tellings of one call say together, whichever comes first: the one that went further is
 * believed, and the other fills its gaps. An end that was written for a lost router gives way to
 * the router's own, and never comes before an answer. A recording that turned out not to be there
 * is not a gap. `upsertCallRecords` says the same in SQL.
 */
export function mergeRows(a: CallRecordRow, b: CallRecordRow): CallRecordRow {
  const [further, other] = b.stage > a.stage ? [b, a] : [a, b]
  const merged = filled(further, other)
  if (merged.stage !== lostEndStage) return merged
  const times = [a.release_time, b.release_time, merged.start_time].filter((t) => t !== undefined)
  return { ...merged, release_time: times.sort().at(-1) }
}

/** Field by field into a copy of the one that went further, which lacks few. */
function filled(further: CallRecordRow, other: CallRecordRow): CallRecordRow {
  const gaps: Record<string, unknown> = {}
  for (const column of Object.keys(other) as (keyof CallRecordRow)[]) {
    if (further[column] === undefined && other[column] !== undefined) gaps[column] = other[column]
  }
  return { ...further, ...gaps, recording: further.recording }
}

/** One row per call, in the order of the table's key: two writers then never wait for each other in a circle. */
export function foldRows(rows: readonly CallRecordRow[]): CallRecordRow[] {
  const byCall = new Map<string, CallRecordRow>()
  for (const row of rows) {
    const key = `${row.call_id} ${row.call_time}`
    const before = byCall.get(key)
    byCall.set(key, before === undefined ? row : mergeRows(before, row))
  }
  return [...byCall.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
