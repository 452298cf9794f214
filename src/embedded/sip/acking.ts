import { dialogRequest, type HeaderPair, transportOf } from './building.ts'
import type { Core, NotSent } from './core.ts'
import { type Dialog, dialogRouting } from './dialog.ts'
import { serialize } from './message.ts'
import { familyOf, resolveUri } from './resolve.ts'
import { giveUpAfter } from './timers.ts'
import type { Peer, TransportName } from './transport.ts'

/** Where requests inside this dialog go. */
export function wayOf(core: Core, dialog: Dialog) {
  if (dialog.behindNat !== undefined) {
    return { transport: dialog.behindNat.transport, target: dialog.behindNat }
  }
  const { nextHop } = dialogRouting(dialog)
  const transport = transportOf(nextHop)
  if (transport === undefined) return { transport, target: undefined }
  return { transport, target: resolveUri(nextHop, transport, familyOf(core.local(transport).host)) }
}

export type SentAck = {
  readonly ok: true
  /** The ACK as sent. */
  readonly bytes: string
  readonly transport: TransportName
}

/** The ACK of a 2xx: outside any transaction, and ours to repeat (RFC 3261 13.2.2.4). */
export function sendAck(
  core: Core,
  dialog: Dialog,
  options: { readonly headers?: readonly HeaderPair[] | undefined; readonly body?: string },
): SentAck | NotSent {
  const { transport, target } = wayOf(core, dialog)
  if (transport === undefined || target === undefined) {
    return { ok: false, reason: 'requested protocol/transport not available' }
  }
  const cseq = dialog.sentInvite
  const { headers, body = '' } = options
  const request = dialogRequest(core, dialog, { method: 'ACK', transport, headers, body, cseq })
  const bytes = serialize(request)
  if (body !== '') dialog.localSdp = body
  const deliver = (peer: Peer | undefined): void => {
    if (peer === undefined) return
    dialog.ack = { cseq, bytes, peer }
    core.transactions.transport.send(bytes, peer)
    if (dialog.hangUpAfterAck !== undefined) core.hangUp(dialog, dialog.hangUpAfterAck)
  }
  if (target instanceof Promise) void target.then(deliver)
  else deliver(target)
  return { ok: true, bytes, transport }
}

/** A 2xx to our INVITE came again: its ACK was lost. */
export function repeatAck(core: Core, dialog: Dialog, cseq: number): void {
  if (dialog.ack?.cseq === cseq) core.transactions.transport.send(dialog.ack.bytes, dialog.ack.peer)
}

/** How long an answered dialog waits for its owner to give the ACK. */
export const ackWaitMs = (core: Core) => giveUpAfter(core.timers)
