import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import type {
  SipDialog,
  SipMessage,
  SipRequest,
  SipResponse,
  SrfClient,
  UacCallbacks,
} from '../../../src/sip/drachtio.ts'

export const silent = pino({ level: 'silent' })

type Headers = Readonly<Record<string, string>>

/** A SIP message as the library shows it. */
export function aMessage(headers: Headers = {}, body = ''): SipMessage {
  const find = (name: string) =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return { body, get: find, has: (name) => find(name) !== undefined }
}

/** Requests are emitters: the library tells of a CANCEL, an UPDATE, a response on the request itself. */
export function aRequest(headers: Headers = {}, body = '', more: Partial<SipRequest> = {}) {
  const said: string[] = []
  const request = Object.assign(new EventEmitter(), aMessage(headers, body), {
    method: 'INVITE',
    uri: 'sip:+8617000000001@192.0.2.10',
    source_address: '192.0.2.1',
    source_port: 5060,
    stackTxnId: 'transaction',
    socket: {},
    cancel(options: { headers?: Headers }, done: (err: unknown) => void) {
      said.push(`CANCEL ${options.headers?.['Reason']}`)
      done(null)
    },
    ...more,
  })
  return { request: request as unknown as SipRequest & EventEmitter, said }
}

/** Remembers what was sent; `refuse` is what the SIP server says to it. */
export function aResponse(status = 0, headers: Headers = {}, body = '') {
  const sent: { status: number; headers: Headers; body: string | undefined }[] = []
  const script: { refuse: unknown } = { refuse: null }
  const response: SipResponse = {
    ...aMessage(headers, body),
    status,
    stackDialogId: 'dialog',
    send(what, options, done) {
      sent.push({ status: what, headers: options?.headers ?? {}, body: options?.body })
      done?.(script.refuse)
    },
  }
  return { response, sent, script, statuses: () => sent.map((each) => each.status) }
}

/** An answered dialog of the library. */
export function aDialog(remoteSdp = 'their sdp') {
  const said: string[] = []
  const script = { destroy: async (): Promise<unknown> => undefined }
  const emitter = Object.assign(new EventEmitter(), {
    id: 'dialog',
    connected: true,
    local: { sdp: 'our sdp', contact: '<sip:192.0.2.10>' as string | undefined },
    remote: { sdp: remoteSdp },
    destroy(options: { headers?: Headers }) {
      said.push(`BYE ${options.headers?.['Reason']}`)
      return script.destroy()
    },
  })
  return {
    dialog: emitter as unknown as SipDialog,
    said,
    script,
    emit: (event: string, ...args: readonly unknown[]) => emitter.emit(event, ...args),
    /** The party hangs up, as the library tells it: the dialog is over when we hear of it. */
    bye(headers: Headers = {}, reason = 'normal release') {
      emitter.connected = false
      emitter.emit('destroy', aMessage(headers), reason)
    },
    dropped() {
      emitter.connected = false
      emitter.emit('destroy', undefined, 'Session timer expired')
    },
  }
}

type Done = (err: unknown, dialog?: SipDialog) => void

/** The library, with both ways to a dialog in the test's hands. */
export function anSrf() {
  const invites: { uri: string; headers: Headers; callbacks: UacCallbacks; done: Done }[] = []
  const answers: { headers: Headers; localSdp: string; done: Done }[] = []
  const byes: { dialogId: string; done: (err: unknown) => void }[] = []
  const pending = new Map<string, unknown>([['transaction', {}]])
  const lost = new Set<(endLater: (dialogId: string) => void) => void>()
  const srf = {
    _dialogs: new Map(),
    _app: {
      client: {
        mapServer: { get: () => ({ pendingSipRequests: pending }) },
        request: (options: { stackDialogId: string }, done: (err: unknown) => void) =>
          void byes.push({ dialogId: options.stackDialogId, done }),
      },
    },
    createUAC: (uri: string, options: { headers: Headers }, callbacks: UacCallbacks, done: Done) =>
      void invites.push({ uri, headers: options.headers, callbacks, done }),
    createUAS: (
      _q: unknown,
      _s: unknown,
      options: { headers: Headers; localSdp: string },
      done: Done,
    ) => void answers.push({ ...options, done }),
  }
  return {
    srf: srf as unknown as SrfClient,
    invites,
    answers,
    byes,
    pending,
    onServerLost(handler: (endLater: (dialogId: string) => void) => void) {
      lost.add(handler)
      return () => lost.delete(handler)
    },
    listeners: () => lost.size,
    /** The connection breaks; gives the dialogs that get their BYE later. */
    lose(): readonly string[] {
      const later: string[] = []
      for (const handler of [...lost]) handler((dialogId) => later.push(dialogId))
      return later
    },
  }
}

/** A listener of either leg, and what it heard in words. */
export function aListener(
  given: { reoffer?: (offer: string | undefined) => Promise<string | undefined> } = {},
) {
  const heard: string[] = []
  return {
    heard,
    listener: {
      onEnded: (end: { how: string; cause: { reason: string; q850: number } }) =>
        void heard.push(`${end.how}: ${end.cause.reason} ${end.cause.q850}`),
      onReoffer: given.reoffer ?? (async (offer: string | undefined) => `answer to ${offer}`),
      onAnswer: (answer: string) => void heard.push(`answers ${answer}`),
      onDigit: (digit: string) => void heard.push(`digit ${digit}`),
      onRinging: (early: string | undefined) => void heard.push(`rings ${early ?? 'silently'}`),
      onAnswered: (sdp: string) => void heard.push(`answered ${sdp}`),
      onFailed: (cause: { reason: string; sipStatus: number }, next: boolean) =>
        void heard.push(`failed: ${cause.reason} ${cause.sipStatus}${next ? ', next trunk' : ''}`),
    },
  }
}

/** Promises that are already decided have had their turn. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
