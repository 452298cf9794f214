import { Answering, type Incoming } from './answering.ts'
import { parseCSeq } from './check.ts'
import type { Core } from './core.ts'
import type { Dialog } from './dialog.ts'
import { responseTo } from './matching.ts'
import { field, header, type SipRequest } from './message.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { isTooShort } from './session-timer.ts'
import type { TransactionEvents } from './transactions.ts'
import type { Peer } from './transport.ts'
import { tagOf } from './uri.ts'

const allowed =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, INFO, UPDATE, PRACK, NOTIFY, SUBSCRIBE, REFER, REGISTER, PUBLISH'
const methods = new Set(allowed.split(', '))
/** Requests that make no sense outside a dialog. */
const onlyInside = new Set(['BYE', 'UPDATE', 'PRACK'])
const noSuchCall = 'Call/Transaction Does Not Exist'

/** What happens to a request before its owner sees it: dialog matching, order, overlap, CANCEL, PRACK. */
export class Receiving implements Pick<TransactionEvents, 'onRequest' | 'onCancel' | 'onAck'> {
  readonly #core: Core
  readonly #hand: (incoming: Incoming) => void
  readonly #invites = new WeakMap<ServerTransaction, Answering>()

  constructor(core: Core, hand: (incoming: Incoming) => void) {
    this.#core = core
    this.#hand = hand
  }

  onRequest = (transaction: ServerTransaction): void => {
    const { request } = transaction
    if (request.method === 'INVITE') refuse(transaction, 100, 'Trying')
    const localTag = tagOf(header(request, 'to') ?? '')
    if (localTag === undefined) this.#receiveNew(transaction)
    else {
      const remoteTag = tagOf(header(request, 'from') ?? '') ?? ''
      const callId = header(request, 'call-id') ?? ''
      const dialog = this.#core.dialogs.find(callId, localTag, remoteTag)
      if (dialog === undefined) refuse(transaction, 481, noSuchCall)
      else this.#receiveInside(transaction, dialog)
    }
  }

  onCancel = (cancelling: ServerTransaction, invite: ServerTransaction | undefined): void => {
    const answering = invite === undefined ? undefined : this.#invites.get(invite)
    if (answering !== undefined && invite?.isOpen === true) {
      refuse(cancelling, 200, 'OK')
      answering.cancel(cancelling.request)
    } else {
      refuse(cancelling, 481, noSuchCall)
      if (this.#core.traps.has('early-bye')) this.#earlyOf(cancelling.request)?.drop()
    }
  }

  onAck = (ack: SipRequest, peer: Peer): void => {
    const remote = tagOf(header(ack, 'from') ?? '') ?? ''
    const local = tagOf(header(ack, 'to') ?? '') ?? ''
    const dialog = this.#core.dialogs.find(header(ack, 'call-id') ?? '', local, remote)
    const cseq = parseCSeq(header(ack, 'cseq'))?.number
    // Only the first ACK of a 2xx is news.
    if (dialog?.unacked === undefined || dialog.unacked.cseq !== cseq) return
    dialog.unacked.stop()
    dialog.unacked = undefined
    this.#hand({
      request: ack,
      peer,
      dialog,
      opened: undefined,
      respond: () => ({ ok: false, reason: 'an ACK has no response' }),
      onCancel: undefined,
      onOver: undefined,
    })
  }

  #receiveNew(transaction: ServerTransaction): void {
    const { method } = transaction.request
    if (onlyInside.has(method)) refuse(transaction, 481, noSuchCall)
    else if (methods.has(method)) this.#deliver(transaction, undefined)
    else refuse(transaction, 405, 'Method Not Allowed')
  }

  #receiveInside(transaction: ServerTransaction, dialog: Dialog): void {
    const { request } = transaction
    const number = parseCSeq(header(request, 'cseq'))?.number ?? 0
    if (number <= dialog.remoteCSeq) {
      // RFC 3261 12.2.2. Equal numbers are no repetition: that would have found its transaction.
      refuse(transaction, 500, 'CSeq Out Of Order')
      return
    }
    dialog.remoteCSeq = number
    switch (request.method) {
      case 'BYE':
        this.#receiveBye(transaction, dialog)
        break
      case 'INVITE':
      case 'UPDATE':
        this.#receiveChange(transaction, dialog)
        break
      case 'PRACK':
        if (dialog.theirInvite?.prack(header(request, 'rack') ?? '') === true) {
          this.#deliver(transaction, dialog)
        } else refuse(transaction, 481, noSuchCall)
        break
      default:
        this.#deliver(transaction, dialog)
    }
  }

  #receiveBye(transaction: ServerTransaction, dialog: Dialog): void {
    const early = dialog.state === 'early' ? dialog.theirInvite : undefined
    if (early === undefined) {
      this.#deliver(transaction, dialog)
      // Nothing can come after a BYE, whether its owner answers it soon or never.
      this.#core.dialogs.remove(dialog)
    } else if (this.#core.traps.has('early-bye')) {
      refuse(transaction, 481, noSuchCall)
      early.drop()
    } else {
      // RFC 3261 15: a caller may end an early dialog with BYE. For the owner it is a CANCEL.
      refuse(transaction, 200, 'OK')
      early.cancel({ ...transaction.request, method: 'CANCEL' })
    }
  }

  #receiveChange(transaction: ServerTransaction, dialog: Dialog): void {
    const { request } = transaction
    const isInvite = request.method === 'INVITE'
    if (isTooShort(this.#core, request)) {
      const minimum = field('Min-SE', String(this.#core.sessionSecondsMin))
      const tooSmall = { status: 422, reason: 'Session Interval Too Small', headers: [minimum] }
      transaction.respond(responseTo(request, tooSmall))
    } else if (isInvite && dialog.ourInvite !== undefined) {
      // RFC 3261 14.2: two INVITEs that cross, and one that comes before the last was answered.
      refuse(transaction, 491, 'Request Pending')
    } else if (isInvite && dialog.theirInvite !== undefined) {
      refuse(transaction, 500, 'INVITE Pending')
    } else {
      this.#deliver(transaction, dialog)
    }
  }

  #deliver(transaction: ServerTransaction, dialog: Dialog | undefined): void {
    const answering = new Answering(this.#core, transaction, dialog)
    if (transaction.request.method === 'INVITE') {
      this.#invites.set(transaction, answering)
      if (dialog !== undefined) dialog.theirInvite = answering
    }
    this.#hand(answering)
  }

  /** The unanswered INVITE of the same call, whatever its branch. */
  #earlyOf(cancelling: SipRequest) {
    const callId = header(cancelling, 'call-id')
    for (const dialog of this.#core.dialogs.all()) {
      if (dialog.callId === callId && dialog.state === 'early') return dialog.theirInvite
    }
    return undefined
  }
}

function refuse(transaction: ServerTransaction, status: number, reason: string): void {
  const headers = status === 405 ? [field('Allow', allowed)] : []
  transaction.respond(responseTo(transaction.request, { status, reason, headers }))
}
