import { ackWaitMs, repeatAck, sendAck } from './acking.ts'
import { given, type HeaderPair } from './building.ts'
import { parseCSeq } from './check.ts'
import type { ClientTransaction } from './client-transaction.ts'
import type { Core, ResponseInfo } from './core.ts'
import { calledDialog, confirmCalled, type Dialog } from './dialog.ts'
import {
  field,
  type Header,
  header,
  type SipRequest,
  type SipResponse,
  serialize,
} from './message.ts'
import { armAfterCall } from './session-timer.ts'
import { giveUpAfter } from './timers.ts'
import type { Peer } from './transport.ts'
import { tagOf } from './uri.ts'

/** Nobody lets a telephone ring for ten minutes; an owner that has gone would. */
const ringingMsMax = 10 * 60_000

export type InvitingOptions = {
  readonly request: SipRequest
  /** Set for a re-INVITE. */
  readonly dialog: Dialog | undefined
  readonly report: (response: SipResponse, info: ResponseInfo) => void
  readonly fail: (status: number, reason: string) => void
}

/** An INVITE of ours on its way: early dialogs, forks, CANCEL and the crossing of CANCEL and answer. */
export class Inviting {
  readonly #core: Core
  readonly #options: InvitingOptions
  readonly #cseq: number
  readonly #early = new Map<string, Dialog>()
  #client: ClientTransaction | undefined
  #winner: Dialog | undefined
  #isSettled = false
  #isRinging = false
  #cancelling: SipRequest | undefined
  #limit: NodeJS.Timeout | undefined

  constructor(core: Core, options: InvitingOptions) {
    this.#core = core
    this.#options = options
    this.#cseq = parseCSeq(header(options.request, 'cseq'))?.number ?? 1
    this.#winner = options.dialog
    if (options.dialog !== undefined) options.dialog.ourInvite = { cancel: () => this.cancel() }
  }

  sentBy(client: ClientTransaction): void {
    this.#client = client
  }

  receive(response: SipResponse, from: Peer): void {
    if (response.status < 200) this.#ring(response, from)
    else if (response.status < 300) this.#answer(response, from)
    else {
      this.failed()
      this.#options.report(response, { peer: from, dialog: this.#options.dialog })
    }
  }

