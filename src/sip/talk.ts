import type { HangupCause } from '../domain/hangup.ts'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'
import type { SipDialog, SipRequest, SipResponse } from './drachtio.ts'
import { allowedMethods } from './identity-out.ts'
import { causeOfBye, reasonHeader } from './reason.ts'

/** What an answered party does; the same shape as `call/`'s LegListener. */
export type TalkListener = {
  onEnded(end: { how: 'gave-up' | 'hung-up' | 'lost'; cause: HangupCause }): void
  onReoffer(offer: string | undefined): Promise<string | undefined>
  onAnswer(answer: string): void
  onDigit(digit: string): void
}

/** An answered dialog with one party. */
export type Talk = { readonly dialogId: string; hangUp(cause: HangupCause): void }

/** What the SIP server says of a CANCEL that came after our 200: it sends the BYE by itself. */
const gaveUpTooLate = 'CANCEL after 200 OK'

/** Longest that the party's in-dialog request waits for our media before it is refused. */
const reofferMsMax = 5000

/**
 * Everything that a party can ask inside a dialog is answered here, by us alone: nothing of it
 * reaches the other leg's signalling. `lost` is the cause when the dialog dies without a BYE of
 * the party's own (ACK never came, session timer ran out).
 */
export function watchTalk(given: {
  readonly dialog: SipDialog
  readonly listener: TalkListener
  readonly lost: HangupCause
  readonly log: Logger
  /** The 200 that made this dialog carried our offer: the ACK brings the answer. */
  readonly ourOfferOpen: boolean
}): Talk {
  const { dialog, listener, lost, log } = given
  let ourOfferOpen = given.ourOfferOpen
  let hungUp = false

  dialog.on('destroy', (request, reason) => {
    const theirs = reason === 'normal release' || reason === gaveUpTooLate
    if (theirs && request !== undefined) {
      listener.onEnded({ how: 'hung-up', cause: causeOfBye(request.get('Reason')) })
    } else {
      listener.onEnded({ how: 'lost', cause: lost })
    }
  })
  dialog.on('modify', (request, response) => {
    ourOfferOpen = request.body === ''
    answerReoffer(dialog, listener, request, response).catch((err: unknown) => {
      log.warn({ err }, 're-INVITE could not be answered with media')
      response.send(500)
    })
  })
  dialog.on('ack', (request) => {
    if (ourOfferOpen && request.body !== '') listener.onAnswer(request.body)
    ourOfferOpen = false
  })
  dialog.on('update', (request, response) => {
    if (request.body === '') response.send(200, { headers: refreshHeaders(request) })
    else
      answerReoffer(dialog, listener, request, response).catch((err: unknown) => {
        log.warn({ err }, 'UPDATE could not be answered with media')
        response.send(500)
      })
  })
  dialog.on('refer', (_request, response) => response.send(603))
  dialog.on('message', (_request, response) =>
    response.send(405, { headers: { Allow: allowedMethods } }),
  )
  dialog.on('notify', (_request, response) => response.send(489))
  dialog.on('options', (_request, response) =>
    response.send(200, { headers: { Allow: allowedMethods, Accept: 'application/sdp' } }),
  )
  dialog.on('info', (request, response) => {
    response.send(200)
    const digit = digitOfInfo(request)
    if (digit !== undefined) listener.onDigit(digit)
  })

  return {
    dialogId: dialog.id,
    hangUp(cause) {
      if (hungUp || !dialog.connected) return
      hungUp = true
      dialog.destroy({ headers: reasonHeader(cause) }).catch((err: unknown) => {
        // Their BYE crossed ours, or the SIP server is gone: either way the dialog is over.
        log.debug({ err }, 'BYE was not needed any more')
      })
    },
  }
}

async function answerReoffer(
  dialog: SipDialog,
  listener: TalkListener,
  request: SipRequest,
  response: SipResponse,
): Promise<void> {
  const offer = request.body === '' ? undefined : request.body
  const answer = await within(reofferMsMax, 'media for a re-INVITE', listener.onReoffer(offer))
  if (answer === undefined) return response.send(488)
  response.send(200, {
    body: answer,
    headers: {
      ...(dialog.local.contact === undefined ? {} : { Contact: dialog.local.contact }),
      ...refreshHeaders(request),
    },
  })
}

const sessionExpiresPattern = /^(\d{2,6})\s*(?:;\s*refresher\s*=\s*(uac|uas))?/i

/** A session refresh is confirmed with the interval that was asked for, the asker refreshing on (RFC 4028 9). */
export function refreshHeaders(request: {
  get(name: string): string | undefined
}): Record<string, string> {
  const match = sessionExpiresPattern.exec(request.get('Session-Expires') ?? '')
  if (match?.[1] === undefined) return {}
  return {
    'Session-Expires': `${match[1]};refresher=${match[2] ?? 'uac'}`,
    Require: 'timer',
  }
}

/** How much of an INFO body is read: a pattern must not meet a text without end. */
const infoLengthMax = 200

/** application/dtmf-relay `Signal=5`, or application/dtmf with the digit alone. */
function digitOfInfo(request: SipRequest): string | undefined {
  const type = request.get('Content-Type') ?? ''
  const body = request.body.slice(0, infoLengthMax)
  if (/dtmf-relay/i.test(type)) return /^\s*Signal\s*=\s*([0-9A-D*#])/im.exec(body)?.[1]
  if (/application\/dtmf\b/i.test(type)) return /^\s*([0-9A-D*#])\s*$/.exec(body)?.[1]
  return undefined
}
