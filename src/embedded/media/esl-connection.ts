import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { createEventInterest, type EventBus, type EventInterest } from './esl-events.ts'
import {
  apiResponse,
  commandReply,
  createCommandReader,
  disconnectNotice,
  type EslCommand,
  splitOnce,
} from './esl-text.ts'

/** `sendmsg` with `call-command: execute`. */
export type ExecuteMessage = {
  readonly application: string
  readonly argument: string
  readonly eventUuid: string | undefined
  readonly loops: number
}

/** What a connection can do to the media server. */
export type EslTarget = {
  /** A command that has to wait (for a file to be whole) holds back those behind it. */
  api(command: string): string | Promise<string>
  /** False: no such channel. */
  execute(uuid: string, message: ExecuteMessage): boolean
  hangUp(uuid: string, cause: string): boolean
}

/** A client that does not read what it asked for is dropped before it fills the memory. */
const unreadBytesMax = 8_388_608

/** One event socket conversation, whichever side opened it. */
export class EslConnection {
  readonly #socket: Socket
  readonly #target: EslTarget
  readonly #bus: EventBus
  readonly #interest: EventInterest = createEventInterest()
  readonly #uuid: string | undefined
  readonly #greet: (command: EslCommand) => string | 'too early' | 'refused'
  readonly #unsubscribe: () => void
  readonly #closed: Promise<unknown>
  #greeted = false
  #answering = false
  readonly #waiting: EslCommand[] = []
  #ended = false

  constructor(deps: {
    socket: Socket
    target: EslTarget
    bus: EventBus
    /** The channel of an outbound connection. */
    uuid?: string
    /** Sees every command until it returns a reply, which ends the greeting. */
    greet(command: EslCommand): string | 'too early' | 'refused'
    onEnd(): void
  }) {
    this.#socket = deps.socket
    this.#target = deps.target
    this.#bus = deps.bus
    this.#uuid = deps.uuid
    this.#greet = deps.greet
    this.#unsubscribe = deps.bus.subscribe({
      interest: this.#interest,
      send: (message) => this.send(message),
    })
    const read = createCommandReader((command) => this.#onCommand(command))
    this.#closed = new Promise((resolve) => deps.socket.once('close', resolve))
    deps.socket.setNoDelay(true)
    deps.socket.on('data', (chunk: Buffer) => {
      if (!this.#ended && !read(chunk)) this.#socket.destroy()
    })
    deps.socket.on('error', () => this.#socket.destroy())
    deps.socket.on('close', () => {
      this.#ended = true
      this.#unsubscribe()
      deps.onEnd()
    })
  }

  send(message: string): void {
    if (this.#ended) return
    this.#socket.write(message)
    if (this.#socket.writableLength > unreadBytesMax) this.#socket.destroy()
  }

  /** Says goodbye and closes, whether or not the other side is still there to hear it. */
  async close(): Promise<void> {
    this.end()
    this.#socket.destroySoon()
    await this.#closed
  }

  /** Says goodbye and leaves the closing to the other side. */
  end(): void {
    if (this.#ended) return
    this.send(disconnectNotice(this.#uuid))
    this.#ended = true
    this.#unsubscribe()
    this.#socket.end()
  }

  #onCommand(command: EslCommand): void {
    if (this.#ended) return
    if (this.#greeted) {
      this.#waiting.push(command)
      if (!this.#answering) void this.#answerAll()
      return
    }
    const greeting = this.#greet(command)
    if (greeting === 'too early') {
      this.send(commandReply('-ERR command not found'))
      return
    }
    if (greeting === 'refused') {
      this.send(commandReply('-ERR invalid'))
      this.end()
      return
    }
    this.#greeted = true
    this.send(greeting)
  }

  /** In order, and one reply for each: clients count. */
  async #answerAll(): Promise<void> {
    this.#answering = true
    for (;;) {
      const command = this.#waiting.shift()
      if (command === undefined || this.#ended) break
      const waits = this.#answer(command)
      if (waits !== undefined) await waits
    }
    this.#answering = false
  }

  #answer(command: EslCommand): Promise<void> | undefined {
    switch (command.name) {
      case 'api':
        return this.#api(command.argument)
      case 'bgapi':
        void this.#background(command)
        return undefined
      case 'exit':
        this.send(commandReply('+OK bye'))
        this.end()
        return undefined
      default:
        this.send(commandReply(this.#replyTo(command)))
        return undefined
    }
  }

  #api(command: string): Promise<void> | undefined {
    const body = this.#target.api(command)
    if (typeof body !== 'string') return body.then((text) => this.send(apiResponse(text)))
    this.send(apiResponse(body))
    return undefined
  }

  #replyTo({ name, argument, headers, body }: EslCommand): string {
    switch (name) {
      case 'event':
        return this.#interest.add(argument)
          ? `+OK event listener enabled ${this.#interest.format}`
          : '-ERR no keywords supplied'
      case 'myevents':
        this.#interest.add(`${argument.includes('json') ? 'json' : 'plain'} ALL`)
        if (this.#uuid !== undefined) this.#interest.filter(`Unique-ID ${this.#uuid}`)
        return '+OK Events Enabled'
      case 'nixevent':
        this.#interest.remove(argument)
        return '+OK events nixed'
      case 'noevents':
        this.#interest.clear()
        return '+OK no longer listening for events'
      case 'filter':
        return this.#interest.filter(argument)
      case 'sendmsg':
        return this.#sendMessage(argument, headers, body)
      case 'linger':
        return '+OK will linger'
      case 'nolinger':
        return '+OK will not linger'
      case 'log':
      case 'nolog':
      case 'divert_events':
      case 'resume':
        return '+OK'
      default:
        return '-ERR command not found'
    }
  }

  #sendMessage(argument: string, headers: ReadonlyMap<string, string>, body: string): string {
    const uuid = argument === '' ? (this.#uuid ?? '') : argument
    const missing = `-ERR invalid session id [${uuid}]`
    switch (headers.get('call-command')) {
      case 'execute': {
        const message = {
          application: headers.get('execute-app-name') ?? '',
          argument: headers.get('execute-app-arg') ?? body,
          eventUuid: headers.get('event-uuid'),
          loops: Math.max(1, Number(headers.get('loops') ?? 1) || 1),
        }
        return this.#target.execute(uuid, message) ? '+OK' : missing
      }
      case 'hangup': {
        const cause = headers.get('hangup-cause') ?? 'NORMAL_CLEARING'
        return this.#target.hangUp(uuid, cause) ? '+OK' : missing
      }
      default:
        return '-ERR invalid command'
    }
  }

  async #background({ argument, headers }: EslCommand): Promise<void> {
    const job = headers.get('job-uuid') ?? randomUUID()
    this.send(`Content-Type: command/reply\nReply-Text: +OK Job-UUID: ${job}\nJob-UUID: ${job}\n\n`)
    const [command = '', commandArgument = ''] = splitOnce(argument, ' ')
    const body = await this.#target.api(argument)
    this.#bus.publish('BACKGROUND_JOB', {
      'Job-UUID': job,
      'Job-Command': command,
      'Job-Command-Arg': commandArgument,
      _body: body,
    })
  }
}
