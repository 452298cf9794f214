import { wayOf } from './acking.ts'
import { dialogRequest, type HeaderPair, newRequest, transportOf } from './building.ts'
import type { ClientTransaction } from './client-transaction.ts'
import type { Core, NotSent, ResponseInfo } from './core.ts'
import { type Dialog, refreshTarget } from './dialog.ts'
import { createInviting } from './inviting.ts'
import { header, type SipRequest, type SipResponse } from './message.ts'
import { familyOf, resolveUri } from './resolve.ts'
import { responseTo } from './transactions.ts'
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
  const { dialog, onResponse } = options
  let transaction: ClientTransaction | undefined
  let isOver = false

  function report(response: SipResponse, info: ResponseInfo): void {
    if (response.status >= 200) {
      isOver = true
      if (dialog !== undefined) afterFinal(core, dialog, { request, response, peer: info.peer })
    }
    onResponse?.(response, info)
  }

  function fail(status: number, reason: string): void {
    if (isOver) return
    inviting?.failed()
    report(responseTo(request, { status, reason }), { peer: undefined, dialog })
  }

  const inviting =
    request.method === 'INVITE'
      ? createInviting(core, { request, dialog, report, fail, client: () => transaction })
      : undefined

  function start(peer?: Peer): void {
    if (isOver) return
    if (peer === undefined) return fail(503, 'DNS Error')
    transaction = core.transactions.call(request, peer, {
      onResponse(response, from) {
        if (inviting !== undefined) inviting.receive(response, from)
        else if (response.status > 100) report(response, { peer: from, dialog })
      },
      onFailure: (why) =>
        why === 'timeout' ? fail(408, 'Request Timeout') : fail(503, 'Service Unavailable'),
    })
  }

  if (plan.target instanceof Promise) void plan.target.then(start)
  else if (plan.target === undefined) setImmediate(start)
  else start(plan.target)
  return { ok: true, request, transport, cancel: (headers) => inviting?.cancel(headers) }
}

function planNew(core: Core, options: RequestOptions): Plan | NotSent {
  const uri = options.uri ?? ''
  const nextHop = options.nextHop ?? uri
  if (!/^[A-Za-z]+$/.test(options.method) || parseUri(uri) === undefined) {
    return { ok: false, reason: `invalid request-uri: ${options.method} ${uri} SIP/2.0` }
  }
  const transport = transportOf(nextHop)
  if (transport === undefined || !core.transactions.transport.has(transport)) {
    return { ok: false, reason: 'requested protocol/transport not available' }
  }
  const { method, body = '' } = options
  const request = newRequest(core, { method, uri, transport, headers: options.headers, body })
  const target = resolveUri(nextHop, transport, familyOf(core.local(transport).host))
  return { request, transport, target }
}

function planInside(core: Core, options: RequestOptions): Plan | NotSent {
  const { dialog, method, body = '' } = options
  if (dialog === undefined || dialog.state === 'over') {
    return { ok: false, reason: 'unable to find dialog for dialog id provided' }
  }
  const { transport, target } = wayOf(core, dialog)
  if (transport === undefined || !core.transactions.transport.has(transport)) {
    return { ok: false, reason: 'requested protocol/transport not available' }
  }
  if (method === 'BYE') dialog.ourInvite?.cancel()
  dialog.localCSeq += 1
  const cseq = dialog.localCSeq
  if (method === 'INVITE') dialog.sentInvite = cseq
  const request = dialogRequest(core, dialog, {
    method,
    transport,
    headers: options.headers,
    body,
    cseq,
  })
  return { request, transport, target }
}

/** What a final response means for the dialog itself. */
function afterFinal(
  core: Core,
  dialog: Dialog,
  {
    request,
    response,
    peer,
  }: { request: SipRequest; response: SipResponse; peer: Peer | undefined },
): void {
  const isChallenge = response.status === 401 || response.status === 407
  if (request.method === 'BYE' && !isChallenge) core.dialogs.remove(dialog)
  const refreshes = request.method === 'UPDATE' || request.method === 'INVITE'
  if (refreshes && response.status < 300 && peer !== undefined)
    refreshTarget(dialog, response, peer)
  if (endsSubscription(dialog, request)) core.dialogs.remove(dialog)
}

/** RFC 6665 4.4.1: the NOTIFY that says "terminated" ends a subscription's dialog. */
export function endsSubscription(dialog: Dialog, request: SipRequest): boolean {
  return (
    dialog.method === 'SUBSCRIBE' &&
    request.method === 'NOTIFY' &&
    /^\s*terminated/i.test(header(request, 'subscription-state') ?? '')
  )
}
