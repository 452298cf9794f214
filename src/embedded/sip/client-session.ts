import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Answered, Incoming } from './answering.ts'
import { type AppMessage, appHeader, localised, readAppMessage } from './app-message.ts'
import { type AppLink, AppRequests } from './app-requests.ts'
import { parseCSeq } from './check.ts'
import {
  type AppFrame,
  createFrameCutter,
  encodeFrame,
  type Meta,
  metaOf,
  metaText,
  readFrame,
} from './client-protocol.ts'
import type { Trap } from './core.ts'
import type { Dialog } from './dialog.ts'
import { serialize } from './message.ts'
import type { StrayDialogs } from './stray-dialogs.ts'
import type { HostPort } from './transport.ts'
import { tagOf } from './uri.ts'
import type { UserAgent } from './user-agent.ts'

/** An app that does not read what it gets is closed before it fills our memory. */
const unsentBytesMax = 16 * 1024 * 1024
/** The clients look at the numbers in front to find out what the server can do. */
const serverVersion = 'v0.9.10-axbridge'

export type SessionOptions = {
  readonly socket: Socket
  readonly secret: string
  readonly agent: UserAgent
  readonly traps: ReadonlySet<Trap>
  readonly strays: StrayDialogs
  readonly hostPorts: () => string
  readonly onClosed: (session: ClientSession) => void
}

/**
 * One connected app. It owns the requests that were handed to it, those that it sent, and their dialogs.
 * Nobody inherits them when it goes, but its dialogs can still be ended.
 */
export class ClientSession implements AppLink {
  readonly agent: UserAgent
  readonly traps: ReadonlySet<Trap>
  readonly dialogs = new Map<string, Dialog>()
  readonly strays: StrayDialogs
  readonly #options: SessionOptions
  readonly #verbs = new Set<string>()
  readonly #requests = new AppRequests(this)
  readonly #incoming = new Map<string, Incoming>()
  /** UPDATE before the answer: it shares the transaction id of its INVITE. */
  readonly #updates = new Map<string, Incoming>()
  /** The transaction id of the INVITE that opened a dialog; its ACK quotes it, and so does an early UPDATE. */
  readonly #inviteIds = new WeakMap<Dialog, string>()
  #isKnown = false
  #unsent = ''

  constructor(options: SessionOptions) {
    this.#options = options
    this.agent = options.agent
    this.traps = options.traps
    this.strays = options.strays
    const { socket } = options
    const cutter = createFrameCutter()
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 45_000)
    socket.on('data', (data) => {
      const { frames, broken } = cutter.push(data.toString('latin1'))
      for (const frame of frames) if (!socket.writableEnded) this.#receive(readFrame(frame))
      if (broken) socket.destroy()
    })
    socket.on('error', () => {
      // 'close' follows.
    })
    socket.on('close', () => this.#closed())
  }

  listensTo(verb: string): boolean {
    return this.#isKnown && this.#verbs.has(verb)
  }

  close(): void {
    this.#options.socket.destroy()
  }

  /** A dialog of this app, until either is gone. */
  adopt(dialog: Dialog): void {
    if (this.dialogs.get(dialog.id) === dialog || dialog.state === 'over') return
    this.dialogs.set(dialog.id, dialog)
    dialog.closers.add(() => this.disown(dialog))
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
    if (request.method !== 'ACK') this.#await(incoming, transactionId)
    else if (dialog !== undefined) this.#inviteIds.delete(dialog)
    const tail = receivedOn === undefined ? '' : `${receivedOn.host}|${receivedOn.port}|`
    const text = serialize(request)
    this.push(metaOf('network', text, peer), `${transactionId}|${dialog?.id ?? ''}|${tail}`, text)
  }

  push(meta: Meta, ids: string, sipText: string): void {
    this.#write(`${randomUUID()}|sip|${metaText(meta)}|${ids}\r\n${sipText}`)
  }

  reply(id: string, verdict: string, sipText?: string): void {
    const text = sipText === undefined ? '' : `\r\n${sipText}`
    this.#write(`${randomUUID()}|response|${id}|${verdict}${text}`)
  }

