import type { HeaderPair } from './building.ts'
import { type Dialog, dialogKey, keyOfDialog } from './dialog.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { Timers } from './timers.ts'
import type { Transactions } from './transactions.ts'
import type { HostPort, Peer, TransportName } from './transport.ts'

/** What the parts of the user agent share. */
export type Core = {
  readonly transactions: Transactions
  readonly timers: Timers
  readonly dialogs: DialogTable
  readonly userAgent: string | undefined
  /** The shortest session timer that we agree to. */
  readonly sessionSecondsMin: number
  readonly traps: ReadonlySet<Trap>
  /** Our own address as the other side of this transport sees it. */
  readonly local: (transport: TransportName) => HostPort
  /** Our own Contact value. */
  readonly contact: (transport: TransportName) => string
  /** Send a BYE of our own. */
  readonly bye: (dialog: Dialog, why: string) => SipRequest | undefined
  /** The same, and tell the owner of the dialog. */
  readonly hangUp: (dialog: Dialog, why: string) => void
  /** Send a re-INVITE of our own. */
  readonly refresh: (
    dialog: Dialog,
    how: {
      readonly headers: readonly HeaderPair[]
      readonly onFinal: (response: SipResponse) => void
    },
  ) => void
}

/**
 * Faults of the real server that an app must survive, to be switched on by tests of such an app.
 * - `early-bye`: a BYE before the answer, or a CANCEL with another branch, gets 481 and the INVITE 500; the app hears nothing.
 * - `reinvite-ringing`: after a 18x to a re-INVITE of the app its final response is lost.
 * - `ignored-cancel`: when the other side ignores a CANCEL, the app never gets a final response.
 */
export const traps = ['early-bye', 'reinvite-ringing', 'ignored-cancel'] as const
export type Trap = (typeof traps)[number]

/** `peer` is undefined when the response was made up here: 408, 503. */
export type ResponseInfo = { readonly peer: Peer | undefined; readonly dialog: Dialog | undefined }

export type NotSent = { readonly ok: false; readonly reason: string }

export type OnDialogEnded = (dialog: Dialog, bye: SipRequest, why: string) => void

export type DialogTable = ReturnType<typeof createDialogTable>

/** All dialogs, early ones too. What a dialog keeps running stops when it leaves the table. */
export function createDialogTable() {
  const dialogs = new Map<string, Dialog>()

  return {
    add(dialog: Dialog): void {
      dialogs.set(keyOfDialog(dialog), dialog)
    },
    find: (callId: string, localTag: string, remoteTag: string): Dialog | undefined =>
      dialogs.get(dialogKey(callId, localTag, remoteTag)),
    remove(dialog: Dialog): void {
      dialog.state = 'over'
      const key = keyOfDialog(dialog)
      if (dialogs.get(key) === dialog) dialogs.delete(key)
      dialog.unacked?.stop()
      dialog.stopClock?.()
      for (const close of dialog.closers) close()
      dialog.closers.clear()
    },
    all: (): Iterable<Dialog> => dialogs.values(),
    size: () => dialogs.size,
  }
}
