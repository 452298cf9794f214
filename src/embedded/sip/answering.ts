import { addCommon, given, type HeaderPair } from './building.ts'
import { endsSubscription } from './calling.ts'
import { parseCSeq } from './check.ts'
import type { Core } from './core.ts'
import { answeredDialog, type Dialog, refreshTarget, type TheirInvite } from './dialog.ts'
import { newTag } from './ids.ts'
import {
  field,
  type Header,
  header,
  headers,
  type SipRequest,
  type SipResponse,
  serialize,
} from './message.ts'
import { createRepeater, type Repeater } from './repeater.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { giveUpAfter } from './timers.ts'
import { responseTo } from './transactions.ts'
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
  | { readonly ok: true; readonly response: SipResponse; readonly dialog: Dialog | undefined }
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

export type IncomingInside = Incoming & TheirInvite

const unknownTransaction = 'Response not sent due to unknown transaction'
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

export function createIncoming(
  core: Core,
  transaction: ServerTransaction,
  dialog: Dialog | undefined,
): IncomingInside {
  const { request, peer } = transaction
  const isInvite = request.method === 'INVITE'
  const opensDialog = dialog === undefined && (isInvite || request.method === 'SUBSCRIBE')
  let made: Dialog | undefined
  let tag: string | undefined
  let reliably: Repeater | undefined
  let rseq = 0
  let waiting: NodeJS.Timeout | undefined = setTimeout(unanswered, 2 * giveUpAfter(core.timers))

  /**
   * Nobody has answered. Outside a dialog the request is forgotten without a word, as the real server does;
   * inside, the other side at least learns that something is wrong here.
   */
  function unanswered(): void {
    if (dialog === undefined) {
      transaction.abandon()
      incoming.onOver?.()
    } else respond({ status: 500, reason: 'Internal Server Error' })
  }

  function respond(answer: Answer): Answered {
    if (!transaction.isOpen()) return { ok: false, reason: unknownTransaction }
    if (answer.reliable === true && !supports100rel(request)) {
      return { ok: false, reason: 'Remote endpoint does not support 100rel' }
    }
    if (answer.status >= 200 || dialog === undefined) clearTimeout(waiting)
    waiting = undefined
    tag ??= answer.tag ?? newTag()
    const response = responseTo(request, {
      status: answer.status,
      reason: answer.reason ?? '',
      tag,
      headers: linesOf(answer),
      body: answer.body ?? '',
    })
    follow(response)
    transaction.respond(response)
    if (answer.reliable === true) repeatUntilPrack(response)
    if (answer.status >= 200) {
      finish(response)
      incoming.onOver?.()
    }
    return { ok: true, response, dialog: dialog ?? made }
  }

  function linesOf(answer: Answer): Header[] {
    const { status, body = '' } = answer
    const lines = given(answer.headers, ours)
    const isSuccess = status >= 200 && status < 300
    if (answer.reliable === true) {
      rseq = rseq === 0 ? 1 + Math.floor(Math.random() * 0xff_ff_ff) : rseq + 1
      lines.push(field('RSeq', String(rseq)))
      if (!lines.some((each) => each.key === 'require')) lines.push(field('Require', '100rel'))
    }
    const wantsContact = (isSuccess || answer.reliable === true) && refreshing.has(request.method)
    if (wantsContact && !lines.some((each) => each.key === 'contact')) {
      lines.push(field('Contact', dialog?.contact ?? core.contact(peer.transport)))
    }
    addCommon(core, lines, { body, name: 'Server' })
    return lines
  }

  /** What the response does to the dialog, before it goes out: the next packet may already be inside it. */
  function follow(response: SipResponse): void {
    const { status } = response
    if (opensDialog && status > 100 && status < 300) {
      if (made === undefined) {
        const contact = header(response, 'contact') ?? core.contact(peer.transport)
        made = answeredDialog(request, response, { peer, contact })
        if (isInvite) made.theirInvite = incoming
        core.dialogs.add(made)
      }
      if (status >= 200) {
        made.state = 'confirmed'
        made.theirInvite = undefined
        made.contact = header(response, 'contact') ?? made.contact
      }
    } else if (made !== undefined && status >= 300) core.dialogs.remove(made)
    if (dialog !== undefined && status >= 200) leave(dialog, status)
  }

  function leave(within: Dialog, status: number): void {
    if (isInvite) within.theirInvite = undefined
    if (status < 300 && refreshing.has(request.method)) refreshTarget(within, request, peer)
    if (status < 300 && endsSubscription(within, request)) core.dialogs.remove(within)
  }

  function finish(response: SipResponse): void {
    reliably?.stop()
    const within = dialog ?? made
    if (!isInvite || response.status >= 300 || within === undefined) return
    const cseq = parseCSeq(header(request, 'cseq'))?.number ?? 0
    const repeater = repeaterOf(response, () => core.hangUp(within, 'ACK timeout'))
    within.unacked?.stop()
    within.unacked = { cseq, stop: repeater.stop }
    within.closers.add(repeater.stop)
  }

  function repeatUntilPrack(response: SipResponse): void {
    reliably?.stop()
    reliably = repeaterOf(response, () => void respond({ status: 504, reason: 'PRACK Timeout' }))
  }

  function repeaterOf(response: SipResponse, onGiveUp: () => void): Repeater {
    const bytes = serialize(response)
    const to = transaction.replyTo
    // On a reliable transport only the waiting remains.
    const repeats = to.transport === 'udp'
    const send = () => core.transactions.transport.send(bytes, to)
    return createRepeater({ timers: core.timers, repeats, send, onGiveUp })
  }

  const incoming: IncomingInside = {
    request,
    peer,
    dialog,
    get opened() {
      return made
    },
    onCancel: undefined,
    onOver: undefined,
    respond,
    cancel(cancelling): boolean {
      if (!respond({ status: 487, reason: 'Request Terminated' }).ok) return false
      incoming.onCancel?.(cancelling)
      return true
    },
    prack(rack): boolean {
      if (reliably === undefined) return false
      const [acknowledged, number] = rack.split(/\s+/)
      const cseq = header(request, 'cseq')?.split(/\s+/)[0]
      if (Number(acknowledged) !== rseq || number !== cseq) return false
      reliably.stop()
      reliably = undefined
      return true
    },
  }
  return incoming
}

/** Requests whose 2xx carries a Contact, and whose own Contact may move the remote target. */
const refreshing = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE'])

function supports100rel(request: SipRequest): boolean {
  const tags = [...headers(request, 'supported'), ...headers(request, 'require')]
  return tags.some((each) => /(^|[\s,])100rel($|[\s,])/i.test(each))
}
