import type { CallRecord } from './api.ts'
import { type CatalogEntry, oneOf } from './catalog.ts'
import { findLeaksAgainst } from './leak-check.ts'
import { type Cast, calleeHertz, callerHertz, type Played, parts } from './play.ts'
import { ringbackHertz } from './runtime.ts'
import { header, startLine, userOf } from './sip-text.ts'

/** Everything about one played scenario that is not as the catalogue says, in words. Empty: all is well. */
export function verdict(
  entry: CatalogEntry,
  cast: Cast,
  played: Played,
  records: readonly CallRecord[],
): string[] {
  return [
    ...(played.callerFault === undefined ? [] : [`caller: ${played.callerFault}`]),
    ...played.calleeFaults.map((each) => `callee: ${each}`),
    ...statusFaults(entry, played),
    ...inviteFaults(entry, cast, played),
    ...leakFaults(entry, cast, played),
    ...soundFaults(entry, played),
    ...recordFaults(entry, cast, records),
  ]
}

function statusFaults(entry: CatalogEntry, played: Played): string[] {
  const wanted = oneOf(entry.status)
  if (wanted.length === 0 || wanted.includes(played.status ?? 0)) return []
  return [`the caller got ${played.status}, not ${wanted.join(' or ')}`]
}

/** The callee is shown X and nothing but X, and is called once over each trunk. */
function inviteFaults(entry: CatalogEntry, cast: Cast, played: Played): string[] {
  const { callee } = parts(entry, cast)
  const count = played.invitesToCallee.length
  const faults = played.invitesToCallee.flatMap((invite) => {
    const shown = ['From', 'Contact', 'P-Asserted-Identity'].map((name) => header(invite, name))
    const called = userOf(startLine(invite))
    return [
      ...shown.filter((value) => userOf(value) !== cast.x).map((value) => `callee sees ${value}`),
      ...(called === callee ? [] : [`called was ${called}, not the callee`]),
    ]
  })
  if (count === entry.callees.length) return faults
  if (entry.calleeOptional === true && count === 0) return faults
  return [...faults, `the callee got ${count} calls, not ${entry.callees.length}`]
}

/** No byte of the other side's number, in any coding, in SIP, SDP or sound. */
function leakFaults(entry: CatalogEntry, cast: Cast, played: Played): string[] {
  const { caller, callee } = parts(entry, cast)
  const find = (packets: readonly Buffer[], number: string, side: string) =>
    packets.flatMap((bytes) =>
      findLeaksAgainst(bytes, number, [cast.x]).map((name) => `leak to the ${side}: ${name}`),
    )
  return [
    ...new Set([
      ...find(played.towardsCaller, callee, 'caller'),
      ...find(played.towardsCallee, caller, 'callee'),
    ]),
  ]
}

/** A tone is heard when most of the sound's energy is at its frequency. */
const heardMin = 0.6
/** Rings and joins take a moment; what is asked is what is heard once they are done. */
const settleMs = 400
const packetsMin = 15

function soundFaults(entry: CatalogEntry, played: Played): string[] {
  const { callerEar, calleeEar, answeredAtMs, endedAtMs } = played
  const faults: string[] = []
  const early = { fromMs: 0, toMs: answeredAtMs ?? endedAtMs }
  if (entry.hearsBeforeAnswer !== undefined) {
    const hertz = entry.hearsBeforeAnswer === 'ringback' ? ringbackHertz : calleeHertz
    const count = callerEar.packets.filter(({ atMs }) => atMs < early.toMs).length
    const share = callerEar.heard(hertz, early)
    if (count < packetsMin || share < heardMin) {
      faults.push(`before the answer the caller heard ${count} packets, ${share} at ${hertz} Hz`)
    }
  }
  const talk = { fromMs: early.toMs + settleMs, toMs: endedAtMs }
  if (entry.talk === true) {
    const caller = callerEar.heard(calleeHertz, talk)
    const callee = calleeEar.heard(callerHertz, talk)
    if (caller < heardMin) faults.push(`the caller heard the callee with a share of ${caller}`)
    if (callee < heardMin) faults.push(`the callee heard the caller with a share of ${callee}`)
  }
  if (entry.presses !== undefined && calleeEar.digits() !== entry.presses) {
    faults.push(`the callee got the digits '${calleeEar.digits()}'`)
  }
  return faults
}

function recordFaults(entry: CatalogEntry, cast: Cast, records: readonly CallRecord[]): string[] {
  const [record, ...others] = records
  if (others.length > 0) return [`${records.length} call records`]
  if (record === undefined) {
    return entry.cause === undefined || entry.recordOptional === true ? [] : ['no call record']
  }
  if (entry.cause === undefined && entry.recordOptional !== true) return ['a call record']
  return [
    ...mismatch('cause', record.releaseReason, oneOf(entry.cause)),
    ...mismatch('release', record.releaseDirection, oneOf(entry.release)),
    ...(record.releaseTime === undefined ? ['the record has no end'] : []),
    ...(record.releaseCause === undefined ? ['the record has no Q.850 cause'] : []),
    ...maskFaults(record, cast),
    ...(record.recorded === (entry.binding?.recording === true)
      ? []
      : ['recording is not as asked']),
  ]
}

function mismatch(what: string, found: string | undefined, wanted: readonly string[]): string[] {
  if (wanted.length === 0 || (found !== undefined && wanted.includes(found))) return []
  return [`${what} in the record is ${found}, not ${wanted.join(' or ')}`]
}

function maskFaults(record: CallRecord, cast: Cast): string[] {
  const text = JSON.stringify(record)
  return [cast.a, cast.b, cast.stranger].some((number) => text.includes(number.slice(3)))
    ? ['the record shows a number']
    : []
}
