import type { CatalogEntry } from './catalog.ts'
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

/** The people of one scenario; all in E.164 with plus. */
export type Cast = {
  readonly a: string
  readonly b: string
  readonly x: string
  /** Somebody who has no binding on X. */
  readonly stranger: string
  /** A virtual number that is not ours. */
  readonly unknownX: string
}

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

/** Who calls, who is called, and how the caller's trunk writes the number. */
export function parts(entry: CatalogEntry, cast: Cast) {
  const from = entry.from ?? 'A'
  const caller = from === 'A' ? cast.a : from === 'B' ? cast.b : cast.stranger
  const callee = from === 'B' ? cast.a : cast.b
  const dialled = entry.dials === 'unknown' ? cast.unknownX : cast.x
  return { caller, callee, dialled, shown: written(caller, entry.callerForm) }
}

function written(number: string, form: CatalogEntry['callerForm']): string {
  switch (form) {
    case undefined:
    case 'e164-plus':
      return number
    case 'e164':
      return number.slice(1)
    case '00':
      return `00${number.slice(1)}`
    case 'national':
      return number.slice(3)
  }
}

const sourceHosts = { trunk: '127.0.0.1', 'doubtful-trunk': '127.0.0.2', nowhere: '127.0.0.3' }

/** Plays one scenario against whatever listens at `stage.engine`, and tells what was seen from outside. */
export async function play(
  entry: CatalogEntry,
  cast: Cast,
  stage: Stage,
  duringCall?: () => Promise<void>,
): Promise<Played> {
  const { callee, dialled, shown } = parts(entry, cast)
  const host = sourceHosts[entry.source ?? 'trunk']
  const callerEar = await createRtpEar({ host, hertz: callerHertz })
  const calleeEar = await createRtpEar({ host: '127.0.0.1', hertz: calleeHertz })
  const open: { close(): void }[] = [callerEar, calleeEar]
  const phones: SippProcess[] = []
  try {
    const msMax = (entry.secondsMax ?? 20) * 1000
    const seats = await seatCallees({ entry, callee, stage, calleeEar, msMax, phones })
    const moments = createMoments(entry, callerEar, duringCall)
    const line = await createCallerLine({
      host,
      engine: stage.engine,
      fault: entry.network?.side === 'caller' ? entry.network.fault : undefined,
      onPacket: moments.onPacket,
    })
    open.push(line)
    const caller = await startSipp({
      scenario: entry.caller,
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
    const waitFor = entry.calleeOptional === true && !reached ? [] : phones
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
  entry: CatalogEntry
  callee: string
  stage: Stage
  calleeEar: RtpEar
  msMax: number
  phones: SippProcess[]
}) {
  const { entry, callee, stage, calleeEar, msMax, phones } = options
  const aim = createAim(calleeEar, entry.talk === true || entry.hearsBeforeAnswer === 'callee')
  return Promise.all(
    entry.callees.map(async (scenario, at) => {
      const trunk = stage.trunks[at]
      if (trunk === undefined) throw new Error(`${entry.id} needs ${at + 1} trunks`)
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
          fault: entry.network?.side === 'callee' ? entry.network.fault : undefined,
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
function createMoments(
  entry: CatalogEntry,
  ear: RtpEar,
  duringCall: (() => Promise<void>) | undefined,
) {
  let answeredAtMs: number | undefined
  let work: Promise<void> = Promise.resolve()
  const aim = createAim(ear, entry.talk === true)
  const answered = (atMs: number) => {
    answeredAtMs = atMs
    if (entry.presses !== undefined) ear.press(entry.presses)
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
