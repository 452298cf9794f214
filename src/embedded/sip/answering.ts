import { addCommon, given, type HeaderPair } from './building.ts'
import { parseCSeq } from './check.ts'
import type { Core } from './core.ts'
import { answeredDialog, type Dialog, refreshTarget, type TheirInvite } from './dialog.ts'
import { newTag } from './ids.ts'
import { responseTo } from './matching.ts'
import {
  field,
  type Header,
  header,
  headers,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import { reasonOf } from './reasons.ts'
import { createRepeater, type Repeater } from './repeater.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { armAfterAnswer, sessionAnswer } from './session-timer.ts'
import { endsSubscription, keepSubscription } from './subscription.ts'
import { giveUpAfter } from './timers.ts'
import type { Peer } from './transport.ts'

export type Answer = {
  readonly status: number
  readonly reason?: string
  readonly headers?: readonly HeaderPair[]
  readonly body?: string
  /** Send a provisional so that it must be acknowledged (RFC 3262). */
  readonly reliable?: boolean
  /** Our tag, if the first response is to carry a chosen one. */
  readonly tag?: string
}

export type Answered =
  | {
      readonly ok: true
      readonly response: SipResponse
      /** The response as sent. */
      readonly bytes: string
      readonly dialog: Dialog | undefined
    }
  | { readonly ok: false; readonly reason: string }

/** A request that someone has sent us. */
export type Incoming = {
  readonly request: SipRequest
  readonly peer: Peer
  readonly dialog: Dialog | undefined
  /** The dialog that our first response to it has opened. */
  readonly opened: Dialog | undefined
  readonly respond: (answer: Answer) => Answered
  /** Set by the owner: an INVITE was cancelled, and has been answered 487 already. */
  onCancel: ((cancel: SipRequest) => void) | undefined
  /** Set by the owner: no answer is possible any more, because one was given or because it took too long. */
  onOver: (() => void) | undefined
}

const ours = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'record-route',
  'content-length',
  'rseq',
])
/** Requests whose 2xx carries a Contact, and whose own Contact may move the remote target. */
const refreshing = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE'])

/** Nobody lets a telephone ring for ten minutes; a caller or an app that has gone would. */
const ringingMsMax = 10 * 60_000

/** One request being answered. */
export class Answering implements Incoming, TheirInvite {
  readonly request: SipRequest
  readonly peer: Peer
  readonly dialog: Dialog | undefined
  onCancel: ((cancel: SipRequest) => void) | undefined
  onOver: (() => void) | undefined
  readonly #core: Core
  readonly #transaction: ServerTransaction
  #opened: Dialog | undefined
  #tag: string | undefined
  #unpracked: Repeater | undefined
  #rseq = 0
  #waiting: NodeJS.Timeout | undefined

  constructor(core: Core, transaction: ServerTransaction, dialog: Dialog | undefined) {
    this.#core = core
    this.#transaction = transaction
    this.request = transaction.request
    this.peer = transaction.peer
    this.dialog = dialog
    const whole = giveUpAfter(core.timers)
    const isOther = dialog !== undefined && this.request.method !== 'INVITE'
    this.#waiting = setTimeout(() => this.#unanswered(), isOther ? whole : 2 * whole)
  }

  get opened(): Dialog | undefined {
    return this.#opened
  }

