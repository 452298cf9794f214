import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Answered, Incoming } from './answering.ts'
import { type AppMessage, appHeader, localised, readAppMessage } from './app-message.ts'
import { createAppRequests } from './app-requests.ts'
import { parseCSeq } from './check.ts'
import {
  type AppFrame,
  createFrameCutter,
  encodeFrame,
  readFrame,
  timeOfDay,
} from './client-protocol.ts'
import type { Dialog } from './dialog.ts'
import { type SipRequest, type SipResponse, serialize } from './message.ts'
import type { HostPort, Peer } from './transport.ts'
import { tagOf } from './uri.ts'
import type { UserAgent } from './user-agent.ts'

/** An app that does not read what it gets is closed before it fills our memory. */
const unsentBytesMax = 16 * 1024 * 1024

export const serverVersion = 'v0.9.10-axbridge'

export type SessionOptions = {
  readonly socket: Socket
  readonly secret: string
  readonly agent: () => UserAgent
  readonly hostPorts: () => string
  readonly onClosed: (session: ClientSession) => void
}

/** What is told about a message in the line before it. */
export type Meta = {
  readonly source: 'network' | 'application'
  readonly bytes: number
  readonly transport: string
  readonly host: string
  readonly port: number
}

/**
 * One connected app. It owns the requests that were handed to it, those that it sent, and their dialogs;
 * nobody inherits them when it goes.
 */
export class ClientSession {
  readonly verbs = new Set<string>()
  readonly dialogs = new Map<string, Dialog>()
  isReady = false
  readonly #options: SessionOptions
  readonly #requests = createAppRequests(this)
  readonly #incoming = new Map<string, Incoming>()
  /** UPDATE before the answer: it shares the transaction id of its INVITE. */
  readonly #updates = new Map<string, Incoming>()
  /** The transaction id of the INVITE that opened a dialog; its ACK quotes it, and so does an early UPDATE. */
  readonly #inviteIds = new WeakMap<Dialog, string>()
  #unsent = ''

  constructor(options: SessionOptions) {
    this.#options = options
    const { socket } = options
    const cutter = createFrameCutter()
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 45_000)
    socket.on('data', (data) => {
      const { frames, broken } = cutter.push(data.toString('latin1'))
      for (const frame of frames) if (!socket.destroyed) this.#receive(readFrame(frame))
      if (broken) socket.destroy()
    })
    socket.on('error', () => {
      // 'close' follows.
    })
    socket.on('close', () => this.#closed())
  }

  get agent(): UserAgent {
    return this.#options.agent()
  }

  close(): void {
    this.#options.socket.destroy()
  }

