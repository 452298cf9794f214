import { ackWaitMs, repeatAck, sendAck } from './acking.ts'
import { given, type HeaderPair } from './building.ts'
import { parseCSeq } from './check.ts'
import type { ClientTransaction } from './client-transaction.ts'
import type { Core, ResponseInfo } from './core.ts'
import { calledDialog, confirmCalled, type Dialog } from './dialog.ts'
import { field, type Header, header, type SipRequest, type SipResponse } from './message.ts'
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
  readonly client: () => ClientTransaction | undefined
}

/** An INVITE of ours on its way: early dialogs, forks, CANCEL and the crossing of CANCEL and answer. */
export function createInviting(core: Core, options: InvitingOptions) {
  const { request, report, fail, client } = options
  const cseq = parseCSeq(header(request, 'cseq'))?.number ?? 1
  const early = new Map<string, Dialog>()
  let winner: Dialog | undefined = options.dialog
  let isSettled = false
  let isRinging = false
  let cancelWanted: SipRequest | undefined
  let limit: NodeJS.Timeout | undefined
  if (options.dialog !== undefined) options.dialog.ourInvite = { cancel: () => void cancel() }

  function dialogOf(response: SipResponse, from: Peer): Dialog | undefined {
    if (options.dialog !== undefined) return options.dialog
    const tag = tagOf(header(response, 'to') ?? '')
    if (tag === undefined) return undefined
    const known = early.get(tag)
    if (known !== undefined) return known
    const made = calledDialog(request, response, from)
    early.set(tag, made)
    core.dialogs.add(made)
    return made
  }

  function receive(response: SipResponse, from: Peer): void {
    if (response.status < 200) ring(response, from)
    else if (response.status < 300) answer(response, from)
    else {
      settle()
      forgetEarly()
      report(response, { peer: from, dialog: options.dialog })
    }
  }

  function ring(response: SipResponse, from: Peer): void {
    if (!isRinging) {
      isRinging = true
      limit = setTimeout(() => giveUp(), ringingMsMax)
      if (cancelWanted !== undefined) sendCancel(cancelWanted)
    }
    if (response.status === 100) return
    report(response, { peer: from, dialog: dialogOf(response, from) })
  }

  function answer(response: SipResponse, from: Peer): void {
    const dialog = dialogOf(response, from)
    if (isSettled) return answerAgain(dialog, response, from)
    settle()
    winner = dialog
    if (dialog !== undefined) {
      if (options.dialog === undefined) confirm(dialog, response, from)
      early.delete(dialog.remoteTag)
      if (cancelWanted !== undefined) dialog.hangUpAfterAck = 'ACK-BYE due to cancel race condition'
    }
    forgetEarly()
    report(response, { peer: from, dialog })
  }

  function confirm(dialog: Dialog, response: SipResponse, from: Peer): void {
    confirmCalled(dialog, response, from)
    core.dialogs.add(dialog)
    // An owner that never gives the ACK gets the dialog taken away; the other side will hang up.
    const waiting = setTimeout(() => {
      if (dialog.ack === undefined) core.dialogs.remove(dialog)
    }, ackWaitMs(core))
    dialog.closers.add(() => clearTimeout(waiting))
  }

  /** The same 2xx again, or the 2xx of another branch of a fork, which nobody here wants. */
  function answerAgain(dialog: Dialog | undefined, response: SipResponse, from: Peer): void {
    const tag = tagOf(header(response, 'to') ?? '')
    if (winner !== undefined && winner.remoteTag === tag) {
      early.delete(tag)
      return repeatAck(core, winner, cseq)
    }
    if (dialog === undefined) return
    if (dialog.ack !== undefined) return repeatAck(core, dialog, cseq)
    confirm(dialog, response, from)
    sendAck(core, dialog, {})
    core.bye(dialog, 'another branch has answered')
  }

  function settle(): void {
    isSettled = true
    clearTimeout(limit)
    if (options.dialog !== undefined) options.dialog.ourInvite = undefined
  }

  function forgetEarly(): void {
    for (const each of early.values()) core.dialogs.remove(each)
    early.clear()
  }

  function giveUp(): void {
    if (isSettled) return
    client()?.abandon()
    fail(408, 'Request Timeout')
  }

  function cancel(headers?: readonly HeaderPair[]): SipRequest | undefined {
    if (isSettled) return undefined
    if (cancelWanted !== undefined) return cancelWanted
    cancelWanted = cancelFor(request, given(headers, notCancel))
    // Before the first provisional a CANCEL could overtake its INVITE (RFC 3261 9.1).
    if (isRinging) sendCancel(cancelWanted)
    return cancelWanted
  }

  function sendCancel(cancelling: SipRequest): void {
    const peer = client()?.peer
    if (peer === undefined) return
    clearTimeout(limit)
    limit = setTimeout(giveUp, giveUpAfter(core.timers))
    core.transactions.call(cancelling, peer, {
      onResponse() {
        // What counts is the final response of the INVITE.
      },
      onFailure() {
        // The limit above ends the INVITE.
      },
    })
  }

  return {
    receive,
    cancel,
    /** No final response came: timeout or nobody there. */
    failed(): void {
      settle()
      forgetEarly()
    },
  }
}

const notCancel = new Set([
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

/** RFC 3261 9.1: the CANCEL is the INVITE with another method; same branch, same tags, same route. */
function cancelFor(invite: SipRequest, extra: readonly Header[]): SipRequest {
  const number = parseCSeq(header(invite, 'cseq'))?.number ?? 1
  const kept = invite.headers.filter((each) =>
    ['via', 'max-forwards', 'route', 'from', 'to', 'call-id'].includes(each.key),
  )
  return {
    kind: 'request',
    method: 'CANCEL',
    uri: invite.uri,
    headers: [...kept, field('CSeq', `${number} CANCEL`), ...extra],
    body: '',
  }
}
