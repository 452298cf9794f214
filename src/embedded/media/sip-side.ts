import { randomUUID } from 'node:crypto'
import { header } from '../sip/message.ts'
import { createUserAgent, type Dialog, type Incoming } from '../sip/user-agent.ts'
import type { Channel } from './channel.ts'
import { reasonHeader } from './hangup-cause.ts'
import type { RtpPorts } from './rtp-ports.ts'
import { RtpSession } from './rtp-session.ts'
import { type Offer, readOffer, SipCall } from './sip-call.ts'
import { within } from './within.ts'

/** Where a channel's event socket connection goes: the header X-esl-outbound. */
export type ControlAddress = { readonly host: string; readonly port: number }

/** How the SIP half makes a channel, and says that one is up. */
export type ChannelHost = {
  /** False: no more sessions are taken. */
  mayTake(): boolean
  createChannel(parts: {
    uuid: string
    rtp: RtpSession
    release(): void
    hangUp(cause: string): void
  }): Channel
  onUp(channel: Channel, control: ControlAddress): void
  warn(text: string): void
}

/** Who does not answer a BYE by then will not, and we want to end. */
const farewellMsMax = 1000
const allow = 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE'

/** The SIP half of the media server: calls come in, with an offer or without, change, and end. */
export class SipSide {
  readonly #host: string
  readonly #port: number
  readonly #ports: RtpPorts
  readonly #channels: ChannelHost
  readonly #calls = new Map<Dialog, SipCall>()
  /** BYEs that have no answer yet. */
  readonly #farewells = new Set<Promise<void>>()
  readonly #agent: ReturnType<typeof createUserAgent>

  constructor(deps: { host: string; port: number; ports: RtpPorts; channels: ChannelHost }) {
    this.#host = deps.host
    this.#port = deps.port
    this.#ports = deps.ports
    this.#channels = deps.channels
    this.#agent = createUserAgent({
      host: deps.host,
      port: deps.port,
      transports: ['udp', 'tcp'],
      userAgent: 'axbridge-media',
      onRequest: (incoming) => this.#onRequest(incoming),
      onDialogEnded: (dialog) => this.#ended(dialog, 'RECOVERY_ON_TIMER_EXPIRE'),
    })
  }

  start() {
    return this.#agent.start()
  }

  async stop(): Promise<void> {
    await within(farewellMsMax, Promise.all(this.#farewells))
    await this.#agent.stop()
  }

  get address(): string {
    const { udp } = this.#agent.addresses()
    return `${udp?.host ?? this.#host}:${udp?.port ?? this.#port}`
  }

  counts() {
    return this.#agent.counts()
  }

  /** The edge: whatever goes wrong with one request is no reason to lose the other calls. */
  #onRequest(incoming: Incoming): void {
    this.#handle(incoming).catch((error: unknown) => {
      this.#channels.warn(`${incoming.request.method} failed: ${String(error)}`)
      if (incoming.request.method !== 'ACK') incoming.respond({ status: 500 })
    })
  }

  async #handle(incoming: Incoming): Promise<void> {
    const { request, dialog } = incoming
    const call = dialog === undefined ? undefined : this.#calls.get(dialog)
    if (call !== undefined && dialog !== undefined) this.#inside(incoming, dialog, call)
    else if (request.method === 'INVITE') await this.#invite(incoming)
    else if (request.method !== 'ACK') {
      const status = request.method === 'OPTIONS' ? 200 : request.method === 'BYE' ? 481 : 405
      incoming.respond({ status, headers: [['Allow', allow]] })
    }
  }

  #inside(incoming: Incoming, dialog: Dialog, call: SipCall): void {
    const { request } = incoming
    switch (request.method) {
      case 'ACK':
        call.onAck(request)
        return
      case 'INVITE':
      case 'UPDATE':
        call.onChange(incoming)
        return
      case 'BYE':
        incoming.respond({ status: 200 })
        this.#ended(dialog, 'NORMAL_CLEARING')
        return
      case 'INFO':
        incoming.respond({ status: 200 })
        call.onInfo(request)
        return
      default: {
        const status = request.method === 'OPTIONS' ? 200 : 405
        incoming.respond({ status, headers: [['Allow', allow]] })
      }
    }
  }

  #ended(dialog: Dialog, cause: string): void {
    const call = this.#calls.get(dialog)
    this.#calls.delete(dialog)
    call?.channel.hangUp(cause, 'peer')
  }

  #bye(dialog: Dialog, cause: string): void {
    const farewell = new Promise<void>((resolve) => {
      const sent = this.#agent.request({
        dialog,
        method: 'BYE',
        headers: [['Reason', reasonHeader(cause)]],
        onResponse: ({ status }) => (status >= 200 ? resolve() : undefined),
      })
      if (!sent.ok) resolve()
    })
    this.#farewells.add(farewell)
    void farewell.then(() => this.#farewells.delete(farewell))
  }

  async #invite(incoming: Incoming): Promise<void> {
    const refuse = (status: number) => void incoming.respond({ status })
    const control = readControl(header(incoming.request, 'x-esl-outbound'))
    if (control === undefined) return refuse(603)
    const offer = readOffer(incoming.request.body)
    if (offer === 'unacceptable') return refuse(488)
    if (!this.#channels.mayTake()) return refuse(503)
    let cancelled = false
    incoming.onCancel = () => {
      cancelled = true
    }
    const socket = await this.#ports.open(this.#host)
    if (socket === undefined) return refuse(503)
    if (cancelled) return this.#ports.close(socket)
    let channel: Channel | undefined
    let call: SipCall | undefined
    const rtp = new RtpSession({
      socket,
      onAudio: (frame) => channel?.onAudio(frame),
      onDigit: (digit) => channel?.onDigit(digit),
    })
    channel = this.#channels.createChannel({
      uuid: randomUUID(),
      rtp,
      release: () => {
        rtp.close()
        this.#ports.close(socket)
      },
      hangUp: (cause) => call?.bye?.(cause),
    })
    call = this.#answer({ incoming, offer, channel, control })
  }

  #answer(parts: {
    incoming: Incoming
    offer: Offer | undefined
    channel: Channel
    control: ControlAddress
  }): SipCall | undefined {
    const { incoming, offer, channel, control } = parts
    const call = new SipCall({
      channel,
      rtp: channel.rtp,
      invite: incoming.request,
      onUp: () => this.#channels.onUp(channel, control),
    })
    const sent = incoming.respond({
      status: 200,
      headers: [['Allow', allow]],
      body: call.describe(offer),
    })
    const dialog = sent.ok ? sent.dialog : undefined
    if (dialog === undefined) {
      channel.hangUp('ORIGINATOR_CANCEL', 'peer')
      return undefined
    }
    this.#calls.set(dialog, call)
    call.bye = (cause) => {
      this.#calls.delete(dialog)
      this.#bye(dialog, cause)
    }
    if (offer !== undefined) call.up()
    return call
  }
}

/** `127.0.0.1:8085`; anything that does not look like it is nobody we may be told to connect to. */
function readControl(value: string | undefined): ControlAddress | undefined {
  const match = /^\s*([\w.-]+):(\d{1,5})\s*$/.exec(value ?? '')
  const port = Number(match?.[2])
  if (match?.[1] === undefined || port < 1 || port > 65_535) return undefined
  return { host: match[1], port }
}
