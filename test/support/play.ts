import { type Cast, parts } from './cast.ts'
import type { Scene } from './catalog.ts'
import {
  type Address,
  type CallerLine,
  createCallerLine,
  type LinePacket,
  type TrunkLine,
} from './lines.ts'
import { createRtpEar, type RtpEar } from './rtp-ear.ts'
import { isRequest, type SoundTarget, soundTarget, startLine, statusOf } from './sip-text.ts'
import { type SippProcess, startSipp } from './sipp.ts'

export type Stage = {
  readonly engine: Address
  /** In the order of their priority. */
  readonly trunks: readonly TrunkLine[]
}

export const callerHertz = 440
export const calleeHertz = 1000

export type Played = {
  /** Undefined when the SIPp run went as its file says, otherwise what it complained about. */
  readonly callerFault: string | undefined
  readonly calleeFaults: readonly string[]
  /** Final status of the caller's INVITE. */
  readonly status: number | undefined
  readonly invitesToCallee: readonly string[]
  /** Every byte that went towards the calling side, SIP and sound, and towards the called side. */
  readonly towardsCaller: readonly Buffer[]
  readonly towardsCallee: readonly Buffer[]
  readonly callerEar: RtpEar
  readonly calleeEar: RtpEar
  readonly answeredAtMs: number | undefined
  readonly endedAtMs: number
}

const sourceHosts = { trunk: '127.0.0.1', 'doubtful-trunk': '127.0.0.2', nowhere: '127.0.0.3' }

/** Plays one call against whatever listens at `stage.engine`, and tells what was seen from outside. */
export async function play(
  scene: Scene,
  cast: Cast,
  stage: Stage,
  duringCall?: () => Promise<void>,
): Promise<Played> {
  const { callee, dialled, shown } = parts(scene, cast)
  const host = sourceHosts[scene.source ?? 'trunk']
  const callerEar = await createRtpEar({ host, hertz: callerHertz })
  const calleeEar = await createRtpEar({ host: '127.0.0.1', hertz: calleeHertz })
  const open: { close(): void }[] = [callerEar, calleeEar]
  const phones: SippProcess[] = []
  try {
    const msMax = (scene.secondsMax ?? 20) * 1000
    const seats = await seatCallees({ scene, callee, stage, calleeEar, msMax, phones })
    const moments = createMoments(scene, callerEar, duringCall)
    const line = await createCallerLine({
      host,
      engine: stage.engine,
      fault: scene.network?.side === 'caller' ? scene.network.fault : undefined,
      onPacket: moments.onPacket,
    })
    open.push(line)
    const caller = await startSipp({
      scenario: scene.caller,
      target: `${stage.engine.host}:${stage.engine.port}`,
      through: `${host}:${line.port}`,
      host,
      msMax,
      fields: {
        caller: shown,
        dialled,
        contact: `${host}:${line.port}`,
        rtp_port: callerEar.port,
      },
    })
    phones.push(caller)
    const callerFault = await caller.done.then(() => undefined, faultText)
    const endedAtMs = performance.now()
    const reached = seats.some((seat) => seat.packets.length > 0)
    const waitFor = scene.calleeOptional === true && !reached ? [] : phones
    const calleeFaults = await settle(waitFor.filter((phone) => phone !== caller))
    await moments.finished()
    return {
      callerFault,
      calleeFaults,
      endedAtMs,
      ...seen(line, seats, { callerEar, calleeEar }),
      answeredAtMs: moments.answeredAtMs(),
    }
  } finally {
    for (const seat of stage.trunks) seat.vacate(callee)
    for (const each of open) each.close()
    for (const phone of phones) await phone.stop()
  }
}

