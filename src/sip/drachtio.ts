import { randomUUID } from 'node:crypto'
import DrachtioSrf from 'drachtio-srf'

/**
 * The part of drachtio-srf that we use, with the types that its own declarations leave out.
 * Nothing outside `sip/` and `media/hosts.ts` sees these.
 */
export type SipMessage = {
  readonly body: string
  get(name: string): string | undefined
  has(name: string): boolean
}

export type SipRequest = SipMessage & {
  readonly method: string
  readonly uri: string
  readonly source_address: string
  readonly source_port: number
  readonly stackTxnId: string
  readonly socket: object
  on(event: 'cancel', handler: (request: SipMessage) => void): void
  on(event: 'update', handler: (request: SipRequest, response: SipResponse) => void): void
  /** Of a request that we sent. */
  on(event: 'response', handler: (response: SipResponse) => void): void
  cancel(options: { headers?: Record<string, string> }, done: (err: unknown) => void): void
}

export type SendOptions = { headers?: Record<string, string>; body?: string }

export type SipResponse = SipMessage & {
  readonly status: number
  readonly stackDialogId: string
  send(status: number, options?: SendOptions, done?: (err: unknown) => void): void
}

export type SipDialog = {
  readonly id: string
  readonly connected: boolean
  readonly local: { readonly sdp: string; readonly contact: string | undefined }
  readonly remote: { readonly sdp: string }
  on(event: 'destroy', handler: (request: SipRequest | undefined, reason: string) => void): void
  on(event: 'ack', handler: (request: SipRequest) => void): void
  on(
    event: 'modify' | 'update' | 'refer' | 'info' | 'message' | 'options' | 'notify',
    handler: (request: SipRequest, response: SipResponse) => void,
  ): void
  destroy(options: { headers?: Record<string, string> }): Promise<unknown>
  modify(sdp: string): Promise<string>
}

/** What `createUAC` rejects with when a final failure came back. */
export type SipFailure = Error & { readonly status?: number; readonly res?: SipResponse }

export type UacOptions = {
  headers: Record<string, string>
  localSdp?: string
}

export type UacCallbacks = {
  cbRequest?: (err: unknown, request: SipRequest | undefined) => void
  cbProvisional?: (response: SipResponse) => void
}

type Handler = (request: SipRequest, response: SipResponse) => void

export type SrfClient = {
  readonly _app: { readonly client?: DrachtioAgent }
  readonly _dialogs: Map<string, unknown>
  connect(options: {
    host: string
    port: number
    secret: string
    enablePing: boolean
    reconnect: { retryMaxDelay: number }
  }): void
  disconnect(): void
  use(method: string, handler: Handler): void
  on(event: 'connect', handler: (err: unknown, hostports: string, version: string) => void): void
  on(event: 'error', handler: (err: Error) => void): void
  on(event: 'close', handler: () => void): void
  /** Called by `dialogs.ts` alone. */
  createUAS(
    request: SipRequest,
    response: SipResponse,
    options: { localSdp: string; headers: Record<string, string> },
    done: DialogDone,
  ): unknown
  createUAC(uri: string, options: UacOptions, callbacks: UacCallbacks, done: DialogDone): unknown
}

type DialogDone = (err: unknown, dialog?: SipDialog) => void

/** The connection's own bookkeeping: reached for only to give back what the library never does. */
type DrachtioAgent = {
  readonly mapServer: Map<object, Bookkeeping>
  readonly wp: WireProtocol
  removeRoute(verb: string): void
  request(options: object, done: (err: unknown, request: unknown) => void): void
}

type Bookkeeping = {
  readonly pendingRequests: Map<string, unknown>
  readonly pendingSipRequests: Map<string, unknown>
  readonly pendingNetworkInvites: Map<string, unknown>
}

type WireProtocol = {
  /** Gives the id by which the server will answer. */
  send(socket: object, message: string): string
  emit(event: 'msg', socket: object, message: string): boolean
  closing?: boolean
  readonly reconnectVars: { readonly retryTimer?: NodeJS.Timeout | null }
}

