import type { Answer, Answered } from '../sip/answering.ts'
import { header, type SipRequest, type SipResponse } from '../sip/message.ts'
import type { Dialog, HeaderPair, Incoming, Outgoing, UserAgent } from '../sip/user-agent.ts'
import type { HeardAudio } from './heard-audio.ts'
import type { PhoneMedia } from './phone-media.ts'
import type { SipDiary } from './sip-diary.ts'

/** How a call was answered, or why it was not. */
export type CallAnswer =
  | { readonly answered: true }
  | { readonly answered: false; readonly status: number; readonly reason: string }

export type CallEnd = {
  readonly by: 'us' | 'peer'
  /** The Reason header of the peer's BYE or CANCEL. */
  readonly reason: string | undefined
}

/** When things happened, in milliseconds since the INVITE. */
export type CallTimes = {
  /** The first 180 or 183: the post-dial delay. */
  readonly ringing: number | undefined
  readonly answered: number | undefined
  readonly ended: number | undefined
}

type Parts = {
  readonly agent: UserAgent
  readonly diary: SipDiary
  readonly media: PhoneMedia
  readonly startedAt: number
  onOver(call: PhoneCall): void
}

/** One call of a phone, in either direction. */
export class PhoneCall {
  readonly media: PhoneMedia
  /** The INVITE as sent or received. */
  invite: SipRequest | undefined
  /** The responses to our INVITE so far. */
  readonly responses: SipResponse[] = []
  readonly answer: Promise<CallAnswer>
  readonly end: Promise<CallEnd>
  readonly #parts: Parts
  readonly #answered: (answer: CallAnswer) => void
  readonly #ended: (end: CallEnd) => void
  #dialog: Dialog | undefined
  #outgoing: Outgoing | undefined
  #incoming: Incoming | undefined
  #times: { ringing?: number; answered?: number; ended?: number } = {}
  #offered = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.media = parts.media
    let answered: (answer: CallAnswer) => void = () => undefined
    let ended: (end: CallEnd) => void = () => undefined
    this.answer = new Promise((resolve) => {
      answered = resolve
    })
    this.end = new Promise((resolve) => {
      ended = resolve
    })
    this.#answered = answered
    this.#ended = ended
  }

  get times(): CallTimes {
    const { ringing, answered, ended } = this.#times
    return { ringing, answered, ended }
  }

  get heard(): HeardAudio {
    return this.media.heard
  }

  get digits(): string {
    return this.media.digits.join('')
  }

  get isAnswered(): boolean {
    return this.#times.answered !== undefined && !this.isOver
  }

  get isOver(): boolean {
    return this.#times.ended !== undefined
  }

  get dialog(): Dialog | undefined {
    return this.#dialog
  }

  say(samples: Int16Array, loops?: number): Promise<void> {
    return this.media.say(samples, loops)
  }

  sendDigits(digits: string, digitMs?: number): void {
    this.media.sendDigits(digits, digitMs)
  }

  /** Calls: the outgoing direction. */
  dial(request: {
    uri: string
    nextHop: string | undefined
    headers: readonly HeaderPair[]
  }): void {
    const { agent, diary } = this.#parts
    const { uri, headers, nextHop } = request
    const outgoing = agent.request({
      method: 'INVITE',
      uri,
      headers,
      body: this.media.offer(),
      ...(nextHop === undefined ? {} : { nextHop }),
      onResponse: (response, { dialog }) => this.#onResponse(response, dialog),
    })
    if (!outgoing.ok) {
      this.#fail(503, outgoing.reason)
      return
    }
    this.#outgoing = outgoing
    this.invite = outgoing.request
    diary.note('sent', outgoing.request)
  }

  /** Being called: the incoming direction. Nothing is sent yet. */
  take(incoming: Incoming): void {
    this.#incoming = incoming
    this.invite = incoming.request
    incoming.onCancel = (cancel) => {
      this.#parts.diary.note('received', cancel)
      this.#fail(487, 'Request Terminated')
      this.#over('peer', header(cancel, 'reason'))
    }
  }

  ring(headers: readonly HeaderPair[] = []): void {
    this.#respond({ status: 180, reason: 'Ringing', headers })
  }

  /** 183 with a description, and whatever `say` says is early media. */
  progress(): boolean {
    const sdp = this.#describe()
    if (sdp === undefined) return false
    this.#respond({ status: 183, reason: 'Session Progress', body: sdp })
    return true
  }

  accept(headers: readonly HeaderPair[] = []): boolean {
    const sdp = this.#describe()
    if (sdp === undefined) {
      this.reject(488, 'Not Acceptable Here')
      return false
    }
    const sent = this.#respond({ status: 200, reason: 'OK', headers, body: sdp })
    if (sent?.ok !== true || sent.dialog === undefined) return false
    this.#dialog = sent.dialog
    this.#up()
    return true
  }

  reject(status: number, reason: string, headers: readonly HeaderPair[] = []): void {
    this.#respond({ status, reason, headers })
    this.#fail(status, reason)
    this.#over('us', undefined)
  }

  /** BYE, CANCEL or 486, whatever fits. Resolves when the other side has answered it. */
  async hangUp(): Promise<void> {
    if (this.isOver) return
    if (this.#dialog !== undefined && this.isAnswered) {
      const done = this.request('BYE')
      this.#over('us', undefined)
      await done
    } else if (this.#outgoing !== undefined) {
      const cancel = this.#outgoing.cancel()
      if (cancel !== undefined) this.#parts.diary.note('sent', cancel)
      await this.end
    } else this.reject(486, 'Busy Here')
  }

  hold(): Promise<number> {
    return this.#change(this.media.offer('sendonly'))
  }

  resume(): Promise<number> {
    return this.#change(this.media.offer('sendrecv'))
  }

  /** Any other request inside the dialog; resolves with the final status. */
  request(method: string, headers: readonly HeaderPair[] = [], body = ''): Promise<number> {
    return new Promise((resolve) => {
      const sent = this.#request(method, {
        headers,
        body,
        onResponse: ({ status }) => (status >= 200 ? resolve(status) : undefined),
      })
      if (!sent) resolve(481)
    })
  }

  /** A request of the other side in this call's dialog. */
  onRequest(incoming: Incoming): void {
    const { request } = incoming
    switch (request.method) {
      case 'ACK':
        if (this.#offered && request.body !== '') this.media.agree(request.body)
        return
      case 'BYE':
        this.#note(incoming.respond({ status: 200, reason: 'OK' }))
        this.#over('peer', header(request, 'reason'))
        return
      case 'INVITE':
      case 'UPDATE':
        this.#onChange(incoming)
        return
      default:
        this.#note(incoming.respond({ status: 200, reason: 'OK' }))
    }
  }

  #onChange(incoming: Incoming): void {
    const { body, method } = incoming.request
    if (body === '' && method === 'UPDATE') {
      this.#note(incoming.respond({ status: 200, reason: 'OK' }))
      return
    }
    this.#offered = body === ''
    const sdp = body === '' ? this.media.offer() : this.media.answer(body)
    const answer =
      sdp === undefined
        ? { status: 488, reason: 'Not Acceptable Here' }
        : { status: 200, reason: 'OK', body: sdp }
    this.#note(incoming.respond(answer))
  }

  #onResponse(response: SipResponse, dialog: Dialog | undefined): void {
    const { agent, diary } = this.#parts
    diary.note('received', response)
    this.responses.push(response)
    if (response.status < 200) {
      if (response.status >= 180) this.#times.ringing ??= this.#sinceMs()
      // Early media is described here; it is believed until the answer says otherwise.
      if (response.body !== '') this.media.agree(response.body)
    } else if (response.status < 300 && dialog !== undefined) {
      this.#dialog = dialog
      agent.ack(dialog)
      if (response.body !== '') this.media.agree(response.body)
      this.#up()
    } else {
      this.#fail(response.status, response.reason)
      this.#over('peer', header(response, 'reason'))
    }
  }

  #describe(): string | undefined {
    const offer = this.invite?.body ?? ''
    this.#offered = offer === ''
    return offer === '' ? this.media.offer() : this.media.answer(offer)
  }

  #respond(answer: Answer): Answered | undefined {
    if (answer.status >= 180 && answer.status < 200) this.#times.ringing ??= this.#sinceMs()
    const sent = this.#incoming?.respond(answer)
    this.#note(sent)
    return sent
  }

  #note(sent: Answered | undefined): void {
    if (sent?.ok === true) this.#parts.diary.note('sent', sent.response)
  }

  #request(
    method: string,
    more: {
      headers?: readonly HeaderPair[]
      body?: string
      onResponse?: (response: SipResponse) => void
    } = {},
  ): boolean {
    if (this.#dialog === undefined) return false
    const { agent, diary } = this.#parts
    const { onResponse, ...content } = more
    const sent = agent.request({
      dialog: this.#dialog,
      method,
      ...content,
      onResponse(response) {
        diary.note('received', response)
        onResponse?.(response)
      },
    })
    if (sent.ok) diary.note('sent', sent.request)
    return sent.ok
  }

  /** A re-INVITE of ours; resolves with its final status. */
  #change(sdp: string): Promise<number> {
    return new Promise((resolve) => {
      const sent = this.#request('INVITE', {
        body: sdp,
        onResponse: (response) => {
          if (response.status < 200) return
          if (response.status < 300 && this.#dialog !== undefined) {
            this.#parts.agent.ack(this.#dialog)
            this.media.agree(response.body)
          }
          resolve(response.status)
        },
      })
      if (!sent) resolve(481)
    })
  }

  #up(): void {
    this.#times.answered ??= this.#sinceMs()
    this.media.answered()
    this.#answered({ answered: true })
  }

  #fail(status: number, reason: string): void {
    this.#answered({ answered: false, status, reason })
  }

  #over(by: 'us' | 'peer', reason: string | undefined): void {
    if (this.isOver) return
    this.#times.ended = this.#sinceMs()
    this.media.close()
    this.#parts.onOver(this)
    this.#ended({ by, reason })
  }

  #sinceMs(): number {
    return performance.now() - this.#parts.startedAt
  }
}
