import { contains, levelDbfs } from '../phone/listen.ts'
import { header, type SipRequest } from '../sip/message.ts'
import { millisecondsOf, type Voices } from './demo-phones.ts'
import type { CallRecord, Recording } from './find-record.ts'
import type { PlacedCall } from './place-call.ts'
import { type DemoBinding, demoNumbers } from './provision.ts'

/** One thing that the demo shows, whether it was so, and how it was seen. */
export type Point = { readonly held: boolean; readonly text: string }

export type Evidence = {
  readonly placed: PlacedCall
  readonly binding: DemoBinding
  readonly voices: Voices
  readonly record: CallRecord | undefined
  readonly recording: Recording | undefined
}

/** Speech at a normal level is around -20 dBFS; a line that carries nothing is below this. */
const audibleDbfs = -45
const postDialMsMax = 3000
/** Ringing for less than this proves nothing about the ringback. */
const ringMsMin = 1000

/** From what the phones sent, received and heard, and what the engine wrote down. Pure. */
export function judgeCall(evidence: Evidence): readonly Point[] {
  const { answer, callee } = evidence.placed
  if (!answer.answered) {
    return [{ held: false, text: `the call was not answered: ${answer.status} ${answer.reason}` }]
  }
  return [
    ...(callee === undefined ? [] : [shownNumber(evidence), nothingLeaked(evidence)]),
    postDialDelay(evidence),
    ...(answeredAtOnce(evidence) ? [] : [ringbackHeard(evidence)]),
    ...(callee === undefined ? [] : voicesHeard(evidence)),
    recorded(evidence),
    writtenDown(evidence),
  ]
}

function shownNumber({ placed, binding }: Evidence): Point {
  const invite = placed.calleeCall?.invite
  const shown = invite === undefined ? [] : identitiesOf(invite)
  const held =
    shown.length > 0 && shown.every((each) => each.replace('+', '') === digits(binding.x))
  return { held, text: `B's phone rang and showed ${shown[0] ?? 'nothing'}; X is ${binding.x}` }
}

const digits = (number: string) => number.replace('+', '')

/** The user parts of every header that names the caller. */
function identitiesOf(invite: SipRequest): readonly string[] {
  const names = [
    'from',
    'contact',
    'p-asserted-identity',
    'p-preferred-identity',
    'remote-party-id',
  ]
  return names.flatMap((name) => {
    const user = /sips?:([^@>;]+)@/.exec(header(invite, name) ?? '')?.[1]
    return user === undefined ? [] : [decodeURIComponent(user)]
  })
}

function nothingLeaked({ placed }: Evidence): Point {
  const toB = placed.callee?.diary.map(({ text }) => text) ?? []
  const received = placed.caller.diary.filter(({ direction }) => direction === 'received')
  const toA = received.map(({ text }) => text)
  const found = [
    ...toB.filter((text) => text.includes(nationalPart(demoNumbers.a))),
    ...toA.filter((text) => text.includes(nationalPart(demoNumbers.b))),
  ]
  const count = toB.length + toA.length
  return {
    held: found.length === 0 && toB.length > 0 && toA.length > 0,
    text: `no SIP message gave away a real number (${count} messages read, ${found.length} with one)`,
  }
}

/** Without country code: it stands in every way of writing the number. */
const nationalPart = (number: string) => number.slice('+86'.length)

function postDialDelay({ placed }: Evidence): Point {
  const { ringing } = placed.callerCall.times
  return {
    held: ringing !== undefined && ringing < postDialMsMax,
    text: `post-dial delay ${ringing === undefined ? 'unknown' : `${Math.round(ringing)} ms`}, from A's INVITE to the first ringing`,
  }
}

/** A machine behind DEMO_TRUNK may answer before a ringback can begin. */
function answeredAtOnce({ placed }: Evidence): boolean {
  const { ringing, answered } = placed.callerCall.times
  if (placed.callee !== undefined || answered === undefined) return false
  return answered - (ringing ?? 0) < ringMsMin
}

function ringbackHeard({ placed, voices }: Evidence): Point {
  const { earlySamples } = placed.callerCall.heard
  const seconds = millisecondsOf(earlySamples) / 1000
  const isIt = contains(earlySamples, voices.ringback)
  return {
    held: isIt && levelDbfs(earlySamples) > audibleDbfs,
    text: `before the answer A heard ${seconds.toFixed(1)} s of sound at ${decibels(earlySamples)}, ${isIt ? '' : 'not '}the enterprise ringback`,
  }
}

function voicesHeard({ placed, voices }: Evidence): readonly Point[] {
  const atB = placed.calleeCall?.heard.samples ?? new Int16Array()
  const atA = placed.callerCall.heard.samples
  const heard = (who: string, whom: string, samples: Int16Array, voice: Int16Array): Point => {
    const parts = partsOf(voice)
    const found = parts.filter((part) => contains(samples, part)).length
    return {
      held: found >= parts.length / 2,
      text: `${who} heard ${whom} at ${decibels(samples)}: ${found} of ${parts.length} parts of what ${whom} said`,
    }
  }
  return [heard('B', 'A', atB, voices.caller), heard('A', 'B', atA, voices.callee)]
}

/** About a second each: a busy machine may lose some of a sentence, and the rest still proves that the line carries it. */
function partsOf(voice: Int16Array): readonly Int16Array[] {
  const count = Math.max(1, Math.floor(voice.length / 8000))
  const length = Math.floor(voice.length / count)
  return Array.from({ length: count }, (_, at) => voice.subarray(at * length, (at + 1) * length))
}

function recorded({ recording, voices, placed }: Evidence): Point {
  if (recording === undefined) return { held: false, text: 'there is no recording' }
  const [left = new Int16Array(), right = new Int16Array()] = recording.channels
  const said = millisecondsOf(voices.caller) / 1000
  const held =
    recording.channels.length === 2 &&
    recording.seconds >= said &&
    partsOf(voices.caller).some((part) => contains(left, part)) &&
    (placed.callee === undefined || partsOf(voices.callee).some((part) => contains(right, part)))
  return {
    held,
    text: `recording of ${recording.seconds.toFixed(1)} s, left (A) ${decibels(left)}, right (B) ${decibels(right)}:\n    ${recording.file}`,
  }
}

function writtenDown({ record }: Evidence): Point {
  if (record === undefined) return { held: false, text: 'there is no call record' }
  const held = record.startTime !== undefined && record.releaseReason === 'normal'
  return {
    held,
    text: `call record ${held ? 'complete' : 'not as expected'}: answered ${record.startTime ?? 'never'}, ended ${record.releaseReason ?? 'for no known reason'}`,
  }
}

function decibels(samples: Int16Array): string {
  const level = levelDbfs(samples)
  return Number.isFinite(level) ? `${level.toFixed(1)} dBFS` : 'silence'
}
