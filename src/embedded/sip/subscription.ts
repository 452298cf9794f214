import type { Core } from './core.ts'
import type { Dialog } from './dialog.ts'
import { header, type SipRequest, type SipResponse } from './message.ts'
import { giveUpAfter } from './timers.ts'

/** RFC 6665 4.1.3: what a subscription lasts when nobody says it. */
const secondsByDefault = 3600
const secondsMax = 86_400

/** RFC 6665 4.4.1: the NOTIFY that says "terminated" ends a subscription's dialog. */
export function endsSubscription(dialog: Dialog, request: SipRequest): boolean {
  return (
    dialog.method === 'SUBSCRIBE' &&
    request.method === 'NOTIFY' &&
    /^\s*terminated/i.test(header(request, 'subscription-state') ?? '')
  )
}

/** A subscription that is not renewed is over, and some time for the last NOTIFY later so is its dialog. */
export function keepSubscription(core: Core, dialog: Dialog, accepted: SipResponse): void {
  if (dialog.method !== 'SUBSCRIBE') return
  const said = Number.parseInt(header(accepted, 'expires') ?? '', 10)
  const seconds = said >= 0 ? Math.min(said, secondsMax) : secondsByDefault
  const ms = seconds * 1000 + giveUpAfter(core.timers)
  dialog.stopClock?.()
  const timer = setTimeout(() => core.dialogs.remove(dialog), ms)
  dialog.stopClock = () => clearTimeout(timer)
}
