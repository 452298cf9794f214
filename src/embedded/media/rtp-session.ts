import type { Socket } from 'node:dgram'
import { type Codec, payloadTypeOf } from './g711.ts'
import { type RtpPacket, readRtp } from './rtp-packet.ts'
import { type AudioFrame, RtpSender } from './rtp-sender.ts'
import { createDigitReader, type Digit, type DigitReader } from './telephone-event.ts'

export type Address = { readonly host: string; readonly port: number }

/** What offer and answer agreed on. */
export type MediaAgreement = {
  /** Undefined: nothing may be sent (no answer yet, or an address of 0.0.0.0). */
  readonly remote: Address | undefined
  readonly codec: Codec
  readonly telephoneEvent: number | undefined
  readonly sending: boolean
  readonly receiving: boolean
}

export type ReceivedStats = {
  packets: number
  audioPackets: number
  digitPackets: number
  otherPackets: number
  bytes: number
  audioBytes: number
  lost: number
  /** performance.now() of the last packet, or of the agreement before the first. */
  lastAt: number
}

const packetsToBelieve = 5

/** One RTP socket: whom it talks to, what it has heard, and its one outgoing stream. */
export class RtpSession {
  readonly host: string
  readonly port: number
  readonly sender: RtpSender
  readonly received: ReceivedStats = {
    packets: 0,
    audioPackets: 0,
    digitPackets: 0,
    otherPackets: 0,
    bytes: 0,
    audioBytes: 0,
    lost: 0,
    lastAt: performance.now(),
  }
  readonly #socket: Socket
  readonly #onAudio: (frame: AudioFrame) => void
  readonly #digits: DigitReader
  #agreement: MediaAgreement | undefined
  #target: Address | undefined
  /** Where packets really come from. A phone behind NAT is not where its SDP says. */
  #heardFrom: Address | undefined
  #candidate: (Address & { readonly count: number }) | undefined
  #highest: { ssrc: number; sequence: number } | undefined
  #closed = false

  constructor(deps: {
    socket: Socket
    onAudio(frame: AudioFrame): void
    onDigit(digit: Digit): void
  }) {
    this.#socket = deps.socket
    this.#onAudio = deps.onAudio
    this.#digits = createDigitReader(deps.onDigit)
    const { address, port } = deps.socket.address()
    this.host = address
    this.port = port
    this.sender = new RtpSender({
      send: (datagram) => this.#sendDatagram(datagram),
      telephoneEvent: () => this.#agreement?.telephoneEvent,
    })
    this.#socket.on('message', (datagram, from) => this.#onDatagram(datagram, from))
    this.#socket.on('error', ignoreError)
  }

  get agreement(): MediaAgreement | undefined {
    return this.#agreement
  }

  agree(next: MediaAgreement): void {
    const before = this.#agreement?.remote
    this.#agreement = next
    // A new address is believed anew; the same one keeps what was learned about it.
    if (before?.host !== next.remote?.host || before?.port !== next.remote?.port) {
      this.#heardFrom = undefined
      this.#candidate = undefined
      this.#target = next.remote
    }
    // An endpoint made without SDP is answered with its own address until it is given a real one.
    if (next.remote?.port === this.port && next.remote.host === this.host) this.#target = undefined
    this.received.lastAt = performance.now()
  }

  /** The socket itself belongs to the port range, which closes it. */
  close(): void {
    this.#closed = true
  }

  #sendDatagram(datagram: Buffer): void {
    const target = this.#target
    if (this.#closed || target === undefined || this.#agreement?.sending !== true) return
    this.#socket.send(datagram, 0, datagram.length, target.port, target.host, ignoreError)
  }

  #onDatagram(datagram: Buffer, from: { address: string; port: number }): void {
    const agreement = this.#agreement
    if (this.#closed || agreement === undefined) return
    const packet = readRtp(datagram)
    if (packet === undefined || !this.#isPeer(from)) return
    const { received } = this
    received.packets++
    received.bytes += datagram.length
    received.lastAt = performance.now()
    this.#countLost(packet)
    if (packet.payloadType === payloadTypeOf[agreement.codec]) this.#audio(packet, agreement)
    else if (packet.payloadType === agreement.telephoneEvent) {
      received.digitPackets++
      this.#digits.read(packet)
    } else received.otherPackets++
  }

  /**
   * Packets from where the description says are always the peer's. Another source is believed when it has sent
   * some packets and nothing came from there: not at once, since after a change of address the old one's last
   * packets are still on their way.
   */
  #isPeer({ address, port }: { address: string; port: number }): boolean {
    const heard = this.#heardFrom
    if (heard !== undefined && port === heard.port && address === heard.host) return true
    const said = this.#agreement?.remote
    if (said !== undefined && port === said.port && address === said.host) {
      this.#believe(said)
      return true
    }
    if (heard !== undefined) return false
    const candidate = this.#candidate
    const count = candidate?.host === address && candidate.port === port ? candidate.count + 1 : 1
    this.#candidate = { host: address, port, count }
    if (count >= packetsToBelieve) this.#believe({ host: address, port })
    return true
  }

  #believe(peer: Address): void {
    this.#heardFrom = peer
    if (this.#target !== undefined) this.#target = peer
  }

  #countLost({ ssrc, sequence }: RtpPacket): void {
    if (this.#highest === undefined || this.#highest.ssrc !== ssrc) {
      this.#highest = { ssrc, sequence }
      return
    }
    const ahead = (sequence - this.#highest.sequence) & 0xffff
    if (ahead === 0 || ahead >= 0x8000) return
    this.received.lost += ahead - 1
    this.#highest.sequence = sequence
  }

  #audio(packet: RtpPacket, { codec, receiving }: MediaAgreement): void {
    this.received.audioPackets++
    this.received.audioBytes += packet.payload.length
    this.#digits.audioAt(packet.timestamp)
    if (!receiving) return
    const { payload, timestamp, sequence, ssrc } = packet
    this.#onAudio({ codec, payload, timestamp, sequence, ssrc })
  }
}

/** A refused or unreachable datagram is lost, as on any network; silence is what ends a call. */
function ignoreError(): void {
  // Nothing to do.
}
