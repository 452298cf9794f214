import { causeOf, causeOfStatus, type HangupCause, mayTryNextTrunk } from '../domain/hangup.ts'
import type { VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { Trunk } from '../domain/trunk.ts'
import type { Logger } from '../platform/logger.ts'
import { sendInvite } from './dialogs.ts'
import {
  forgetRequest,
  type SipDialog,
  type SipFailure,
  type SipRequest,
  type SrfClient,
} from './drachtio.ts'
import { buildInvite } from './identity-out.ts'
import { causeOfReason, reasonHeader } from './reason.ts'
import type { ServerLostHandler } from './servers.ts'
import { type Talk, type TalkListener, watchTalk } from './talk.ts'

type CalleeListener = TalkListener & {
  onRinging(earlyMedia: string | undefined): void
  onAnswered(sdp: string): void
  onFailed(cause: HangupCause, mayTryNextTrunk: boolean): void
}

/** Past every timer of the SIP server (64 T1, RFC 3261 17.1.1.2): nothing can come back any more. */
const forgetAfterMs = 70_000

/**
 * Ring the callee over one trunk. Given the callee, X and our own SDP, and nothing of the caller.
 * The listener hears exactly one of answered or failed, unless `hangUp` comes first.
 */
export function placeCallee(
  given: {
    readonly srf: SrfClient
    readonly trunk: Trunk
    readonly callee: PhoneNumber
    readonly x: VirtualNumber
    readonly offer: string
    readonly sessionSeconds: number
    readonly national: (e164: string) => string
    readonly log: Logger
    readonly onServerLost: (handler: ServerLostHandler) => () => void
  },
  listener: CalleeListener,
) {
  const { srf, log } = given
  const invite = buildInvite(given)
  let request: SipRequest | undefined
  let talk: Talk | undefined
  let over = false
  let hungUpWith: HangupCause | undefined

  const stopListening = given.onServerLost((endLater) => {
    if (talk !== undefined) endLater(talk.dialogId)
    if (over) return
    over = true
    const cause = causeOf('callee-lost')
    if (talk === undefined) listener.onFailed(cause, false)
    else listener.onEnded({ how: 'lost', cause })
  })

  const finish = (): boolean => {
    if (over) return false
    over = true
    stopListening()
    return true
  }

  function cancel(cause: HangupCause): void {
    if (request === undefined) return
    const sent = request
    sent.cancel({ headers: reasonHeader(cause) }, (err) => {
      if (err) log.debug({ err }, 'CANCEL was not needed any more')
    })
    // A peer that ignores CANCEL may leave us without any final response (drachtio-srf).
    const forgetting = setTimeout(() => forgetRequest(srf, sent), forgetAfterMs).unref()
    sent.on('response', (response) => {
      if (response.status >= 200) clearTimeout(forgetting)
    })
  }

  function watch(dialog: SipDialog): void {
    const watched: TalkListener = {
      ...listener,
      onEnded: (end) => {
        if (finish()) listener.onEnded(end)
      },
    }
    const lost = causeOf('callee-lost')
    talk = watchTalk({ dialog, listener: watched, lost, log, ourOfferOpen: false })
  }

  function answered(sdp: string): void {
    if (!over) listener.onAnswered(sdp)
    // The 200 crossed our CANCEL: this call is not wanted any more.
    else talk?.hangUp(hungUpWith ?? causeOf('caller-abandoned'))
  }

  function failed(err: SipFailure): void {
    if (!finish()) return
    const failure = failureOf(err)
    if (err.status === undefined) log.warn({ err }, 'INVITE to the callee could not be sent')
    listener.onFailed(failure.cause, failure.next)
  }

  sendInvite({
    ...{ srf, log, watch, ...invite, offer: given.offer },
    onSent: (sent) => {
      request = sent
      if (over && hungUpWith !== undefined) cancel(hungUpWith)
    },
    onProvisional: (response) => {
      if (over) return
      const early = response.body === '' ? undefined : response.body
      if (early !== undefined || response.status === 180) listener.onRinging(early)
    },
  })
    .then(answered)
    .catch(failed)

  return {
    hangUp(cause: HangupCause) {
      hungUpWith = cause
      if (!finish()) return
      if (talk === undefined) cancel(cause)
      else talk.hangUp(cause)
    },
  }
}

/** The Reason header, where the other network gives one, says more than the status (RFC 3398 7.2.4.1). */
function failureOf(err: SipFailure): { cause: HangupCause; next: boolean } {
  if (err.status === undefined) return { cause: causeOf('trunk-failed'), next: true }
  // A redirect would have us call a number that is not the binding's: refused like a dead end.
  if (err.status < 400) return { cause: causeOf('callee-unavailable'), next: false }
  // A challenge is the trunk's: it wants credentials of ours that it does not have.
  if (err.status === 401 || err.status === 407)
    return { cause: causeOf('trunk-failed'), next: true }
  const byStatus = causeOfStatus(err.status)
  const byReason = causeOfReason(err.res?.get('Reason'))
  const said = byReason === undefined || byReason.reason === 'normal' ? byStatus : byReason
  return {
    cause: { ...said, sipStatus: byStatus.sipStatus },
    // A 503 with "busy" in its Reason speaks for the callee: another trunk would ring it again.
    next: mayTryNextTrunk(err.status) && byReason?.fault !== 'callee',
  }
}