/**
 * What the SIP server takes (drachtio 0.9): a longer frame makes it deaf to us for ever, a longer
 * header block is cut. A little is kept back for the frame's own id.
 */
const frameBytesMax = 12_000
const headerBytesMax = 8_000

/**
 * Nothing longer is sent. Every answer of ours repeats From, To and Call-ID of the request, so
 * without this any stranger could make the server deaf. Whoever waits for the answer is refused.
 */
export function refuseLongMessages(srf: SrfClient, onRefused: () => void): void {
  const wire = srf._app.client?.wp
  if (wire === undefined) return
  const send = wire.send.bind(wire)
  wire.send = (socket, message) => {
    if (fitsFrame(message)) return send(socket, message)
    onRefused()
    const id = randomUUID()
    const refusal = [randomUUID(), 'response', id, 'NOK', 'too long for the SIP server'].join('|')
    setImmediate(() => wire.emit('msg', socket, refusal))
    return id
  }
}

/**
 * A fault in handling one message ends there. Thrown into the library's socket handler it would
 * leave the message in the buffer, to be met again with everything that follows: deaf for ever.
 */
export function outliveFaults(srf: SrfClient, onFault: (err: unknown) => void): void {
  const wire = srf._app.client?.wp
  if (wire === undefined) return
  const emit = wire.emit.bind(wire) as (event: string, ...given: readonly unknown[]) => boolean
  wire.emit = (event: string, ...given: readonly unknown[]) => {
    if (event !== 'msg') return emit(event, ...given)
    try {
      return emit(event, ...given)
    } catch (err) {
      onFault(err)
      return true
    }
  }
}

function fitsFrame(message: string): boolean {
  // In UTF-8 no UTF-16 unit takes more than three bytes: nearly every message is let through here.
  if (message.length * 3 <= headerBytesMax) return true
  const headerEnd = message.indexOf('\r\n\r\n')
  const header = headerEnd === -1 ? message : message.slice(0, headerEnd)
  return Buffer.byteLength(message) <= frameBytesMax && Buffer.byteLength(header) <= headerBytesMax
}

/** Also while there is no connection: then it is not dialled again. The library throws in that case. */
export function disconnect(srf: SrfClient): void {
  const { client } = srf._app
  if (client === undefined) return
  if (client.mapServer.size > 0) srf.disconnect()
  client.wp.closing = true
  clearTimeout(client.wp.reconnectVars.retryTimer ?? undefined)
}

/** The connection broke, and every dialog made over it with it: the library would keep them for ever. */
export function forgetDialogs(srf: SrfClient): void {
  srf._dialogs.clear()
}

export function createSrf(): SrfClient {
  return new DrachtioSrf() as unknown as SrfClient
}

/**
 * A cancelled INVITE whose peer never answers leaves its entry in the library for ever
 * (no final response, no callback). Give it back.
 */
export function forgetRequest(srf: SrfClient, request: SipRequest): void {
  srf._app.client?.mapServer.get(request.socket)?.pendingSipRequests.delete(request.stackTxnId)
}

/** No new INVITE comes to us from here on; dialogs go on. */
export function stopInvites(srf: SrfClient): void {
  srf._app.client?.removeRoute('invite')
}

/** OPTIONS outside every dialog. `done` without a request: the SIP server did not take it. */
export function sendOptions(
  srf: SrfClient,
  uri: string,
  done: (request: SipRequest | undefined) => void,
): void {
  const options = {
    ...{ method: 'OPTIONS', uri },
    headers: { From: '<sip:axbridge@localhost>', Contact: '<sip:axbridge@localhost>' },
  }
  try {
    srf._app.client?.request(options, (err, request) =>
      done(err ? undefined : (request as SipRequest)),
    )
  } catch {
    // Between two connections the library throws.
    done(undefined)
  }
}

/** BYE in a dialog that an earlier connection of ours made; the server knows it by its id alone. */
export function endDialog(srf: SrfClient, dialogId: string, done: (err: unknown) => void): void {
  const bye = { method: 'BYE', stackDialogId: dialogId, headers: {} }
  srf._app.client?.request(bye, (err) => done(err))
}