  #closed(): void {
    this.#isKnown = false
    // In-dialog requests get 481 from now on, and nothing is hung up: as with the real server.
    for (const dialog of this.dialogs.values()) this.strays.keep(dialog)
    this.dialogs.clear()
    this.#incoming.clear()
    this.#updates.clear()
    this.#requests.clear()
    this.#options.onClosed(this)
  }

  #receive(frame: AppFrame): void {
    if (frame.type === 'authenticate') this.#authenticate(frame)
    else if (this.#isKnown) this.#receiveKnown(frame)
    else this.#refuse(frame, 'authentication required')
  }

  #receiveKnown(frame: AppFrame): void {
    const verb = frame.tokens[2] ?? ''
    switch (frame.type) {
      case 'route':
        this.#verbs.add(verb)
        this.reply(frame.id, 'OK')
        break
      case 'remove_route':
        this.#verbs.delete(verb)
        this.reply(frame.id, 'OK')
        break
      case 'ping':
        this.reply(frame.id, 'OK|pong')
        break
      case 'proxy':
        this.reply(frame.id, 'NOK|proxy is not supported')
        break
      case 'sip':
        this.#receiveSip(frame)
        break
      default:
        this.#refuse(frame, 'Unknown message type')
    }
  }

  #authenticate(frame: AppFrame): void {
    if (frame.tokens[2] !== this.#options.secret) {
      this.#refuse(frame, 'incorrect secret')
      return
    }
    this.#isKnown = true
    const hostPorts = this.#options.hostPorts()
    this.reply(frame.id, `OK|${hostPorts}|${serverVersion}|${hostPorts}`)
  }

  #refuse(frame: AppFrame, reason: string): void {
    this.#isKnown = false
    this.reply(frame.id, `NO|${reason}`)
    this.#flush()
    this.#options.socket.end()
  }

  #receiveSip(frame: AppFrame): void {
    const message = readAppMessage(frame.text)
    const [, , transactionId = '', dialogId = '', nextHop = ''] = frame.tokens
    if (!/^SIP\//i.test(message.startLine)) {
      this.#requests.receive({ id: frame.id, message, transactionId, dialogId, nextHop })
    } else if (transactionId === '') this.#refuse(frame, 'transaction id missing')
    else this.#respond(frame.id, transactionId, message)
  }

  #respond(id: string, transactionId: string, message: AppMessage): void {
    const isUpdate = parseCSeq(appHeader(message, 'cseq'))?.method === 'UPDATE'
    const incoming = (isUpdate ? this.#updates : this.#incoming).get(transactionId)
    if (incoming === undefined) {
      this.reply(id, 'NOK|Response not sent due to unknown transaction')
      return
    }
    const answered = this.#answer(incoming, message)
    if (!answered.ok) {
      this.reply(id, `NOK|${answered.reason}`)
      return
    }
    const { bytes } = answered
    const dialog = incoming.request.method === 'BYE' ? undefined : answered.dialog
    if (dialog !== undefined) this.adopt(dialog)
    if (incoming.opened !== undefined) this.#inviteIds.set(incoming.opened, transactionId)
    const meta = metaText(metaOf('application', bytes, incoming.peer))
    this.reply(id, `OK|${meta}|${transactionId}|${dialog?.id ?? ''}||Msg sent:|`, bytes)
  }

  #answer(incoming: Incoming, message: AppMessage): Answered {
    const found = /^SIP\/2\.0\s+(\d{3})\s*(.*)$/i.exec(message.startLine)
    const status = Number(found?.[1] ?? 0)
    if (status < 101 || status > 699) return { ok: false, reason: 'invalid status line' }
    const local = this.agent.local(incoming.peer.transport)
    const tag = tagOf(appHeader(message, 'to') ?? '')
    return incoming.respond({
      status,
      reason: found?.[2] ?? '',
      headers: localised(message.headers, local),
      body: message.body,
      reliable: status < 200 && /100rel/i.test(appHeader(message, 'require') ?? ''),
      ...(tag === undefined ? {} : { tag }),
    })
  }

  #await(incoming: Incoming, transactionId: string): void {
    const { request, peer } = incoming
    const pending = request.method === 'UPDATE' ? this.#updates : this.#incoming
    pending.set(transactionId, incoming)
    incoming.onOver = () => pending.delete(transactionId)
    incoming.onCancel = (cancel) => {
      const text = serialize(cancel)
      const ids = `${transactionId}|${incoming.opened?.id ?? ''}|`
      this.push(metaOf('network', text, peer), ids, text)
    }
  }

  /** Frames of one turn of the event loop leave in one write. */
  #write(payload: string): void {
    if (this.#unsent === '') setImmediate(() => this.#flush())
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
