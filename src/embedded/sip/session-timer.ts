import type { Core } from './core.ts'
import type { Dialog } from './dialog.ts'
import { field, type Header, header, type SipRequest, type SipResponse } from './message.ts'
import { param } from './uri.ts'

/** Session timers, RFC 4028: a call whose other side has vanished ends by itself. */

export type Session = {
  readonly seconds: number
  /** Counted from the request that the header belongs to; undefined when it does not say. */
  readonly refresher: 'uac' | 'uas' | undefined
}

function readSession(message: { readonly headers: readonly Header[] }): Session | undefined {
  const value = header(message, 'session-expires')
  const seconds = Number.parseInt(value ?? '', 10)
  if (value === undefined || !(seconds > 0) || seconds > 1_000_000) return undefined
  const semicolon = value.indexOf(';')
  const said = semicolon === -1 ? undefined : param(value.slice(semicolon), 'refresher')
  const lower = said?.toLowerCase()
  return { seconds, refresher: lower === 'uac' || lower === 'uas' ? lower : undefined }
}

/** What our 2xx adds when the app says nothing: the caller's wish, if it names who refreshes. */
export function sessionAnswer(core: Core, request: SipRequest): Header | undefined {
  const asked = readSession(request)
  if (asked?.refresher === undefined) return undefined
  const seconds = Math.max(asked.seconds, core.sessionSecondsMin)
  return field('Session-Expires', `${seconds};refresher=${asked.refresher}`)
}

/** A refresh with a shorter interval than we allow is refused without asking the app (RFC 4028 9). */
export function isTooShort(core: Core, request: SipRequest): boolean {
  const asked = readSession(request)
  return asked !== undefined && asked.seconds < core.sessionSecondsMin
}

/** Our 2xx to an INVITE or UPDATE of theirs sets the clock, or stops it. */
export function armAfterAnswer(core: Core, dialog: Dialog, response: SipResponse): void {
  const session = readSession(response)
  if (session === undefined) disarm(dialog)
  else arm(core, dialog, { seconds: session.seconds, weRefresh: session.refresher !== 'uac' })
}

/** Their 2xx to an INVITE or UPDATE of ours sets the clock, or stops it. */
export function armAfterCall(core: Core, dialog: Dialog, response: SipResponse): void {
  const session = readSession(response)
  if (session === undefined) disarm(dialog)
  else arm(core, dialog, { seconds: session.seconds, weRefresh: session.refresher !== 'uas' })
}

function disarm(dialog: Dialog): void {
  dialog.stopClock?.()
  dialog.stopClock = undefined
}

function arm(
  core: Core,
  dialog: Dialog,
  { seconds, weRefresh }: { readonly seconds: number; readonly weRefresh: boolean },
): void {
  disarm(dialog)
  const ms = seconds * 1000
  const timer = weRefresh
    ? setTimeout(() => refresh(core, dialog, seconds), ms / 2)
    : setTimeout(() => core.hangUp(dialog, 'Session timer expired'), ms)
  dialog.stopClock = () => clearTimeout(timer)
}

/** A re-INVITE with what we last offered or answered. Its owner sees nothing of it. */
function refresh(core: Core, dialog: Dialog, seconds: number): void {
  const again = () => arm(core, dialog, { seconds, weRefresh: true })
  if (dialog.ourInvite !== undefined || dialog.theirInvite !== undefined) {
    again()
    return
  }
  core.refresh(dialog, {
    headers: [
      ['Session-Expires', `${seconds};refresher=uac`],
      ['Min-SE', String(core.sessionSecondsMin)],
      ['Supported', 'timer'],
    ],
    onFinal(response) {
      // A 2xx has armed the timer already, by what it says.
      if (response.status === 491) again()
      else if (response.status >= 300) core.hangUp(dialog, 'Session refresh failed')
      else if (readSession(response) === undefined) again()
    },
  })
}
