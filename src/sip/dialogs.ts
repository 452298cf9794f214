import type { Logger } from '../platform/logger.ts'
import {
  endDialog,
  type SipDialog,
  type SipFailure,
  type SipRequest,
  type SipResponse,
  type SrfClient,
} from './drachtio.ts'

/**
 * Both ways to a dialog. `watch` is called in the instant in which the dialog is there: what comes
 * in the packet of its 200 (the party's BYE, when we are slow) is handled before any promise is.
 */
type Watch = (dialog: SipDialog) => void

/** 200 to the caller. Rejects when the caller's INVITE is no longer there to be answered. */
export function acceptInvite(given: {
  readonly srf: SrfClient
  readonly request: SipRequest
  readonly response: SipResponse
  readonly localSdp: string
  readonly headers: Record<string, string>
  readonly watch: Watch
}): Promise<void> {
  const { srf, request, response, localSdp, headers, watch } = given
  return new Promise((resolve, reject) => {
    srf.createUAS(request, response, { localSdp, headers }, (err, dialog) => {
      if (dialog === undefined) return reject(err)
      watch(dialog)
      resolve()
    })
  })
}

/** INVITE to the callee. Resolves to the SDP of its 200; rejects with a SipFailure. */
export function sendInvite(given: {
  readonly srf: SrfClient
  readonly uri: string
  readonly headers: Record<string, string>
  readonly offer: string
  readonly log: Logger
  readonly onSent: (request: SipRequest) => void
  readonly onProvisional: (response: SipResponse) => void
  readonly watch: Watch
}): Promise<string> {
  const { srf, uri, headers, offer, log, onSent, onProvisional, watch } = given
  let final: SipResponse | undefined
  const cbRequest = (_err: unknown, sent: SipRequest | undefined) => {
    if (sent === undefined) return
    sent.on('response', (response) => {
      if (response.status >= 200) final = response
    })
    onSent(sent)
  }
  return new Promise((resolve, reject) => {
    const callbacks = { cbRequest, cbProvisional: onProvisional }
    srf.createUAC(uri, { headers, localSdp: offer }, callbacks, (err, dialog) => {
      if (dialog !== undefined) {
        watch(dialog)
        resolve(dialog.remote.sdp)
      } else if (final !== undefined && final.status < 300) {
        giveBack(final, srf, log)
        reject(unusable(final.status))
      } else {
        reject(err)
      }
    })
  })
}

/**
 * The callee answered, but with a 200 without Contact, or another 2xx: the library acknowledges it
 * and makes no dialog of it. Without a BYE the callee would hold a silent phone.
 */
function giveBack(answer: SipResponse, srf: SrfClient, log: Logger): void {
  endDialog(srf, answer.stackDialogId, (err) => {
    if (err) log.warn({ err }, 'an answer without a dialog could not be ended')
  })
}

const unusable = (status: number): SipFailure =>
  Object.assign(new Error('the answer makes no dialog'), { status })