  #closed(): void {
    this.isReady = false
    // In-dialog requests get 481 from now on, and nothing is hung up.
    for (const dialog of [...this.dialogs.values()]) this.agent.forget(dialog)
    this.dialogs.clear()
    this.#incoming.clear()
    this.#updates.clear()
    this.#requests.clear()
    this.#options.onClosed(this)
  }

  #receive(frame: AppFrame): void {
    if (frame.type === 'authenticate') return this.#authenticate(frame)
    if (!this.isReady) return this.#refuse(frame, 'authentication required')
    switch (frame.type) {
      case 'route':
        this.verbs.add(frame.tokens[2] ?? '')
        return this.reply(frame.id, 'OK')
      case 'remove_route':
        this.verbs.delete(frame.tokens[2] ?? '')
        return this.reply(frame.id, 'OK')
      case 'ping':
        return this.reply(frame.id, 'OK|pong')
      case 'proxy':
        return this.reply(frame.id, 'NOK|proxy is not supported')
      case 'sip':
        return this.#receiveSip(frame)
    }
    this.#refuse(frame, 'Unknown message type')
  }

  #authenticate(frame: AppFrame): void {
    if (frame.tokens[2] !== this.#options.secret) return this.#refuse(frame, 'incorrect secret')
    this.isReady = true
    const hostPorts = this.#options.hostPorts()
    this.reply(frame.id, `OK|${hostPorts}|${serverVersion}|${hostPorts}`)
  }

  #refuse(frame: AppFrame, reason: string): void {
    this.reply(frame.id, `NO|${reason}`)
    this.#flush()
    this.#options.socket.end()
  }

  #receiveSip(frame: AppFrame): void {
    const message = readAppMessage(frame.text)
    const [, , transactionId = '', dialogId = '', nextHop = ''] = frame.tokens
    if (!/^SIP\//i.test(message.startLine)) {
      return this.#requests.receive({ id: frame.id, message, transactionId, dialogId, nextHop })
    }
    if (transactionId === '') return this.#refuse(frame, 'transaction id missing')
    this.#respond(frame.id, transactionId, message)
  }

  #respond(id: string, transactionId: string, message: AppMessage): void {
    const isUpdate = parseCSeq(appHeader(message, 'cseq'))?.method === 'UPDATE'
    const incoming =
      (isUpdate ? this.#updates.get(transactionId) : undefined) ?? this.#incoming.get(transactionId)
    if (incoming === undefined) {
      return this.reply(id, 'NOK|Response not sent due to unknown transaction')
    }
    const answered = this.#answer(incoming, message)
    if (!answered.ok) return this.reply(id, `NOK|${answered.reason}`)
    const { response, dialog } = answered
    const isBye = incoming.request.method === 'BYE'
    if (dialog !== undefined && !isBye) this.adopt(dialog)
    if (incoming.opened !== undefined) this.#inviteIds.set(incoming.opened, transactionId)
    const meta = metaOf('application', serialize(response), incoming.peer)
    const dialogId = isBye ? '' : (dialog?.id ?? '')
    this.reply(id, `OK|${metaText(meta)}|${transactionId}|${dialogId}||Msg sent:|`, response)
  }

  #answer(incoming: Incoming, message: AppMessage): Answered {
    const found = /^SIP\/2\.0\s+(\d{3})\s*(.*)$/i.exec(message.startLine)
    const status = Number(found?.[1] ?? 0)
    if (status < 101 || status > 699) return { ok: false, reason: 'invalid status line' }
    const local = this.agent.local(incoming.peer.transport)
    const tag = tagOf(appHeader(message, 'to') ?? '')
    const isReliable = status < 200 && /100rel/i.test(appHeader(message, 'require') ?? '')
    return incoming.respond({
      status,
      reason: found?.[2] ?? '',
      headers: localised(message.headers, local),
      body: message.body,
      reliable: isReliable,
      ...(tag === undefined ? {} : { tag }),
    })
  }

  /** A dialog of this app, until either is gone. */
  adopt(dialog: Dialog): void {
    if (this.dialogs.get(dialog.id) === dialog || dialog.state === 'over') return
    this.dialogs.set(dialog.id, dialog)
    dialog.closers.add(() => {
      if (this.dialogs.get(dialog.id) === dialog) this.dialogs.delete(dialog.id)
    })
  }

  /** The dialog is gone for the app, though perhaps not yet for the network. */
  disown(dialog: Dialog): void {
    if (this.dialogs.get(dialog.id) === dialog) this.dialogs.delete(dialog.id)
  }

  /** Hand a request from the network to the app; `receivedOn` is told for those outside any dialog. */
  deliver(incoming: Incoming, receivedOn?: HostPort): void {
    const { request, peer, dialog } = incoming
    const inviteId = dialog === undefined ? undefined : this.#inviteIds.get(dialog)
    const quotesInvite = request.method === 'ACK' || request.method === 'UPDATE'
    const transactionId = (quotesInvite ? inviteId : undefined) ?? randomUUID()
    if (request.method === 'ACK' && dialog !== undefined) this.#inviteIds.delete(dialog)
    else this.#await(incoming, transactionId)
    const tail = receivedOn === undefined ? '' : `${receivedOn.host}|${receivedOn.port}|`
    const meta = metaOf('network', serialize(request), peer)
    this.push(meta, `${transactionId}|${dialog?.id ?? ''}|${tail}`, request)
  }

  #await(incoming: Incoming, transactionId: string): void {
    const { request, peer } = incoming
    const pending = request.method === 'UPDATE' ? this.#updates : this.#incoming
    pending.set(transactionId, incoming)
    incoming.onOver = () => pending.delete(transactionId)
    incoming.onCancel = (cancel) => {
      const meta = metaOf('network', serialize(cancel), peer)
      this.push(meta, `${transactionId}|${incoming.opened?.id ?? ''}|`, cancel)
    }
  }

  /** Tell the app about a message: `sip|...`. */
  push(meta: Meta, ids: string, message: SipRequest | SipResponse): void {
    this.#write(`${randomUUID()}|sip|${metaText(meta)}|${ids}\r\n${serialize(message)}`)
  }

  /** Answer a frame of the app. */
  reply(id: string, verdict: string, message?: SipRequest | SipResponse): void {
    const text = message === undefined ? '' : `\r\n${serialize(message)}`
    this.#write(`${randomUUID()}|response|${id}|${verdict}${text}`)
  }

  /** Frames of one turn of the event loop leave in one write. */
  #write(payload: string): void {
    if (this.#unsent === '') queueMicrotask(() => this.#flush())
    this.#unsent += encodeFrame(payload)
  }

  #flush(): void {
    const { socket } = this.#options
    const bytes = this.#unsent
    this.#unsent = ''
    if (bytes === '' || !socket.writable) return
    if (socket.writableLength > unsentBytesMax) socket.destroy()
    else socket.write(bytes, 'latin1')
  }
}

export function metaOf(source: Meta['source'], bytes: string, peer: Peer): Meta {
  const { transport, host, port } = peer
  return { source, bytes: bytes.length, transport, host, port }
}

export function metaText(meta: Meta): string {
  const { source, bytes, transport, host, port } = meta
  return `${source}|${bytes}|${transport}|${host}|${port}|${timeOfDay()}`
}
