import { header, type SipRequest } from '../sip/message.ts'
import type { Incoming } from '../sip/user-agent.ts'
import type { Channel } from './channel.ts'
import { samplesPerMs } from './g711.ts'
import { agreeWith, type PeerMedia, readPeerMedia, writeAnswer, writeOffer } from './media-sdp.ts'
import type { MediaAgreement, RtpSession } from './rtp-session.ts'
import { isDigit } from './telephone-event.ts'

/** A description that we can take, with what it comes to. */
export type Offer = {
  readonly sdp: string
  readonly peer: PeerMedia
  readonly agreement: MediaAgreement
}

/** Undefined: no description at all. */
export function readOffer(sdp: string): Offer | 'unacceptable' | undefined {
  if (sdp === '') return undefined
  const peer = readPeerMedia(sdp)
  const agreement = peer === undefined ? undefined : agreeWith(peer)
  if (peer === undefined || agreement === undefined) return 'unacceptable'
  return { sdp, peer, agreement }
}

/** The SIP dialog of one channel: offers and answers, digits by INFO, and its end. */
export class SipCall {
  readonly channel: Channel
  /** Sends the BYE; set as soon as there is a dialog to end. */
  bye: ((cause: string) => void) | undefined
  readonly #rtp: RtpSession
  readonly #id = Math.floor(Date.now() / 1000)
  #version = 0
  /** We made an offer, and the ACK is to bring the answer. */
  #offered = false
  /** Called once, when it is clear what to send where. */
  #onUp: (() => void) | undefined

  constructor(deps: { channel: Channel; rtp: RtpSession; invite: SipRequest; onUp(): void }) {
    this.channel = deps.channel
    this.#rtp = deps.rtp
    this.#onUp = deps.onUp
    this.#describeInvite(deps.invite)
  }

  /** Our side of the session: the answer to an offer, or an offer of our own. */
  describe(offer: Offer | undefined): string {
    this.#version++
    const { host, port } = this.#rtp
    const local = { host, port, id: this.#id, version: this.#version }
    this.#offered = offer === undefined
    const sdp =
      offer === undefined ? writeOffer(local) : writeAnswer(local, offer.peer, offer.agreement)
    const { variables } = this.channel
    variables.set('rtp_local_sdp_str', sdp)
    variables.set('local_media_ip', host)
    variables.set('local_media_port', String(port))
    if (offer !== undefined) this.#agree(offer)
    return sdp
  }

  /** After an answer of ours has gone out. */
  up(): void {
    const tell = this.#onUp
    this.#onUp = undefined
    if (!this.channel.gone) tell?.()
  }

  onAck({ body }: SipRequest): void {
    if (!this.#offered) return
    this.#offered = false
    const answer = readOffer(body)
    if (answer === undefined || answer === 'unacceptable') {
      this.channel.hangUp('INCOMPATIBLE_DESTINATION')
      return
    }
    this.#agree(answer)
    this.up()
  }

  /** A re-INVITE or UPDATE. */
  onChange(incoming: Incoming): void {
    const { body, method } = incoming.request
    const offer = readOffer(body)
    if (offer === 'unacceptable') {
      incoming.respond({ status: 488 })
      return
    }
    if (offer === undefined && method === 'UPDATE') incoming.respond({ status: 200 })
    else incoming.respond({ status: 200, body: this.describe(offer) })
  }

  /** Digits of phones that do not send them in RTP. */
  onInfo(info: SipRequest): void {
    const type = header(info, 'content-type') ?? ''
    if (!/^application\/dtmf(-relay)?\b/i.test(type)) return
    const signal = /^\s*Signal\s*=\s*(\S)/im.exec(info.body)?.[1] ?? info.body.trim()
    if (!isDigit(signal)) return
    const ms = Number(/^\s*Duration\s*=\s*(\d+)/im.exec(info.body)?.[1] ?? 250)
    this.channel.receiveDigit(signal.toUpperCase(), ms * samplesPerMs, { 'DTMF-Source': 'INFO' })
  }

  #agree({ sdp, agreement }: Offer): void {
    this.#rtp.agree(agreement)
    const { variables } = this.channel
    variables.set('switch_r_sdp', sdp)
    variables.set('remote_media_ip', agreement.remote?.host ?? '0.0.0.0')
    variables.set('remote_media_port', String(agreement.remote?.port ?? 0))
    variables.set('dtmf_type', agreement.telephoneEvent === undefined ? 'info' : 'rfc2833')
    variables.set('read_codec', agreement.codec)
    variables.set('write_codec', agreement.codec)
  }

  #describeInvite(invite: SipRequest): void {
    const { variables } = this.channel
    variables.set('direction', 'inbound')
    variables.set('sip_call_id', header(invite, 'call-id') ?? '')
    variables.set('sip_user_agent', header(invite, 'user-agent') ?? '')
    variables.set('sip_req_uri', invite.uri.replace(/^sips?:/, ''))
    for (const { name, key, value } of invite.headers) {
      if (key.startsWith('x-')) variables.set(`sip_h_${name}`, value)
    }
    const timeout = header(invite, 'x-rtp-timeout-sec')
    if (timeout !== undefined) variables.set('rtp_timeout_sec', timeout)
    // What the dialplan of the real server sets before it hands the call over.
    variables.set('park_after_bridge', 'true')
    variables.set('hangup_after_bridge', 'false')
    variables.set('playback_terminators', 'none')
  }
}
