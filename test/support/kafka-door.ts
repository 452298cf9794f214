import { connect, type Server, type Socket, createServer as startPlain } from 'node:net'
import { createServer as startTls, type TlsOptions } from 'node:tls'
import { scramServer } from './scram-server.ts'

/** Of the protocol: https://kafka.apache.org/protocol#protocol_api_keys */
const api = { metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 }
const illegalState = 34
const denied = 58

export type KafkaDoor = {
  /** What a client is told to connect to. */
  readonly broker: string
  /** Who was let in so far. */
  readonly users: readonly string[]
  close(): Promise<void>
}

/**
 * A door before a broker that knows neither TLS nor SASL: encrypts, lets in who says the right
 * user name and password (PLAIN or SCRAM-SHA-512), passes on everything else, and tells clients of itself where the
 * broker would tell of itself.
 */
export async function openKafkaDoor(options: {
  /** One broker of a cluster that has no other. */
  broker: string
  /** Undefined: not encrypted. */
  tls?: TlsOptions
  /** Undefined: everybody is let in. */
  password?: string
}): Promise<KafkaDoor> {
  const targetPort = Number(options.broker.split(':')[1])
  const users: string[] = []
  const sockets = new Set<Socket>()

  /** What is said at the door itself; undefined: it is for the broker. */
  function doorman(letIn: (user: string) => void): (frame: Buffer) => Buffer[] | undefined {
    const password = options.password ?? ''
    const scram = scramServer(password)
    let isScram = false
    let isBegun = false
    const denial = [int16(denied), text('who are you?'), int32(0)]

    function verdict(words: string): { user: string; answer: string } | undefined {
      if (isScram) return scram.verdict(words)
      const [, user = '', said] = words.split('\0')
      return said === password ? { user, answer: '' } : undefined
    }

    return (frame) => {
      const key = frame.readInt16BE(0)
      if (key === api.saslHandshake) {
        isScram = wordsOf(frame).startsWith('SCRAM')
        return [int16(0), int32(2), text('PLAIN'), text('SCRAM-SHA-512')]
      }
      if (key !== api.saslAuthenticate) return undefined
      const words = wordsOf(frame)
      if (isScram && !isBegun) {
        isBegun = true
        return [int16(0), int16(-1), bytes(scram.challenge(words))]
      }
      const known = verdict(words)
      if (known === undefined) return denial
      letIn(known.user)
      return [int16(0), int16(-1), bytes(known.answer)]
    }
  }

  function throughDoor(frame: Buffer, key: number | undefined): Buffer {
    if (key === api.metadata) return withPort(frame, targetPort, portOf(server))
    return key === api.apiVersions && options.password !== undefined ? withSasl(frame) : frame
  }

  function pass(client: Socket): void {
    const target = connect(targetPort, '127.0.0.1')
    const asked = new Map<number, number>()
    let isIn = options.password === undefined
    const answerOf = doorman((user) => {
      isIn = true
      users.push(user)
    })
    joinEnds(client, target)
    eachFrame(client, (frame) => {
      const key = frame.readInt16BE(0)
      const correlation = frame.subarray(4, 8)
      const answer = answerOf(frame)
      if (answer !== undefined) send(client, correlation, ...answer)
      else if (!isIn && key !== api.apiVersions) send(client, correlation, int16(illegalState))
      else {
        asked.set(correlation.readInt32BE(0), key)
        send(target, frame)
      }
    })
    eachFrame(target, (frame) => {
      send(client, throughDoor(frame, asked.get(frame.readInt32BE(0))))
    })
  }

  function joinEnds(...ends: readonly [Socket, Socket]): void {
    for (const [at, socket] of ends.entries()) {
      const end = () => ends[1 - at]?.destroy()
      sockets.add(socket)
      socket.on('close', end).on('error', end)
    }
  }

  const server = options.tls === undefined ? startPlain(pass) : startTls(options.tls, pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    broker: `127.0.0.1:${portOf(server)}`,
    users,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const each of sockets) each.destroy()
      await closed
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let read = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    read = Buffer.concat([read, bytes])
    while (read.length >= 4 && read.length >= 4 + read.readInt32BE(0)) {
      const end = 4 + read.readInt32BE(0)
      take(read.subarray(4, end))
      read = read.subarray(end)
    }
  })
}

function send(socket: Socket, ...parts: Buffer[]): void {
  const frame = Buffer.concat(parts)
  socket.write(Buffer.concat([int32(frame.length), frame]))
}

/** What follows the header with the client's name: a mechanism, or what belongs to one. */
function wordsOf(frame: Buffer): string {
  const at = 10 + frame.readInt16BE(8)
  const isHandshake = frame.readInt16BE(0) === api.saslHandshake
  const [from, length] = isHandshake
    ? [at + 2, frame.readInt16BE(at)]
    : [at + 4, frame.readInt32BE(at)]
  return frame.toString('utf8', from, from + length)
}

/** Version 0 to 2: after the error the list of what is supported. */
function withSasl(frame: Buffer): Buffer {
  const count = frame.readInt32BE(6)
  const listEnd = 10 + 6 * count
  const more = [api.saslHandshake, api.saslAuthenticate].flatMap((key, at) => [
    ...[int16(key), int16(0), int16(at === 0 ? 1 : 0)],
  ])
  const head = [frame.subarray(0, 6), int32(count + 2), frame.subarray(10, listEnd)]
  return Buffer.concat([...head, ...more, frame.subarray(listEnd)])
}

function withPort(frame: Buffer, from: number, to: number): Buffer {
  const host = text('127.0.0.1')
  const at = frame.indexOf(Buffer.concat([host, int32(from)]))
  if (at === -1) return frame
  const changed = Buffer.from(frame)
  changed.writeInt32BE(to, at + host.length)
  return changed
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

function bytes(value: string): Buffer {
  const content = Buffer.from(value)
  return Buffer.concat([int32(content.length), content])
}
