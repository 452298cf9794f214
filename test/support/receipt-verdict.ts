import { beijingTime } from '../../src/platform/beijing-time.ts'
import type { CallRecord } from './api.ts'

type Body = Readonly<Record<string, unknown>>

/** A receipt as it came. `queuedMs`: when its queue took it. */
export type Taken = {
  readonly way: 'push' | 'queue'
  readonly body: Body
  readonly queuedMs?: number
}

/** Of the starts and ends that are due by the call records. */
export type Verdict = {
  readonly due: number
  readonly delivered: number
  /** Deliveries of what had been delivered already. */
  readonly repeated: number
  readonly missing: readonly string[]
  /** Calls whose end came before their start. */
  readonly outOfOrder: readonly string[]
  /** What the last delivery says that the record does not, or the other way round. */
  readonly different: readonly string[]
}

type Caller = { readonly caller: string; readonly callee: string; readonly dialled: string }

export function judgeReceipts(
  records: readonly CallRecord[],
  taken: readonly Taken[],
  callers: readonly Caller[],
): { push: Verdict; queue: Verdict } {
  const byX = new Map(callers.map((each) => [each.dialled, each]))
  const of = (way: Taken['way']) =>
    judgeWay(
      records,
      taken.filter((each) => each.way === way),
      byX,
    )
  return { push: of('push'), queue: of('queue') }
}

function judgeWay(
  records: readonly CallRecord[],
  taken: readonly Taken[],
  byX: ReadonlyMap<string, Caller>,
): Verdict {
  const deliveries = new Map<string, { place: number; taken: Taken }[]>()
  for (const [place, each] of taken.entries()) {
    const id = String(each.body['id'])
    const before = deliveries.get(id) ?? []
    deliveries.set(id, [...before, { place, taken: each }])
  }
  const due = records.flatMap((record) => [
    { id: `${record.id}:start`, expected: startOf(record, byX) },
    { id: `${record.id}:end`, expected: endOf(record, byX) },
  ])
  const known = due.filter(({ id }) => deliveries.has(id))
  const count = known.reduce((sum, { id }) => sum + (deliveries.get(id)?.length ?? 0), 0)
  return {
    due: due.length,
    delivered: known.length,
    repeated: count - known.length,
    missing: due.filter(({ id }) => !deliveries.has(id)).map(({ id }) => id),
    outOfOrder: records
      .filter(({ id }) => isEarlier(deliveries.get(`${id}:end`), deliveries.get(`${id}:start`)))
      .map(({ id }) => id),
    different: known.flatMap(({ id, expected }) => {
      const last = deliveries.get(id)?.at(-1)?.taken.body ?? {}
      const fields = Object.keys(expected).filter((field) => last[field] !== expected[field])
      return fields.map((field) => `${id} ${field}: ${last[field]}, not ${expected[field]}`)
    }),
  }
}

type Delivery = { readonly place: number; readonly taken: Taken }

/**
 * By the first delivery of each. What a reader took from a queue and was killed with is hidden for
 * a while, so there it is the order in which the queue took them that counts.
 */
function isEarlier(
  end: readonly Delivery[] | undefined,
  start: readonly Delivery[] | undefined,
): boolean {
  const [ended] = end ?? []
  const [began] = start ?? []
  if (ended === undefined || began === undefined) return false
  const { queuedMs } = ended.taken
  if (queuedMs !== undefined) return queuedMs < (began.taken.queuedMs ?? 0)
  return ended.place < began.place
}

const national = (e164: string) => e164.replace(/^\+86/, '')

/** What a record says of a call, as the receipts say it. */
function startOf(record: CallRecord, byX: ReadonlyMap<string, Caller>): Body {
  const people = byX.get(record.x)
  return {
    call_id: record.id,
    sub_id: Number(record.bindingId ?? 0),
    phone_no: national(people?.caller ?? ''),
    // Nobody could look up who was behind X.
    peer_no: record.bindingId === undefined ? '' : national(people?.callee ?? ''),
    secret_no: national(record.x),
    call_time: time(record.callTime),
    unconnected_cause: record.unconnectedCause,
    control_msg: record.controlMsg,
  }
}

const directions = { platform: 0, caller: 1, callee: 2 } as const

function endOf(record: CallRecord, byX: ReadonlyMap<string, Caller>): Body {
  const { callOutTime = record.callTime, releaseDirection = 'platform' } = record
  return {
    ...startOf(record, byX),
    call_out_time: time(callOutTime),
    ring_time: time(record.ringTime ?? callOutTime),
    start_time: time(record.startTime ?? record.releaseTime),
    release_time: time(record.releaseTime),
    release_dir: directions[releaseDirection],
    release_cause: record.releaseCause,
  }
}

const time = (text: string | undefined) => (text === undefined ? '' : beijingTime(new Date(text)))