  respond(answer: Answer): Answered {
    if (!this.#transaction.isOpen) {
      return { ok: false, reason: 'Response not sent due to unknown transaction' }
    }
    if (answer.reliable === true && !supports100rel(this.request)) {
      return { ok: false, reason: 'Remote endpoint does not support 100rel' }
    }
    clearTimeout(this.#waiting)
    if (answer.status < 200) this.#waiting = setTimeout(() => this.drop(), ringingMsMax)
    this.#tag ??= answer.tag ?? newTag()
    const response = responseTo(this.request, {
      status: answer.status,
      reason: answer.reason ?? reasonOf(answer.status),
      tag: this.#tag,
      headers: this.#linesOf(answer),
      body: answer.body ?? '',
    })
    // Before it goes out: the next packet may already be inside the dialog.
    this.#changeDialog(response)
    const bytes = this.#transaction.respond(response) ?? ''
    if (answer.reliable === true) this.#repeatUntilPrack(bytes)
    if (answer.status >= 200) this.#finish(response, bytes)
    return { ok: true, response, bytes, dialog: this.dialog ?? this.#opened }
  }

  cancel(cancelling: SipRequest): void {
    const answered = this.respond({ status: 487, reason: 'Request Terminated' })
    if (answered.ok) this.onCancel?.(cancelling)
  }

  drop(): void {
    this.respond({ status: 500, reason: 'Internal Server Error' })
  }

  prack(rack: string): boolean {
    if (this.#unpracked === undefined) return false
    const [acknowledged, number] = rack.split(/\s+/)
    const cseq = header(this.request, 'cseq')?.split(/\s+/)[0]
    if (Number(acknowledged) !== this.#rseq || number !== cseq) return false
    this.#unpracked.stop()
    this.#unpracked = undefined
    return true
  }

  /**
   * Nobody has answered. Outside a dialog the request is forgotten without a word, as the real server
   * does; inside, the other side at least learns that something is wrong here.
   */
  #unanswered(): void {
    if (this.dialog !== undefined) this.drop()
    else {
      this.#transaction.abandon()
      this.onOver?.()
    }
  }

  #linesOf(answer: Answer): Header[] {
    const lines = given(answer.headers, ours)
    const add = (line: Header | undefined) => {
      if (line !== undefined && !lines.some((each) => each.key === line.key)) lines.push(line)
    }
    const isSuccess = answer.status >= 200 && answer.status < 300
    const isReliable = answer.reliable === true
    if (isReliable) {
      this.#rseq = this.#rseq === 0 ? 1 + Math.floor(Math.random() * 0xff_ff_ff) : this.#rseq + 1
      lines.push(field('RSeq', String(this.#rseq)))
      add(field('Require', '100rel'))
    }
    if ((isSuccess || isReliable) && refreshing.has(this.request.method)) {
      const contact = this.dialog?.contact ?? this.#core.contact(this.peer.transport)
      add(field('Contact', contact))
      if (isSuccess) add(sessionAnswer(this.#core, this.request))
    }
    addCommon(this.#core, lines, { body: answer.body ?? '', name: 'Server' })
    return lines
  }

  #changeDialog(response: SipResponse): void {
    const { status } = response
    const { method } = this.request
    if (this.dialog !== undefined) {
      if (status >= 200) this.#leave(this.dialog, response)
    } else if (method === 'INVITE' || method === 'SUBSCRIBE') {
      if (status < 300) this.#enter(response)
      else if (this.#opened !== undefined) this.#core.dialogs.remove(this.#opened)
    }
  }

  /** RFC 3261 12.1.1: the first response with a tag opens the dialog, a 2xx confirms it. */
  #enter(response: SipResponse): void {
    const contact = header(response, 'contact') ?? this.#core.contact(this.peer.transport)
    if (this.#opened === undefined) {
      this.#opened = answeredDialog(this.request, response, { peer: this.peer, contact })
      if (this.request.method === 'INVITE') this.#opened.theirInvite = this
      this.#core.dialogs.add(this.#opened)
    }
    const dialog = this.#opened
    if (response.body !== '') dialog.localSdp = response.body
    if (response.status < 200) return
    dialog.state = 'confirmed'
    dialog.theirInvite = undefined
    dialog.contact = contact
    if (this.request.method === 'INVITE') armAfterAnswer(this.#core, dialog, response)
    else keepSubscription(this.#core, dialog, response)
  }

  #leave(dialog: Dialog, response: SipResponse): void {
    if (dialog.theirInvite === this) dialog.theirInvite = undefined
    if (response.status >= 300) return
    const { method } = this.request
    if (refreshing.has(method)) refreshTarget(dialog, this.request, this.peer)
    if (method === 'SUBSCRIBE') keepSubscription(this.#core, dialog, response)
    if (method === 'INVITE' || method === 'UPDATE') {
      if (response.body !== '') dialog.localSdp = response.body
      armAfterAnswer(this.#core, dialog, response)
    }
    if (endsSubscription(dialog, this.request)) this.#core.dialogs.remove(dialog)
  }

  #finish(response: SipResponse, bytes: string): void {
    this.#unpracked?.stop()
    this.#unpracked = undefined
    const dialog = this.dialog ?? this.#opened
    if (this.request.method === 'INVITE' && response.status < 300 && dialog !== undefined) {
      this.#repeatUntilAck(dialog, bytes)
    }
    this.onOver?.()
  }

  #repeatUntilAck(dialog: Dialog, bytes: string): void {
    const cseq = parseCSeq(header(this.request, 'cseq'))?.number ?? 0
    const repeater = this.#repeat(bytes, () => this.#core.hangUp(dialog, 'ACK timeout'))
    dialog.unacked?.stop()
    dialog.unacked = { cseq, stop: repeater.stop }
  }

  #repeatUntilPrack(bytes: string): void {
    this.#unpracked?.stop()
    this.#unpracked = this.#repeat(bytes, () => {
      this.respond({ status: 504, reason: 'PRACK Timeout' })
    })
  }

  /** On a stream nothing gets lost, so only the waiting remains. */
  #repeat(bytes: string, onGiveUp: () => void): Repeater {
    const { replyTo } = this.#transaction
    const { transport } = this.#core.transactions
    return createRepeater({
      timers: this.#core.timers,
      repeats: replyTo.transport === 'udp',
      send: () => transport.send(bytes, replyTo),
      onGiveUp,
    })
  }
}

function supports100rel(request: SipRequest): boolean {
  const tags = [...headers(request, 'supported'), ...headers(request, 'require')]
  return tags.some((each) => /(^|[\s,])100rel($|[\s,])/i.test(each))
}
