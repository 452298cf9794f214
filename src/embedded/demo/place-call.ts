import { setTimeout as sleep } from 'node:timers/promises'
import type { Phone } from '../phone/phone.ts'
import type { CallAnswer, PhoneCall } from '../phone/phone-call.ts'
import { type Callee, millisecondsOf, type Voices } from './demo-phones.ts'

type CallSeen = Pick<PhoneCall, 'invite' | 'times' | 'heard'>

/** The call as both phones lived through it. */
export type PlacedCall = {
  readonly caller: Pick<Phone, 'diary'>
  readonly callerCall: CallSeen
  readonly answer: CallAnswer
  /** Undefined: B was never rung. */
  readonly calleeCall: CallSeen | undefined
  /** Undefined: B is played by somebody else. */
  readonly callee: Pick<Phone, 'diary'> | undefined
  /** Wall clock time of the INVITE, to find its record. */
  readonly placedAt: Date
}

/** A person at the other end of DEMO_TRUNK may take a while. */
const answerMsMax = 60_000
/** How long A listens to a B that we do not know. */
const listenMs = 6000

/** A calls X, B answers after ringing, each says its text, A hangs up. */
export async function placeCall(options: {
  readonly caller: Phone
  readonly callee: Callee | undefined
  readonly sip: string
  readonly x: string
  readonly voices: Voices
  readonly signal: AbortSignal
}): Promise<PlacedCall> {
  const { caller, callee, sip, x, voices, signal } = options
  const placedAt = new Date()
  const callerCall = await caller.call({ to: x, viaHostPort: sip })
  const hangUp = () => void callerCall.hangUp()
  signal.addEventListener('abort', hangUp)
  try {
    const answer = await answerOf(callerCall)
    if (answer.answered) {
      await Promise.race([talk(callerCall, callee, voices), untilAborted(signal)])
    }
    hangUp()
    const first = await firstCallOf(callee)
    await Promise.race([Promise.all([callerCall.end, first?.end]), sleep(5000)])
    return { caller, callerCall, answer, callee: callee?.phone, calleeCall: first, placedAt }
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
}

function answerOf(call: PhoneCall): Promise<CallAnswer> {
  const late = { answered: false, status: 408, reason: 'nobody answered' } as const
  return Promise.race([call.answer, sleep(answerMsMax, late)])
}

async function talk(call: PhoneCall, callee: Callee | undefined, voices: Voices): Promise<void> {
  await call.say(voices.caller)
  await untilSaid(callee, voices)
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** B has said its text, or has had the time for it. */
async function untilSaid(callee: Callee | undefined, voices: Voices): Promise<void> {
  const limit = sleep(millisecondsOf(voices.callee) + listenMs)
  const said = callee?.firstCall.then(({ spoken }) => spoken)
  await (said === undefined ? sleep(listenMs) : Promise.race([said, limit]))
  // What is under way still has to arrive.
  await sleep(300)
}

async function firstCallOf(callee: Callee | undefined): Promise<PhoneCall | undefined> {
  if (callee === undefined) return undefined
  const first = await Promise.race([callee.firstCall, sleep(100)])
  return first?.call
}
