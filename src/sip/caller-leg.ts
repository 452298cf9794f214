import { causeOf, type HangupCause } from '../domain/hangup.ts'
import type { Logger } from '../platform/logger.ts'
import { acceptInvite } from './dialogs.ts'
import type { SipDialog, SipRequest, SipResponse, SrfClient } from './drachtio.ts'
import { allowedMethods } from './identity-out.ts'
import { causeOfReason, reasonHeader } from './reason.ts'
import { createRinger } from './ringer.ts'
import type { ServerLostHandler } from './servers.ts'
import { refreshHeaders, type Talk, type TalkListener, watchTalk } from './talk.ts'

type Phase = 'ringing' | 'answering' | 'talking' | 'gone'

/** The caller's side of a call, as `call/` wants it. It knows nothing of the callee. */
export function createCallerLeg(given: {
  readonly srf: SrfClient
  readonly request: SipRequest
  readonly response: SipResponse
  readonly log: Logger
  /** Tells of the loss of the SIP server; gives the way to stop listening. */
  readonly onServerLost: (handler: ServerLostHandler) => () => void
}) {
  const { srf, request, response, log } = given
  let phase: Phase = 'ringing'
  let listener: TalkListener | undefined
  let talk: Talk | undefined
  let hungUpWith: HangupCause | undefined
  const ringer = createRinger({
    response,
    reliable: /\b100rel\b/i.test(request.get('Require') ?? ''),
    onGone: () => gone('lost', causeOf('caller-lost')),
  })

  const stopListening = given.onServerLost((endLater) => {
    if (talk !== undefined) endLater(talk.dialogId)
    gone('lost', causeOf('caller-lost'))
  })

  function gone(how: 'gave-up' | 'hung-up' | 'lost', cause: HangupCause): void {
    if (phase === 'gone') return
    phase = 'gone'
    ringer.stop()
    stopListening()
    listener?.onEnded({ how, cause })
  }

  request.on('cancel', (cancel) => {
    const reason = causeOfReason(cancel.get('Reason'))
    gone('gave-up', { ...causeOf('caller-abandoned'), q850: reason?.q850 ?? 16 })
  })
  request.on('update', answerEarlyUpdate)

  function watch(dialog: SipDialog): void {
    const listening = passOn(() => listener, gone)
    const lost = causeOf('caller-lost')
    const ourOfferOpen = request.body === ''
    talk = watchTalk({ dialog, listener: listening, lost, log, ourOfferOpen })
  }

  return {
    offer: request.body === '' ? undefined : request.body,

    listen(given: TalkListener) {
      listener = given
    },

    ringing() {
      if (phase === 'ringing') ringer.ring(180, undefined)
    },

    progress(sdp: string) {
      if (phase === 'ringing') ringer.ring(183, sdp)
    },

    async answer(sdp: string): Promise<void> {
      if (phase !== 'ringing') throw new Error('the caller is no longer there')
      phase = 'answering'
      ringer.stop()
      const headers = { Allow: allowedMethods, Supported: 'timer', ...refreshHeaders(request) }
      const accepted = acceptInvite({ srf, request, response, localSdp: sdp, headers, watch })
      await accepted.catch((err: unknown) => {
        // Its CANCEL or BYE reached the SIP server before our 200; nobody tells us of it but this.
        gone('gave-up', causeOf('caller-abandoned'))
        throw err
      })
      if ((phase as Phase) === 'gone') {
        // Hung up by us, or given up by the caller, while the 200 was on its way.
        talk?.hangUp(hungUpWith ?? causeOf('caller-abandoned'))
        throw new Error('the caller left while it was answered')
      }
      phase = 'talking'
    },

    hangUp(cause: HangupCause) {
      if (phase === 'gone') return
      hungUpWith = cause
      const was = phase
      phase = 'gone'
      ringer.stop()
      stopListening()
      if (was === 'ringing') response.send(refusalStatus(cause), { headers: reasonHeader(cause) })
      else talk?.hangUp(cause)
    },
  }
}

/** An UPDATE before the answer may only refresh: media cannot change before it is there. */
function answerEarlyUpdate(update: SipRequest, answer: SipResponse): void {
  answer.send(update.body === '' ? 200 : 491)
}

/** A normal end before the caller was answered (the callee hung up at once) is no success for the caller. */
const refusalStatus = (cause: HangupCause): number =>
  cause.sipStatus < 300 ? 480 : cause.sipStatus

type Gone = (how: 'gave-up' | 'hung-up' | 'lost', cause: HangupCause) => void

/** What happens in the dialog goes to whoever listens by then; its end passes through the leg first. */
function passOn(listener: () => TalkListener | undefined, gone: Gone): TalkListener {
  return {
    onEnded: (end) => gone(end.how, end.cause),
    onReoffer: async (offer) => listener()?.onReoffer(offer),
    onAnswer: (answer) => listener()?.onAnswer(answer),
    onDigit: (digit) => listener()?.onDigit(digit),
  }
}
