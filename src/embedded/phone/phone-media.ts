import type { Socket } from 'node:dgram'
import { type Codec, samplesPerMs } from '../media/g711.ts'
import {
  agreeWith,
  type Direction,
  readPeerMedia,
  writeAnswer,
  writeOffer,
} from '../media/media-sdp.ts'
import { openAnyRtpSocket } from '../media/rtp-ports.ts'
import { RtpSession } from '../media/rtp-session.ts'
import { playSound, type SoundCursor } from '../media/sound.ts'
import type { Ticker } from '../media/ticker.ts'
import { createHeardAudio, type HeardAudio } from './heard-audio.ts'

/** The voice side of one call of a phone: its RTP socket, what it says, and what it hears. */
export class PhoneMedia {
  readonly digits: string[] = []
  readonly #socket: Socket
  readonly #codecs: readonly Codec[]
  readonly #rtp: RtpSession
  readonly #heard: ReturnType<typeof createHeardAudio>
  readonly #stopTicking: () => void
  readonly #id = Math.floor(Math.random() * 1_000_000_000)
  #version = 0
  #voice: { cursor: SoundCursor; done: () => void } | undefined
  #closed = false

  static async open(options: {
    host: string
    codecs: readonly Codec[]
    ticker: Ticker
    sinceMs(): number
  }): Promise<PhoneMedia> {
    return new PhoneMedia({ ...options, socket: await openAnyRtpSocket(options.host) })
  }

  private constructor(options: {
    socket: Socket
    codecs: readonly Codec[]
    ticker: Ticker
    sinceMs(): number
  }) {
    this.#socket = options.socket
    this.#codecs = options.codecs
    this.#heard = createHeardAudio(options.sinceMs)
    this.#rtp = new RtpSession({
      socket: options.socket,
      onAudio: (frame) => this.#heard.take(frame),
      onDigit: ({ digit }) => this.digits.push(digit),
    })
    this.#stopTicking = options.ticker.add(() => this.#tick())
  }

  get heard(): HeardAudio {
    return this.#heard.look()
  }

  get codec(): Codec | undefined {
    return this.#rtp.agreement?.codec
  }

  get sentPackets(): number {
    return this.#rtp.sender.stats.packets
  }

  answered(): void {
    this.#heard.answered()
  }

  offer(direction: Direction = 'sendrecv'): string {
    return writeOffer(this.#local(), { codecs: this.#codecs, direction })
  }

  /** The answer to an offer, or undefined when there is nothing in it for us. */
  answer(offer: string): string | undefined {
    const peer = readPeerMedia(offer)
    const agreement = peer === undefined ? undefined : agreeWith(peer, this.#codecs)
    if (peer === undefined || agreement === undefined) return undefined
    this.#rtp.agree(agreement)
    return writeAnswer(this.#local(), peer, agreement)
  }

  /** The answer to an offer of ours. */
  agree(answer: string): boolean {
    const peer = readPeerMedia(answer)
    const agreement = peer === undefined ? undefined : agreeWith(peer, this.#codecs)
    if (agreement === undefined) return false
    this.#rtp.agree(agreement)
    return true
  }

  /** Speaks in real time; resolves when all is said. What was being said is broken off. */
  say(samples: Int16Array, loops = 1): Promise<void> {
    this.hush()
    return new Promise((done) => {
      this.#voice = { cursor: playSound({ samples, loops }), done }
    })
  }

  hush(): void {
    this.#voice?.done()
    this.#voice = undefined
  }

  /** RFC 4733, one after the other. */
  sendDigits(digits: string, digitMs = 100): void {
    for (const digit of digits) this.#rtp.sender.queueDigit(digit, digitMs * samplesPerMs)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopTicking()
    this.hush()
    this.#rtp.close()
    this.#socket.close()
  }

  #local() {
    this.#version++
    return { host: this.#rtp.host, port: this.#rtp.port, id: this.#id, version: this.#version }
  }

  #tick(): void {
    const { agreement, sender } = this.#rtp
    if (agreement === undefined) return
    if (sender.sendingDigit) sender.tick()
    const frame = this.#voice?.cursor.next(agreement.codec)
    if (frame !== undefined) sender.play(agreement.codec, frame)
    else this.hush()
  }
}
