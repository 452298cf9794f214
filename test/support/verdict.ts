import { setImmediate } from 'node:timers/promises'
import type { CallRecord } from './api.ts'
import { type Cast, numberOf, parts } from './cast.ts'
import { oneOf, type Scene } from './catalog.ts'
import { findLeaksAgainst } from './leak-check.ts'
import { calleeHertz, callerHertz, type Played } from './play.ts'
import { recordFaults } from './record-verdict.ts'
import { toneHertz } from './runtime.ts'
import { header, startLine, userOf } from './sip-text.ts'
import type { Ground } from './story-ground.ts'

/** Everything about one played call that is not as the catalogue says, in words. Empty: all is well. */
export async function verdict(
  scene: Scene,
  ground: Ground,
  played: Played,
  records: readonly CallRecord[],
): Promise<string[]> {
  const { cast } = ground
  return [
    ...(played.callerFault === undefined ? [] : [`caller: ${played.callerFault}`]),
    ...played.calleeFaults.map((each) => `callee: ${each}`),
    ...statusFaults(scene, played),
    ...inviteFaults(scene, cast, played),
    ...(await leakFaults(scene, ground, played)),
    ...soundFaults(scene, played),
    ...recordFaults(scene, ground, records),
  ]
}

function statusFaults(scene: Scene, played: Played): string[] {
  const wanted = oneOf(scene.status)
  if (wanted.length === 0 || wanted.includes(played.status ?? 0)) return []
  return [`the caller got ${played.status}, not ${wanted.join(' or ')}`]
}

/** The callee is shown X and nothing but X, and is called once over each trunk. */
function inviteFaults(scene: Scene, cast: Cast, played: Played): string[] {
  const { callee } = parts(scene, cast)
  const count = played.invitesToCallee.length
  const faults = played.invitesToCallee.flatMap((invite) => {
    const shown = ['From', 'Contact', 'P-Asserted-Identity'].map((name) => header(invite, name))
    const called = userOf(startLine(invite))
    return [
      ...shown.filter((value) => userOf(value) !== cast.x).map((value) => `callee sees ${value}`),
      ...(called === callee ? [] : [`called was ${called}, not the callee`]),
    ]
  })
  if (count === scene.callees.length) return faults
  if (scene.calleeOptional === true && count === 0) return faults
  return [...faults, `the callee got ${count} calls, not ${scene.callees.length}`]
}

/**
 * No byte of anybody else's number, in any coding, in SIP, SDP or sound. Each side sees its own, which
 * it has told itself or is called by.
 */
async function leakFaults(scene: Scene, ground: Ground, played: Played): Promise<string[]> {
  const { caller, callee } = parts(scene, ground.cast)
  return [
    ...(await leaks(played.towardsCaller, ground, caller, 'caller')),
    ...(await leaks(played.towardsCallee, ground, callee, 'callee')),
  ]
}

/** How long other stories may be held up: their packets are kept with the time at which they are read. */
const busyMsMax = 10

async function leaks(
  packets: readonly Buffer[],
  { cast, people }: Ground,
  own: string,
  side: string,
): Promise<string[]> {
  const found = new Set<string>()
  let sinceMs = performance.now()
  for (const who of people) {
    const number = numberOf(cast, who)
    for (const bytes of number === own ? [] : packets) {
      for (const name of findLeaksAgainst(bytes, number, [cast.x])) {
        found.add(`leak of ${who} to the ${side}: ${name}`)
      }
      if (performance.now() - sinceMs < busyMsMax) continue
      await setImmediate()
      sinceMs = performance.now()
    }
  }
  return [...found]
}

/** A tone is heard when most of the sound's energy is at its frequency. */
const heardMin = 0.6
/** Rings and joins take a moment; what is asked is what is heard once they are done. */
const settleMs = 400
const packetsMin = 15

function soundFaults(scene: Scene, played: Played): string[] {
  const { callerEar, calleeEar, answeredAtMs, endedAtMs } = played
  const faults: string[] = []
  const early = { fromMs: 0, toMs: answeredAtMs ?? endedAtMs }
  if (scene.hearsBeforeAnswer !== undefined) {
    const heard = scene.hearsBeforeAnswer
    const hertz = heard === 'callee' ? calleeHertz : toneHertz(heard)
    const count = callerEar.packets.filter(({ atMs }) => atMs < early.toMs).length
    const share = callerEar.heard(hertz, early)
    if (count < packetsMin || share < heardMin) {
      faults.push(`before the answer the caller heard ${count} packets, ${share} at ${hertz} Hz`)
    }
  }
  const talk = { fromMs: early.toMs + settleMs, toMs: endedAtMs }
  if (scene.talk === true) {
    const caller = callerEar.heard(calleeHertz, talk)
    const callee = calleeEar.heard(callerHertz, talk)
    if (caller < heardMin) faults.push(`the caller heard the callee with a share of ${caller}`)
    if (callee < heardMin) faults.push(`the callee heard the caller with a share of ${callee}`)
  }
  if (scene.presses !== undefined && calleeEar.digits() !== scene.presses) {
    faults.push(`the callee got the digits '${calleeEar.digits()}'`)
  }
  return faults
}