async function seatCallees(options: {
  scene: Scene
  callee: string
  stage: Stage
  calleeEar: RtpEar
  msMax: number
  phones: SippProcess[]
}) {
  const { scene, callee, stage, calleeEar, msMax, phones } = options
  const aim = createAim(calleeEar, scene.talk === true || scene.hearsBeforeAnswer === 'callee')
  return Promise.all(
    scene.callees.map(async (scenario, at) => {
      const trunk = stage.trunks[at]
      if (trunk === undefined) throw new Error(`${scene.caller} needs ${at + 1} trunks`)
      if (scenario === 'nobody') return trunk.seat(callee, 'nobody')
      const phone = await startSipp({
        scenario,
        msMax,
        fields: { callee, contact: `127.0.0.1:${trunk.port}`, rtp_port: calleeEar.port },
      })
      phones.push(phone)
      return trunk.seat(
        callee,
        { host: '127.0.0.1', port: phone.port },
        {
          fault: scene.network?.side === 'callee' ? scene.network.fault : undefined,
          onPacket: aim,
        },
      )
    }),
  )
}

/**
 * Where a phone sends its sound: to the address of the other side's last SDP, in the coding that the
 * last SDP of either side names first, because the answer always comes after the offer.
 */
function createAim(ear: RtpEar, isOn: boolean): (packet: LinePacket) => void {
  const last: { party?: SoundTarget; engine?: SoundTarget } = {}
  return (packet) => {
    const named = isOn ? soundTarget(packet.bytes.toString('latin1')) : undefined
    if (named === undefined) return
    last[packet.towards] = named
    // Until both have spoken there is an offer, but no answer.
    if (last.party === undefined || last.engine === undefined) return
    ear.aim({ ...last.party, payloadType: named.payloadType })
  }
}

/** What has to be done at certain moments of the caller's dialog. */
function createMoments(scene: Scene, ear: RtpEar, duringCall: (() => Promise<void>) | undefined) {
  let answeredAtMs: number | undefined
  let work: Promise<void> = Promise.resolve()
  const aim = createAim(ear, scene.talk === true)
  const answered = (atMs: number) => {
    answeredAtMs = atMs
    if (scene.presses !== undefined) ear.press(scene.presses)
    if (duringCall !== undefined) work = duringCall()
  }
  return {
    onPacket(packet: LinePacket) {
      aim(packet)
      if (packet.towards !== 'party') return
      const text = packet.bytes.toString('latin1')
      if (answeredAtMs === undefined && statusOf(text, 'INVITE') === 200) answered(packet.atMs)
    },
    answeredAtMs: () => answeredAtMs,
    finished: () => work,
  }
}

/** How long callees may go on after the caller's part is played to its end. */
async function settle(phones: readonly SippProcess[]): Promise<string[]> {
  const outcomes = await Promise.all(
    phones.map((phone) => phone.done.then(() => undefined, faultText)),
  )
  return outcomes.filter((each) => each !== undefined)
}

const faultText = (err: unknown) => (err instanceof Error ? err.message : String(err))

function seen(
  line: CallerLine,
  seats: readonly { packets: readonly LinePacket[] }[],
  ears: { callerEar: RtpEar; calleeEar: RtpEar },
) {
  const toCaller = line.packets.filter((each) => each.towards === 'party').map((each) => each.bytes)
  const toCallee = seats
    .flatMap((seat) => seat.packets)
    .filter((each) => each.towards === 'party')
    .map((each) => each.bytes)
  const finals = toCaller
    .map((bytes) => statusOf(bytes.toString('latin1'), 'INVITE') ?? 0)
    .filter((status) => status >= 200)
  return {
    ...ears,
    status: finals[0],
    invitesToCallee: initialInvites(toCallee),
    towardsCaller: [...toCaller, ...ears.callerEar.packets.map((each) => each.bytes)],
    towardsCallee: [...toCallee, ...ears.calleeEar.packets.map((each) => each.bytes)],
  }
}

/** INVITEs that open a dialog, without retransmissions. */
function initialInvites(packets: readonly Buffer[]): string[] {
  const texts = packets.map((bytes) => bytes.toString('latin1'))
  const fresh = texts.filter(
    (text) =>
      isRequest(text, 'INVITE') && !/^To:[^\r]*;tag=/im.test(text) && startLine(text) !== '',
  )
  return [...new Map(fresh.map((text) => [/^Call-ID: *(\S+)/im.exec(text)?.[1], text])).values()]
}
