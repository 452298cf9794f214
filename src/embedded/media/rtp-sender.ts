import { type Codec, payloadTypeOf, samplesPerMs } from './g711.ts'
import { type RtpPacket, writeRtp } from './rtp-packet.ts'
import { digitPayload } from './telephone-event.ts'
import { tickMs } from './ticker.ts'

/** A frame on its way through: what it is, and the place that its own source gave it in time. */
export type AudioFrame = {
  readonly codec: Codec
  readonly payload: Uint8Array
  readonly timestamp: number
  readonly sequence: number
  readonly ssrc: number
}

const digitStep = tickMs * samplesPerMs
const endRepeats = 3
/** 40 ms is the least that detectors accept, 1 s more than any thumb needs. */
const digitDurationMin = 40 * samplesPerMs
const digitDurationMax = 1000 * samplesPerMs
const digitQueueMax = 64
/** A source whose clock steps back this far has started anew. */
const timestampBackMax = 1000 * samplesPerMs
const idleMs = 3 * tickMs

/**
 * One outgoing RTP stream. Sources change in the middle of a call (ringback, then a prompt, then the other leg),
 * but whoever listens sees one SSRC, unbroken sequence numbers and a timestamp that keeps pace with the clock.
 */
export class RtpSender {
  readonly stats = { packets: 0, bytes: 0, digitPackets: 0 }
  readonly #send: (datagram: Buffer) => void
  /** Undefined: the peer cannot be sent digits. */
  readonly #telephoneEvent: () => number | undefined
  readonly #ssrc = (Math.random() * 0x1_0000_0000) >>> 0
  #sequence = (Math.random() * 0x1_0000) >>> 0
  #nextTimestamp = (Math.random() * 0x1_0000_0000) >>> 0
  #sentAt = 0
  #source: number | 'here' | undefined
  #offset = 0
  readonly #digits: { digit: string; duration: number }[] = []
  #digit: DigitOnItsWay | undefined

  constructor(deps: {
    send(datagram: Buffer): void
    telephoneEvent(): number | undefined
  }) {
    this.#send = deps.send
    this.#telephoneEvent = deps.telephoneEvent
  }

  get sendingDigit(): boolean {
    return this.#digit !== undefined || this.#digits.length > 0
  }

  /** The next 20 ms from here: a file, a tone, a microphone. */
  play(codec: Codec, payload: Uint8Array): void {
    if (this.#digit !== undefined) return
    const marker = this.#source !== 'here'
    if (marker) this.#resume()
    this.#source = 'here'
    this.#audio(codec, payload, this.#nextTimestamp, marker)
  }

  /** A frame of somebody else, in its own rhythm. */
  forward(codec: Codec, frame: { payload: Uint8Array; timestamp: number; ssrc: number }): void {
    if (this.#digit !== undefined) return
    let timestamp = (frame.timestamp + this.#offset) >>> 0
    const back = (this.#nextTimestamp - timestamp) >>> 0
    const restarted = back < 0x8000_0000 && back > timestampBackMax
    const marker = restarted || this.#source !== frame.ssrc
    if (marker) {
      this.#resume()
      timestamp = this.#nextTimestamp
      this.#offset = timestamp - frame.timestamp
      this.#source = frame.ssrc
    }
    this.#audio(codec, frame.payload, timestamp, marker)
  }

  queueDigit(digit: string, duration: number): void {
    if (this.#digits.length >= digitQueueMax) return
    const within = Math.min(digitDurationMax, Math.max(digitDurationMin, duration))
    this.#digits.push({ digit, duration: within })
  }

  /** Sends the next packet of a digit on its way; while that is so, audio is held back. */
  tick(): void {
    const payloadType = this.#telephoneEvent()
    if (payloadType === undefined) {
      this.#digits.length = 0
      this.#digit = undefined
      return
    }
    if (this.#digit === undefined) this.#startDigit()
    if (this.#digit !== undefined) this.#sendDigit(payloadType, this.#digit)
  }

  #audio(codec: Codec, payload: Uint8Array, timestamp: number, marker: boolean): void {
    this.#write({ payloadType: payloadTypeOf[codec], marker, timestamp, payload })
    this.#nextTimestamp = (timestamp + payload.length) >>> 0
    this.#sentAt = performance.now()
  }

  #write(packet: Omit<RtpPacket, 'ssrc' | 'sequence'>): void {
    const datagram = writeRtp({ ...packet, sequence: this.#sequence, ssrc: this.#ssrc })
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.stats.packets++
    this.stats.bytes += datagram.length
    this.#send(datagram)
  }

  /** Where the stream should be now, when it was silent for a while. */
  #resume(): void {
    const silentMs = performance.now() - this.#sentAt
    if (this.#sentAt === 0 || silentMs < idleMs) return
    this.#nextTimestamp += Math.round(silentMs - tickMs) * samplesPerMs
    this.#nextTimestamp >>>= 0
  }

  #startDigit(): void {
    const next = this.#digits.shift()
    if (next === undefined) return
    this.#resume()
    this.#digit = { ...next, timestamp: this.#nextTimestamp, sent: 0 }
  }

  #sendDigit(payloadType: number, digit: DigitOnItsWay): void {
    const duration = Math.min(digit.sent * digitStep + digitStep, digit.duration)
    const end = duration >= digit.duration
    const { timestamp } = digit
    const payload = digitPayload(digit.digit, duration, end)
    for (let i = 0; i < (end ? endRepeats : 1); i++) {
      this.#write({ payloadType, timestamp, payload, marker: digit.sent === 0 && i === 0 })
      this.stats.digitPackets++
    }
    digit.sent++
    if (!end) return
    this.#digit = undefined
    this.#source = undefined
    this.#nextTimestamp = (timestamp + digit.duration) >>> 0
    this.#sentAt = performance.now()
  }
}

type DigitOnItsWay = {
  readonly digit: string
  readonly duration: number
  readonly timestamp: number
  sent: number
}
