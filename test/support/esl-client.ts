import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The event socket by hand, for what the libraries never send. */
export type EslMessage = { readonly head: string; readonly body: string }

export type EslClient = {
  readonly socket: Socket
  /** Everything received so far. */
  readonly messages: readonly EslMessage[]
  send(command: string): void
  /** The next message that fits, of those not taken yet. */
  next(fits: (message: EslMessage) => boolean): Promise<EslMessage>
  readonly closed: Promise<unknown>
}

function eslClient(socket: Socket): EslClient {
  const messages: EslMessage[] = []
  let taken = 0
  let text: Buffer = Buffer.alloc(0)
  let wake: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    text = Buffer.concat([text, chunk])
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end === -1) break
      const head = text.toString('utf8', 0, end)
      const length = Number(/^Content-Length: (\d+)$/m.exec(head)?.[1] ?? 0)
      if (text.length < end + 2 + length) break
      messages.push({ head, body: text.toString('utf8', end + 2, end + 2 + length) })
      text = text.subarray(end + 2 + length)
    }
    wake()
  })
  socket.on('error', () => undefined)

  return {
    socket,
    messages,
    closed: new Promise((resolve) => socket.once('close', resolve)),
    send: (command) => socket.write(`${command}\n\n`),
    async next(fits) {
      const deadline = performance.now() + 5000
      for (;;) {
        const at = messages.findIndex((message, i) => i >= taken && fits(message))
        const message = messages[at]
        if (message !== undefined) {
          taken = at + 1
          return message
        }
        const msLeft = deadline - performance.now()
        if (msLeft <= 0) throw new Error(`no such message; seen: ${JSON.stringify(messages)}`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, msLeft)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
  }
}

export async function connectEsl(address: string): Promise<EslClient> {
  const [host, port] = address.split(':')
  const socket = connect({ host, port: Number(port) })
  await once(socket, 'connect')
  return eslClient(socket)
}

export async function authedEsl(address: string, password = 'ClueCon'): Promise<EslClient> {
  const client = await connectEsl(address)
  await client.next(({ head }) => head.includes('auth/request'))
  client.send(`auth ${password}`)
  await client.next(({ head }) => head.includes('+OK accepted'))
  return client
}

/** Where a media server connects to for each of its channels. */
export type ControlServer = {
  readonly address: string
  /** The connection of the next channel, greeted and subscribed; with its uuid. */
  next(): Promise<{ client: EslClient; uuid: string }>
  close(): void
}

export async function controlServer(): Promise<ControlServer> {
  const sockets: Socket[] = []
  const waiting: ((socket: Socket) => void)[] = []
  const server: Server = createServer((socket) => {
    const next = waiting.shift()
    if (next === undefined) sockets.push(socket)
    else next(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined

  return {
    address: `127.0.0.1:${port}`,
    async next() {
      const early = sockets.shift()
      const client = eslClient(early ?? (await new Promise<Socket>((done) => waiting.push(done))))
      client.send('connect')
      const { head } = await client.next((message) => message.head.includes('CHANNEL_DATA'))
      client.send('event json ALL')
      await client.next((message) => message.head.includes('event listener enabled'))
      const uuid = /^Unique-ID: (.+)$/m.exec(head)?.[1] ?? ''
      client.send(`filter Unique-ID ${uuid}`)
      return { client, uuid }
    },
    close() {
      server.close()
    },
  }
}

function eventOf(message: EslMessage): Record<string, string> {
  return message.head.includes('text/event-json') ? JSON.parse(message.body) : {}
}

/** Matches an event by name and some of its members. */
export function isEvent(name: string, members: Record<string, string> = {}) {
  return (message: EslMessage): boolean => {
    const event = eventOf(message)
    if (event['Event-Name'] !== name) return false
    return Object.entries(members).every(([member, value]) => event[member] === value)
  }
}
