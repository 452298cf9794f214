import { checkMessage, type Fault } from './check.ts'
import { type ClientTransaction, createClientTransaction } from './client-transaction.ts'
import { newTag } from './ids.ts'
import {
  field,
  type Header,
  header,
  type Malformed,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serialize,
} from './message.ts'
import { createServerTransaction, type ServerTransaction } from './server-transaction.ts'
import type { Timers } from './timers.ts'
import { createTransport, type Peer, type TransportName } from './transport.ts'
import { parseVia, tagOf, type Via, withTag } from './uri.ts'

/** Some hundred calls a second for 32 s. Past that, a 503 costs less than another transaction. */
const serverTransactionsMax = 50_000

export type TransactionEvents = {
  readonly onRequest: (transaction: ServerTransaction) => void
  /** `invite` is the transaction to be cancelled, if there is one. */
  readonly onCancel: (cancel: ServerTransaction, invite: ServerTransaction | undefined) => void
  /** An ACK that no transaction of ours has swallowed: the ACK of a 2xx. */
  readonly onAck: (ack: SipRequest, peer: Peer) => void
  /** A response that no transaction waits for, such as a 2xx that comes again very late. */
  readonly onStrayResponse: (response: SipResponse, peer: Peer) => void
}

export type Transactions = ReturnType<typeof createTransactions>

/** Finds the transaction that a message belongs to (RFC 3261 17.1.3, 17.2.3), or makes a new one. */
export function createTransactions(options: {
  readonly host: string
  readonly port: number
  readonly transports: readonly TransportName[]
  readonly timers: Timers
  readonly events: TransactionEvents
}) {
  const { timers, events } = options
  const clients = new Map<string, ClientTransaction>()
  const servers = new Map<string, ServerTransaction>()
  /** Requests without a To tag, by what identifies the request whatever way it came (RFC 3261 8.2.2.2). */
  const origins = new Map<string, ServerTransaction>()

  const transport = createTransport({
    host: options.host,
    port: options.port,
    transports: options.transports,
    events: { onBytes, onUnreachable },
  })
  const send = transport.send

  function onBytes(bytes: string, peer: Peer, broken: boolean): void {
    if (isKeepAlive(bytes)) return
    const message = parseMessage(bytes)
    if (message.kind === 'malformed') return refuseMalformed(message, peer)
    const fault = broken ? { status: 400, reason: 'Missing Content-Length' } : checkMessage(message)
    if (message.kind === 'response') {
      if (fault === undefined) onResponse(message, peer)
      return
    }
    if (fault === undefined) onRequest(message, peer)
    else refuse(message, peer, fault)
  }

  function onUnreachable(peer: Peer): void {
    const isThere = (each: { peer: Peer }) =>
      each.peer.port === peer.port &&
      each.peer.host === peer.host &&
      each.peer.transport === peer.transport
    for (const each of clients.values()) if (isThere(each)) each.unreachable()
  }

  function onResponse(response: SipResponse, peer: Peer): void {
    const branch = parseVia(header(response, 'via') ?? '')?.branch
    const method = header(response, 'cseq')?.split(/\s+/)[1]
    const client = clients.get(`${branch} ${method}`)
    if (client === undefined) events.onStrayResponse(response, peer)
    else client.receive(response, peer)
  }

  function onRequest(received: SipRequest, peer: Peer): void {
    const via = parseVia(header(received, 'via') ?? '')
    if (via === undefined) return
    const key = keyOf(received, via, received.method)
    const known = servers.get(key)
    if (received.method === 'ACK') {
      if (known?.acked() !== true) events.onAck(stamped(received, via, peer), peer)
      return
    }
    if (known !== undefined) return known.repeated()
    const request = stamped(received, via, peer)
    if (servers.size >= serverTransactionsMax) {
      return refuse(request, peer, { status: 503, reason: 'Service Unavailable' })
    }
    const origin = originOf(request)
    if (origin !== undefined && origins.has(origin)) {
      return refuse(request, peer, { status: 482, reason: 'Loop Detected' })
    }
    const transaction = open(request, key, origin, { peer, via })
    if (request.method !== 'CANCEL') return events.onRequest(transaction)
    events.onCancel(transaction, servers.get(keyOf(request, via, 'INVITE')))
  }

  function open(
    request: SipRequest,
    key: string,
    origin: string | undefined,
    { peer, via }: { peer: Peer; via: Via },
  ): ServerTransaction {
    const transaction = createServerTransaction({
      request,
      peer,
      replyTo: replyTo(via, peer),
      timers,
      send,
      onOver() {
        servers.delete(key)
        if (origin !== undefined) origins.delete(origin)
      },
    })
    servers.set(key, transaction)
    if (origin !== undefined) origins.set(origin, transaction)
    return transaction
  }

  function refuseMalformed(message: Malformed, peer: Peer): void {
    if (message.request === undefined) return
    refuse(message.request, peer, { status: message.status, reason: message.reason })
  }

  /** Answer without keeping anything. Only what can be answered: an ACK never is, nor a request without a Via. */
  function refuse(request: SipRequest, peer: Peer, fault: Fault): void {
    const via = parseVia(header(request, 'via') ?? '')
    if (request.method.toUpperCase() === 'ACK' || via === undefined) return
    const response = responseTo(request, { status: fault.status, reason: fault.reason })
    send(serialize(response), replyTo(via, peer))
  }

  return {
    transport,
    timers,
    /** Send a request. Its Via must carry a branch of its own. */
    call(
      request: SipRequest,
      peer: Peer,
      handlers: {
        readonly onResponse: (response: SipResponse, from: Peer) => void
        readonly onFailure: (why: 'timeout' | 'unreachable') => void
        readonly onOver?: () => void
      },
    ): ClientTransaction {
      const branch = parseVia(header(request, 'via') ?? '')?.branch
      const key = `${branch} ${request.method}`
      const client = createClientTransaction({
        request,
        peer,
        timers,
        send,
        onResponse: handlers.onResponse,
        onFailure: handlers.onFailure,
        onOver() {
          clients.delete(key)
          handlers.onOver?.()
        },
      })
      clients.set(key, client)
      transport.attend(peer)
      client.start()
      return client
    },
    counts: () => ({
      clientTransactions: clients.size,
      serverTransactions: servers.size,
      connections: transport.connections(),
    }),
    async stop(): Promise<void> {
      for (const each of [...clients.values(), ...servers.values()]) each.abandon()
      await transport.stop()
    },
  }
}

