import { checkMessage, type Fault } from './check.ts'
import { ClientTransaction, type ClientTransactionOptions } from './client-transaction.ts'
import { originOf, replyTo, responseTo, stamped, transactionKey } from './matching.ts'
import {
  header,
  type Malformed,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serialize,
} from './message.ts'
import { ServerTransaction } from './server-transaction.ts'
import type { Timers } from './timers.ts'
import { createTransport, type Peer, type Transport, type TransportName } from './transport.ts'
import { parseVia, type Via } from './uri.ts'

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

export type TransactionsOptions = {
  readonly host: string
  readonly port: number
  readonly transports: readonly TransportName[]
  readonly timers: Timers
  readonly events: TransactionEvents
}

/** Finds the transaction that a message belongs to (RFC 3261 17.1.3, 17.2.3), or makes a new one. */
export class Transactions {
  readonly transport: Transport
  readonly #timers: Timers
  readonly #events: TransactionEvents
  readonly #clients = new Map<string, ClientTransaction>()
  readonly #servers = new Map<string, ServerTransaction>()
  readonly #origins = new Set<string>()

  constructor(options: TransactionsOptions) {
    const { host, port, transports, timers, events } = options
    this.#timers = timers
    this.#events = events
    this.transport = createTransport({
      host,
      port,
      transports,
      events: {
        onBytes: (bytes, peer, broken) => this.#onBytes(bytes, peer, broken),
        onUnreachable: (peer) => this.#onUnreachable(peer),
      },
    })
  }

  /** Send a request. Its Via must carry a branch of its own. */
  call(
    request: SipRequest,
    peer: Peer,
    handlers: Pick<ClientTransactionOptions, 'bytes' | 'onResponse' | 'onFailure'>,
  ): ClientTransaction {
    const branch = parseVia(header(request, 'via') ?? '')?.branch
    const key = `${branch} ${request.method}`
    const client = new ClientTransaction({
      request,
      peer,
      timers: this.#timers,
      send: this.transport.send,
      onOver: () => this.#clients.delete(key),
      ...handlers,
    })
    this.#clients.set(key, client)
    this.transport.attend(peer)
    client.start()
    return client
  }

  counts() {
    return {
      clientTransactions: this.#clients.size,
      serverTransactions: this.#servers.size,
      connections: this.transport.connections(),
    }
  }

  async stop(): Promise<void> {
    for (const each of [...this.#clients.values(), ...this.#servers.values()]) each.abandon()
    await this.transport.stop()
  }

  #onBytes(bytes: string, peer: Peer, broken: boolean): void {
    if (isKeepAlive(bytes)) return
    const message = parseMessage(bytes)
    if (message.kind === 'malformed') {
      this.#refuseMalformed(message, peer)
      return
    }
    const fault = broken ? { status: 400, reason: 'Missing Content-Length' } : checkMessage(message)
    if (message.kind === 'response') {
      if (fault === undefined) this.#onResponse(message, peer)
    } else if (fault === undefined) this.#onRequest(message, peer)
    else this.#refuse(message, peer, fault)
  }

  #onUnreachable(peer: Peer): void {
    // A copy, because whoever is told leaves the table.
    for (const each of [...this.#clients.values()]) if (isSame(each.peer, peer)) each.unreachable()
  }

  #onResponse(response: SipResponse, peer: Peer): void {
    const branch = parseVia(header(response, 'via') ?? '')?.branch
    const method = header(response, 'cseq')?.split(/\s+/)[1]
    const client = this.#clients.get(`${branch} ${method}`)
    if (client === undefined) this.#events.onStrayResponse(response, peer)
    else client.receive(response, peer)
  }

  #onRequest(received: SipRequest, peer: Peer): void {
    const via = parseVia(header(received, 'via') ?? '')
    if (via === undefined) return
    const key = transactionKey(received, via, received.method)
    const known = this.#servers.get(key)
    if (received.method === 'ACK') {
      if (known?.acked() !== true) this.#events.onAck(stamped(received, via, peer), peer)
    } else if (known !== undefined) known.repeated()
    else this.#open(stamped(received, via, peer), key, { peer, via })
  }

  #open(request: SipRequest, key: string, { peer, via }: { peer: Peer; via: Via }): void {
    const origin = originOf(request)
    if (this.#servers.size >= serverTransactionsMax) {
      this.#refuse(request, peer, { status: 503, reason: 'Service Unavailable' })
      return
    }
    if (origin !== undefined && this.#origins.has(origin)) {
      this.#refuse(request, peer, { status: 482, reason: 'Loop Detected' })
      return
    }
    const transaction = new ServerTransaction({
      request,
      peer,
      replyTo: replyTo(via, peer),
      timers: this.#timers,
      send: this.transport.send,
      onOver: () => {
        this.#servers.delete(key)
        if (origin !== undefined) this.#origins.delete(origin)
      },
    })
    this.#servers.set(key, transaction)
    if (origin !== undefined) this.#origins.add(origin)
    if (request.method === 'CANCEL') {
      const invite = this.#servers.get(transactionKey(request, via, 'INVITE'))
      this.#events.onCancel(transaction, invite)
    } else this.#events.onRequest(transaction)
  }

  #refuseMalformed(message: Malformed, peer: Peer): void {
    if (message.request === undefined) return
    this.#refuse(message.request, peer, { status: message.status, reason: message.reason })
  }

  /** Answer without keeping anything. An ACK is never answered, and nothing can be without a Via. */
  #refuse(request: SipRequest, peer: Peer, fault: Fault): void {
    const via = parseVia(header(request, 'via') ?? '')
    if (request.method.toUpperCase() === 'ACK' || via === undefined) return
    this.transport.send(serialize(responseTo(request, fault)), replyTo(via, peer))
  }
}

const isSame = (one: Peer, other: Peer): boolean =>
  one.port === other.port && one.host === other.host && one.transport === other.transport

/** RFC 5626 keep-alives and the empty datagrams of NAT helpers. */
function isKeepAlive(bytes: string): boolean {
  return bytes.length < 8 && bytes.trim() === ''
}