  /** The CANCEL, or undefined when it is too late for one. */
  cancel(headers?: readonly HeaderPair[]): SipRequest | undefined {
    if (this.#isSettled || this.#cancelling !== undefined) return this.#cancelling
    this.#cancelling = cancelFor(this.#options.request, given(headers, notInCancel))
    // Before the first provisional a CANCEL could overtake its INVITE (RFC 3261 9.1).
    if (this.#isRinging) this.#sendCancel(this.#cancelling)
    return this.#cancelling
  }

  /** No dialog will come of it. */
  failed(): void {
    this.#settle()
    this.#forgetEarly()
  }

  #ring(response: SipResponse, from: Peer): void {
    if (!this.#isRinging) {
      this.#isRinging = true
      this.#limit = setTimeout(() => this.#giveUp(), ringingMsMax)
      if (this.#cancelling !== undefined) this.#sendCancel(this.#cancelling)
    }
    if (response.status === 100 || this.#isSettled) return
    const dialog = this.#dialogOf(response, from)
    if (dialog !== undefined && isRepeated(dialog, response)) return
    this.#options.report(response, { peer: from, dialog })
  }

  #answer(response: SipResponse, from: Peer): void {
    const dialog = this.#dialogOf(response, from)
    if (this.#isSettled) {
      this.#answerAgain(dialog, response, from)
      return
    }
    this.#settle()
    this.#winner = dialog
    if (dialog !== undefined) {
      if (this.#options.dialog === undefined) this.#confirm(dialog, response, from)
      this.#early.delete(dialog.remoteTag)
      if (this.#cancelling !== undefined) {
        dialog.hangUpAfterAck = 'ACK-BYE due to cancel race condition'
      }
    }
    this.#forgetEarly()
    this.#options.report(response, { peer: from, dialog })
  }

  #dialogOf(response: SipResponse, from: Peer): Dialog | undefined {
    const { request, dialog } = this.#options
    if (dialog !== undefined) return dialog
    const tag = tagOf(header(response, 'to') ?? '')
    if (tag === undefined) return undefined
    if (this.#winner?.remoteTag === tag) return this.#winner
    const known = this.#early.get(tag)
    if (known !== undefined) return known
    const made = calledDialog(request, response, from)
    this.#early.set(tag, made)
    this.#core.dialogs.add(made)
    return made
  }

  #confirm(dialog: Dialog, response: SipResponse, from: Peer): void {
    confirmCalled(dialog, response, from)
    dialog.localSdp = this.#options.request.body
    armAfterCall(this.#core, dialog, response)
    // An owner that never gives the ACK gets the dialog taken away; the other side will hang up.
    const waiting = setTimeout(() => {
      if (dialog.ack === undefined) this.#core.dialogs.remove(dialog)
    }, ackWaitMs(this.#core))
    dialog.closers.add(() => clearTimeout(waiting))
  }

  /** The same 2xx again, or the 2xx of another branch of a fork, which nobody here wants. */
  #answerAgain(dialog: Dialog | undefined, response: SipResponse, from: Peer): void {
    if (dialog === undefined) return
    if (dialog === this.#winner || dialog.ack !== undefined) {
      repeatAck(this.#core, dialog, this.#cseq)
      return
    }
    this.#confirm(dialog, response, from)
    sendAck(this.#core, dialog, {})
    this.#core.bye(dialog, 'another branch has answered')
  }

  #settle(): void {
    this.#isSettled = true
    clearTimeout(this.#limit)
    if (this.#options.dialog !== undefined) this.#options.dialog.ourInvite = undefined
  }

  #forgetEarly(): void {
    for (const each of this.#early.values()) this.#core.dialogs.remove(each)
    this.#early.clear()
  }

  #giveUp(): void {
    if (this.#isSettled) return
    this.#client?.abandon()
    this.#options.fail(408, 'Request Timeout')
  }

  #sendCancel(cancelling: SipRequest): void {
    const peer = this.#client?.peer
    if (peer === undefined) return
    clearTimeout(this.#limit)
    this.#limit = setTimeout(() => this.#giveUp(), giveUpAfter(this.#core.timers))
    this.#core.transactions.call(cancelling, peer, {
      bytes: serialize(cancelling),
      onResponse() {
        // What counts is the final response of the INVITE.
      },
      onFailure() {
        // The limit above ends the INVITE.
      },
    })
  }
}

/** RFC 3262 4: a reliable provisional that is not newer than the last was sent again, its PRACK being late. */
function isRepeated(dialog: Dialog, response: SipResponse): boolean {
  const rseq = Number(header(response, 'rseq') ?? 0)
  if (!(rseq > 0)) return false
  if (rseq <= dialog.lastRSeq) return true
  dialog.lastRSeq = rseq
  return false
}

const notInCancel = new Set([
  'via',
  'route',
  'record-route',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'p-asserted-identity',
  'max-forwards',
  'content-length',
  'content-type',
])
const copiedToCancel = new Set(['via', 'max-forwards', 'route', 'from', 'to', 'call-id'])

/** RFC 3261 9.1: the CANCEL is the INVITE with another method; same branch, same tags, same route. */
function cancelFor(invite: SipRequest, extra: readonly Header[]): SipRequest {
  const number = parseCSeq(header(invite, 'cseq'))?.number ?? 1
  const headers = [
    ...invite.headers.filter((each) => copiedToCancel.has(each.key)),
    field('CSeq', `${number} CANCEL`),
    ...extra,
  ]
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers, body: '' }
}
