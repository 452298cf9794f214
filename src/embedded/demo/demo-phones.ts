import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readWav } from '../media/wav-file.ts'
import { projectFolder } from '../own-program.ts'
import { createPhone, type Phone } from '../phone/phone.ts'
import type { PhoneCall } from '../phone/phone-call.ts'
import { demoNumbers } from './provision.ts'

/** 8 kHz samples of what is said and played in the demo. */
export type Voices = {
  readonly caller: Int16Array
  readonly callee: Int16Array
  readonly ringback: Int16Array
}

/** Long enough that the ringback is heard, short enough for an impatient spectator. */
const ringMs = 3000
/** B speaks again and again, for those who dial in themselves. */
const calleeLoops = 20

export async function loadVoices(tonesDir: string): Promise<Voices> {
  const fromConfig = (name: string) => join(projectFolder, 'config/demo', name)
  return {
    caller: await samplesOf(fromConfig('caller.wav')),
    callee: await samplesOf(fromConfig('callee.wav')),
    ringback: await samplesOf(join(tonesDir, `${demoNumbers.ringback}.wav`)),
  }
}

async function samplesOf(file: string): Promise<Int16Array> {
  const samples = readWav(await readFile(file))
  if (samples === undefined) throw new Error(`${file} is not a wav file that we can play`)
  return samples
}

export async function startCaller(host: string): Promise<Phone> {
  const phone = createPhone({ host, user: demoNumbers.a })
  await phone.start()
  return phone
}

export type Callee = {
  readonly phone: Phone
  /** The call that came in first, and when B has said all of its text once. */
  readonly firstCall: Promise<{ readonly call: PhoneCall; readonly spoken: Promise<void> }>
}

/** B: rings, answers, lets the other side speak first, then speaks. Answers everybody, for as long as it runs. */
export async function startCallee(options: {
  readonly host: string
  readonly port: number
  readonly voices: Voices
}): Promise<Callee> {
  const { host, port, voices } = options
  let came: (first: { call: PhoneCall; spoken: Promise<void> }) => void = () => undefined
  const firstCall = new Promise<{ call: PhoneCall; spoken: Promise<void> }>((resolve) => {
    came = resolve
  })

  async function answer(call: PhoneCall): Promise<void> {
    call.ring()
    await sleep(ringMs)
    if (call.isOver || !call.accept()) return
    await sleep(millisecondsOf(voices.caller) + 300)
    await call.say(voices.callee)
    void call.say(voices.callee, calleeLoops)
  }

  const phone = createPhone({
    host,
    sipPort: port,
    user: demoNumbers.b,
    onCall: (call) => came({ call, spoken: answer(call) }),
  })
  await phone.start()
  return { phone, firstCall }
}

export function millisecondsOf(samples: Int16Array): number {
  return Math.round(samples.length / 8)
}
