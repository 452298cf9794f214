import type { Socket } from 'node:dgram'
import g711 from 'alawmulaw'
import { boundUdpSocket } from './ports.ts'
import { shareAt } from './sound.ts'

/**
 * The sound side of a SIPp phone: SIPp's SDP names this port. It keeps every byte that arrives,
 * sends a steady tone of its own once it knows where to, and can say which tones it heard.
 */
export type RtpEar = {
  readonly port: number
  readonly packets: readonly HeardPacket[]
  /** Where our sound goes and in which coding, as the other side's SDP says. */
  aim(target: { host: string; port: number; payloadType: number }): void
  /** Sends the digits as telephone-events (RFC 4733), payload type 101. */
  press(digits: string): void
  /** Digits that came as telephone-events. */
  digits(): string
  /** Share of the sound's energy that lies at this frequency, 0 to 1, over the packets of a time window. */
  heard(hertz: number, window?: { fromMs: number; toMs: number }): number
  /** Loudest sample over the window, 0 to 32767. */
  peak(window?: { fromMs: number; toMs: number }): number
  close(): void
}

export type HeardPacket = { readonly atMs: number; readonly bytes: Buffer }

type Aim = { host: string; port: number; payloadType: number }

const samplesPerPacket = 160
const dtmfPayloadType = 101
const dtmfPacketsPerDigit = 8

export async function createRtpEar(options: { host: string; hertz: number }): Promise<RtpEar> {
  const socket = await boundUdpSocket(options.host)
  const packets: HeardPacket[] = []
  const voice = createVoice(socket, options.hertz)
  socket.on('message', (bytes) => packets.push({ atMs: performance.now(), bytes }))
  const samples = (window?: { fromMs: number; toMs: number }) =>
    decode(packets.filter((each) => inside(each.atMs, window)))
  return {
    port: socket.address().port,
    packets,
    aim: voice.aim,
    press: voice.press,
    digits: () => digitsOf(packets),
    heard: (hertz, window) => shareAt(samples(window), hertz),
    peak: (window) => samples(window).reduce((max, each) => Math.max(max, Math.abs(each)), 0),
    close() {
      voice.stop()
      socket.close()
    },
  }
}

function createVoice(socket: Socket, hertz: number) {
  const ssrc = Math.floor(Math.random() * 0xffffffff)
  const startedMs = performance.now()
  const digits: { digit: number; left: number; timestamp: number }[] = []
  let aim: Aim | undefined
  let sequence = 0

  const tick = () => {
    if (aim === undefined) return
    // Timers run late under load; what is due by the clock is sent, so that the stream keeps 50 per second.
    const due = Math.min(
      Math.floor((performance.now() - startedMs) / 20) - sequence,
      maxPacketsPerTick,
    )
    for (let sent = 0; sent < due; sent++) sendOne(aim)
  }
  const sendOne = (to: Aim) => {
    const timestamp = sequence * samplesPerPacket
    const event = digits[0]
    const packet =
      event === undefined
        ? rtp(to.payloadType, sequence, timestamp, ssrc, tone(to.payloadType, hertz, timestamp))
        : rtp(dtmfPayloadType, sequence, event.timestamp, ssrc, telephoneEvent(event))
    if (event !== undefined && --event.left === 0) digits.shift()
    sequence++
    socket.send(packet, to.port, to.host)
  }
  const timer = setInterval(tick, 20)
  return {
    aim(target: Aim) {
      // What passed before we knew where to send is not sent later in one burst.
      if (aim === undefined) sequence = Math.floor((performance.now() - startedMs) / 20)
      aim = target
    },
    press(text: string) {
      for (const each of text) {
        digits.push({
          digit: '0123456789*#'.indexOf(each),
          left: dtmfPacketsPerDigit,
          timestamp: (sequence + digits.length * dtmfPacketsPerDigit) * samplesPerPacket,
        })
      }
    },
    stop: () => clearInterval(timer),
  }
}

/** After a pause of the whole machine the rest is skipped rather than poured out. */
const maxPacketsPerTick = 10

function rtp(type: number, sequence: number, timestamp: number, ssrc: number, payload: Uint8Array) {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = type
  header.writeUInt16BE(sequence & 0xffff, 2)
  header.writeUInt32BE(timestamp >>> 0, 4)
  header.writeUInt32BE(ssrc, 8)
  return Buffer.concat([header, payload])
}

function telephoneEvent(event: { digit: number; left: number }): Uint8Array {
  const ends = event.left <= 3
  const packetsSoFar = Math.min(dtmfPacketsPerDigit - event.left + 1, dtmfPacketsPerDigit - 2)
  const duration = packetsSoFar * samplesPerPacket
  return Uint8Array.of(event.digit, (ends ? 0x80 : 0) | 10, duration >> 8, duration & 0xff)
}

function tone(payloadType: number, hertz: number, offset: number): Uint8Array {
  const wave = new Int16Array(samplesPerPacket)
  for (let i = 0; i < samplesPerPacket; i++) {
    wave[i] = 8000 * Math.sin((2 * Math.PI * hertz * (offset + i)) / 8000)
  }
  return payloadType === 0 ? g711.mulaw.encode(wave) : g711.alaw.encode(wave)
}

/** Repetitions of one event carry the same timestamp (RFC 4733 2.2.2). */
function digitsOf(packets: readonly HeardPacket[]): string {
  const events = new Map<number, string>()
  for (const { bytes } of packets) {
    if (((bytes[1] ?? 0) & 0x7f) !== dtmfPayloadType || bytes.length < 16) continue
    events.set(bytes.readUInt32BE(4), '0123456789*#'[bytes[12] ?? 0] ?? '?')
  }
  return [...events.values()].join('')
}

const inside = (atMs: number, window?: { fromMs: number; toMs: number }) =>
  window === undefined || (atMs >= window.fromMs && atMs <= window.toMs)

function decode(packets: readonly HeardPacket[]): Int16Array {
  const parts = packets.flatMap(({ bytes }) => {
    const type = (bytes[1] ?? 0) & 0x7f
    const payload = new Uint8Array(bytes.subarray(12))
    if (type === 0) return [g711.mulaw.decode(payload)]
    return type === 8 ? [g711.alaw.decode(payload)] : []
  })
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