/** RFC 5626 keep-alives and the empty datagrams of NAT helpers. */
function isKeepAlive(bytes: string): boolean {
  return bytes.length < 8 && bytes.trim() === ''
}

/** RFC 3261 17.2.3; without the magic cookie, the rules of RFC 2543. */
function keyOf(request: SipRequest, via: Via, method: string): string {
  const asked = method === 'ACK' ? 'INVITE' : method
  const sentBy = `${via.host}:${via.port ?? 5060}`
  if (via.branch?.startsWith('z9hG4bK') === true) return `${via.branch} ${sentBy} ${asked}`
  const from = tagOf(header(request, 'from') ?? '') ?? ''
  const number = header(request, 'cseq')?.split(/\s+/)[0] ?? ''
  return `${header(request, 'call-id')} ${from} ${number} ${via.branch ?? ''} ${sentBy} ${asked}`
}

function originOf(request: SipRequest): string | undefined {
  if (request.method === 'CANCEL' || tagOf(header(request, 'to') ?? '') !== undefined) {
    return undefined
  }
  const from = tagOf(header(request, 'from') ?? '')
  if (from === undefined) return undefined
  return `${header(request, 'call-id')} ${from} ${header(request, 'cseq')}`
}

/** Note in the topmost Via where the request really came from (RFC 3261 18.2.1, RFC 3581). */
function stamped(request: SipRequest, via: Via, peer: Peer): SipRequest {
  const index = request.headers.findIndex((each) => each.key === 'via')
  const top = request.headers[index]
  if (top === undefined) return request
  const comma = endOfFirst(top.value)
  let value = top.value.slice(0, comma).replace(/\s*;\s*rport(?:\s*=\s*\d*)?(?=\s*(;|$))/i, '')
  if (via.host !== peer.host) {
    value = `${value.replace(/\s*;\s*received\s*=[^;,]*/i, '')};received=${peer.host}`
  }
  value = `${value};rport=${peer.port}${top.value.slice(comma)}`
  const headers = request.headers.slice()
  headers[index] = { name: top.name, key: top.key, value }
  return { ...request, headers }
}

/** A Via line may hold several; commas do not occur inside one but in quotes, which nobody uses here. */
function endOfFirst(value: string): number {
  const comma = value.indexOf(',')
  return comma === -1 ? value.length : comma
}

function replyTo(via: Via, peer: Peer): Peer {
  if (peer.transport === 'tcp') return peer
  const asked = /;\s*rport\b/i.test(via.params)
  return asked ? peer : { ...peer, port: via.port ?? 5060 }
}

const copied = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'record-route'])

/** A response with the headers that every response copies from its request (RFC 3261 8.2.6.2). */
export function responseTo(
  request: SipRequest,
  answer: {
    readonly status: number
    readonly reason: string
    readonly tag?: string | undefined
    readonly headers?: readonly Header[]
    readonly body?: string
  },
): SipResponse {
  const lines: Header[] = []
  for (const each of request.headers) {
    if (!copied.has(each.key)) continue
    if (each.key === 'record-route' && (answer.status === 100 || answer.status >= 300)) continue
    if (each.key !== 'to' || answer.status === 100) lines.push(each)
    else lines.push(field(each.name, withTag(each.value, answer.tag ?? newTag())))
  }
  if (answer.headers !== undefined) lines.push(...answer.headers)
  return {
    kind: 'response',
    status: answer.status,
    reason: answer.reason,
    headers: lines,
    body: answer.body ?? '',
  }
}
