import { createIncoming, type Incoming, type IncomingInside } from './answering.ts'
import { parseCSeq } from './check.ts'
import type { Core } from './core.ts'
import type { Dialog } from './dialog.ts'
import { header, type SipRequest } from './message.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { responseTo, type TransactionEvents } from './transactions.ts'
import type { Peer } from './transport.ts'
import { tagOf } from './uri.ts'

const methods = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'MESSAGE',
  'INFO',
  'UPDATE',
  'PRACK',
  'NOTIFY',
  'SUBSCRIBE',
  'REFER',
  'REGISTER',
  'PUBLISH',
]
/** Requests that make no sense outside a dialog. */
const onlyInside = new Set(['BYE', 'UPDATE', 'PRACK'])

/** What happens to a request before its owner sees it: dialog matching, order, overlap, CANCEL, PRACK. */
export function createReceiving(
  core: Core,
  onRequest: (incoming: Incoming) => void,
): Pick<TransactionEvents, 'onRequest' | 'onCancel' | 'onAck'> {
  const invites = new WeakMap<ServerTransaction, IncomingInside>()

  function receive(transaction: ServerTransaction): void {
    const { request } = transaction
    const remoteTag = tagOf(header(request, 'from') ?? '') ?? ''
    const localTag = tagOf(header(request, 'to') ?? '')
    if (request.method === 'INVITE') refuse(transaction, 100, 'Trying')
    if (localTag === undefined) return receiveNew(transaction)
    const dialog = core.dialogs.find(header(request, 'call-id') ?? '', localTag, remoteTag)
    if (dialog === undefined) return refuse(transaction, 481, 'Call/Transaction Does Not Exist')
    receiveInside(transaction, dialog)
  }

  function receiveNew(transaction: ServerTransaction): void {
    const { method } = transaction.request
    if (onlyInside.has(method)) {
      return refuse(transaction, 481, 'Call/Transaction Does Not Exist')
    }
    if (!methods.includes(method)) return refuse(transaction, 405, 'Method Not Allowed')
    hand(createIncoming(core, transaction, undefined), transaction)
  }

  function receiveInside(transaction: ServerTransaction, dialog: Dialog): void {
    const { request } = transaction
    const number = parseCSeq(header(request, 'cseq'))?.number ?? 0
    if (number <= dialog.remoteCSeq) {
      return refuse(transaction, 500, 'CSeq Out Of Order')
    }
    dialog.remoteCSeq = number
    switch (request.method) {
      case 'BYE':
        return receiveBye(transaction, dialog)
      case 'INVITE':
        return receiveReinvite(transaction, dialog)
      case 'PRACK':
        if (dialog.theirInvite?.prack(header(request, 'rack') ?? '') === true) break
        return refuse(transaction, 481, 'Call/Transaction Does Not Exist')
    }
    hand(createIncoming(core, transaction, dialog), transaction)
  }

  function receiveBye(transaction: ServerTransaction, dialog: Dialog): void {
    const early = dialog.state === 'early' ? dialog.theirInvite : undefined
    if (early !== undefined) {
      // RFC 3261 15: a caller may end an early dialog with BYE. For the owner it is a CANCEL.
      refuse(transaction, 200, 'OK')
      early.cancel({ ...transaction.request, method: 'CANCEL' })
      return
    }
    hand(createIncoming(core, transaction, dialog), transaction)
    // Nothing can come after a BYE, whether its owner answers it soon or never.
    core.dialogs.remove(dialog)
  }

  function receiveReinvite(transaction: ServerTransaction, dialog: Dialog): void {
    // RFC 3261 14.2: two INVITEs that cross, and one that comes before the last was answered.
    if (dialog.ourInvite !== undefined) return refuse(transaction, 491, 'Request Pending')
    if (dialog.theirInvite !== undefined) return refuse(transaction, 500, 'INVITE Pending')
    const incoming = createIncoming(core, transaction, dialog)
    dialog.theirInvite = incoming
    hand(incoming, transaction)
  }

  function hand(incoming: IncomingInside, transaction: ServerTransaction): void {
    if (incoming.request.method === 'INVITE') invites.set(transaction, incoming)
    onRequest(incoming)
  }

  function cancel(cancelling: ServerTransaction, invite: ServerTransaction | undefined): void {
    const incoming = invite === undefined ? undefined : invites.get(invite)
    if (incoming === undefined || invite?.isOpen() !== true) {
      return refuse(cancelling, 481, 'Call/Transaction Does Not Exist')
    }
    refuse(cancelling, 200, 'OK')
    incoming.cancel(cancelling.request)
  }

  function acknowledge(ack: SipRequest, peer: Peer): void {
    const remote = tagOf(header(ack, 'from') ?? '') ?? ''
    const local = tagOf(header(ack, 'to') ?? '') ?? ''
    const dialog = core.dialogs.find(header(ack, 'call-id') ?? '', local, remote)
    const cseq = parseCSeq(header(ack, 'cseq'))?.number
    // Only the first ACK of a 2xx is news.
    if (dialog?.unacked === undefined || dialog.unacked.cseq !== cseq) return
    dialog.unacked.stop()
    dialog.unacked = undefined
    onRequest({
      request: ack,
      peer,
      dialog,
      opened: undefined,
      respond: () => ({ ok: false, reason: 'an ACK has no response' }),
      onCancel: undefined,
      onOver: undefined,
    })
  }

  return { onRequest: receive, onCancel: cancel, onAck: acknowledge }
}

function refuse(transaction: ServerTransaction, status: number, reason: string): void {
  transaction.respond(responseTo(transaction.request, { status, reason }))
}
