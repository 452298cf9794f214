import { wayOf } from './acking.ts'
import { dialogRequest, type HeaderPair, newRequest, transportOf } from './building.ts'
import type { Core, NotSent, ResponseInfo } from './core.ts'
import { calledDialog, type Dialog, refreshTarget } from './dialog.ts'
import { Inviting } from './inviting.ts'
import { responseTo } from './matching.ts'
import { type SipRequest, type SipResponse, serialize } from './message.ts'
import { familyOf, resolveUri } from './resolve.ts'
import { armAfterCall } from './session-timer.ts'
import { endsSubscription, keepSubscription } from './subscription.ts'
import type { Peer, TransportName } from './transport.ts'
import { parseUri } from './uri.ts'

export type RequestOptions = {
  readonly method: string
  /** Needed outside a dialog; inside, the remote target is used. */
  readonly uri?: string
  readonly dialog?: Dialog
  readonly headers?: readonly HeaderPair[]
  readonly body?: string
  readonly nextHop?: string
  readonly onResponse?: (response: SipResponse, info: ResponseInfo) => void
}

export type Outgoing = {
  readonly ok: true
  readonly request: SipRequest
  /** The request as sent. */
  readonly bytes: string
  readonly transport: TransportName
  /** Only an INVITE that has no final response can be cancelled. The CANCEL itself when it can. */
  readonly cancel: (headers?: readonly HeaderPair[]) => SipRequest | undefined
}

type Plan = {
  readonly request: SipRequest
  readonly transport: TransportName
  readonly target: Peer | Promise<Peer | undefined> | undefined
}

/** Send one request, and see it through to its final response. */
export function sendRequest(core: Core, options: RequestOptions): Outgoing | NotSent {
  const plan = options.dialog === undefined ? planNew(core, options) : planInside(core, options)
  if ('reason' in plan) return plan
  const { request, transport } = plan
  const calling = new Calling(core, options, request)
  if (plan.target instanceof Promise) void plan.target.then((peer) => calling.start(peer))
  else if (plan.target === undefined) setImmediate(() => calling.start(undefined))
  else calling.start(plan.target)
  return {
    ok: true,
    request,
    bytes: calling.bytes,
    transport,
    cancel: (headers) => calling.cancel(headers),
  }
}

class Calling {
  readonly bytes: string
  readonly #core: Core
  readonly #options: RequestOptions
  readonly #request: SipRequest
  readonly #inviting: Inviting | undefined
  #isOver = false

  constructor(core: Core, options: RequestOptions, request: SipRequest) {
    this.#core = core
    this.#options = options
    this.#request = request
    this.bytes = serialize(request)
    if (request.method !== 'INVITE') return
    this.#inviting = new Inviting(core, {
      request,
      dialog: options.dialog,
      report: (response, info) => this.#report(response, info),
      fail: (status, reason) => this.#fail(status, reason),
    })
  }

  start(peer: Peer | undefined): void {
    if (this.#isOver) return
    if (peer === undefined) {
      this.#fail(503, 'DNS Error')
      return
    }
    const client = this.#core.transactions.call(this.#request, peer, {
      bytes: this.bytes,
      onResponse: (response, from) => this.#receive(response, from),
      onFailure: (why) => {
        if (why === 'timeout') this.#fail(408, 'Request Timeout')
        else this.#fail(503, 'Service Unavailable')
      },
    })
    this.#inviting?.sentBy(client)
  }

  cancel(headers: readonly HeaderPair[] | undefined): SipRequest | undefined {
    return this.#inviting?.cancel(headers)
  }

  #receive(response: SipResponse, from: Peer): void {
    if (this.#inviting !== undefined) this.#inviting.receive(response, from)
    else if (response.status > 100)
      this.#report(response, { peer: from, dialog: this.#dialog(response, from) })
  }

  /** A SUBSCRIBE opens its dialog with the 2xx; anything else stays in the one it was sent in. */
  #dialog(response: SipResponse, from: Peer): Dialog | undefined {
    const { dialog, method } = this.#options
    const isSuccess = response.status >= 200 && response.status < 300
    if (dialog !== undefined || method !== 'SUBSCRIBE' || !isSuccess) return dialog
    const opened = calledDialog(this.#request, response, from)
    opened.state = 'confirmed'
    this.#core.dialogs.add(opened)
    keepSubscription(this.#core, opened, response)
    return opened
  }

  #report(response: SipResponse, info: ResponseInfo): void {
    if (this.#isOver) return
    if (response.status >= 200) {
      this.#isOver = true
      const { dialog } = this.#options
      if (dialog !== undefined)
        afterFinal(this.#core, dialog, { request: this.#request, response, info })
    }
    this.#options.onResponse?.(response, info)
  }

  #fail(status: number, reason: string): void {
    if (this.#isOver) return
    this.#inviting?.failed()
    const response = responseTo(this.#request, { status, reason })
    this.#report(response, { peer: undefined, dialog: this.#options.dialog })
  }
}

function planNew(core: Core, options: RequestOptions): Plan | NotSent {
  const { method, uri = '', headers, body = '' } = options
  const nextHop = options.nextHop ?? uri
  if (!/^[A-Za-z]+$/.test(method) || parseUri(uri) === undefined) {
    return { ok: false, reason: `invalid request-uri: ${method} ${uri} SIP/2.0` }
  }
  const transport = transportOf(nextHop)
  if (transport === undefined || !core.transactions.transport.has(transport)) return noTransport
  const request = newRequest(core, { method, uri, transport, headers, body })
  const target = resolveUri(nextHop, transport, familyOf(core.local(transport).host))
  return { request, transport, target }
}

function planInside(core: Core, options: RequestOptions): Plan | NotSent {
  const { dialog, method, headers, body = '' } = options
  if (dialog === undefined || dialog.state === 'over') {
    return { ok: false, reason: 'unable to find dialog for dialog id provided' }
  }
  const { transport, target } = wayOf(core, dialog)
  if (transport === undefined || !core.transactions.transport.has(transport)) return noTransport
  if (method === 'BYE') dialog.ourInvite?.cancel()
  dialog.localCSeq += 1
  const cseq = dialog.localCSeq
  if (method === 'INVITE') dialog.sentInvite = cseq
  return {
    request: dialogRequest(core, dialog, { method, transport, headers, body, cseq }),
    transport,
    target,
  }
}

const noTransport: NotSent = { ok: false, reason: 'requested protocol/transport not available' }

/** What a final response means for the dialog itself. */
function afterFinal(
  core: Core,
  dialog: Dialog,
  final: {
    readonly request: SipRequest
    readonly response: SipResponse
    readonly info: ResponseInfo
  },
): void {
  const { request, response, info } = final
  const isChallenge = response.status === 401 || response.status === 407
  const endsCall = request.method === 'BYE' && !isChallenge
  if (endsCall || endsSubscription(dialog, request)) core.dialogs.remove(dialog)
  else if (response.status < 300 && info.peer !== undefined) {
    afterSuccess(core, dialog, { request, response, peer: info.peer })
  }
}

function afterSuccess(
  core: Core,
  dialog: Dialog,
  success: { readonly request: SipRequest; readonly response: SipResponse; readonly peer: Peer },
): void {
  const { request, response, peer } = success
  switch (request.method) {
    case 'INVITE':
    case 'UPDATE':
      refreshTarget(dialog, response, peer)
      if (request.body !== '') dialog.localSdp = request.body
      armAfterCall(core, dialog, response)
      break
    case 'SUBSCRIBE':
      refreshTarget(dialog, response, peer)
      keepSubscription(core, dialog, response)
      break
  }
}
