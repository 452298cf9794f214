import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { messageBytesMax } from './message.ts'
import { createStreamCutter, type StreamItem } from './stream.ts'
import type { HostPort, Peer, TransportEvents } from './transport.ts'

/** More peers than any demo or test has; a flood of connections ends here. */
const connectionsMax = 1024
/** A peer that does not read its answers may not fill our memory with them. */
const unsentBytesMax = 16 * messageBytesMax
const connectMsMax = 5000
/** Half a message may take this long to become a whole one. */
const halfMessageMsMax = 32_000
/** Long enough for a quiet call behind a NAT that keeps its connection. */
const idleMsMax = 30 * 60_000

const nameOf = (peer: HostPort) => `${peer.host}:${peer.port}`

export function createTcp({
  host,
  events,
}: {
  readonly host: string
  readonly events: TransportEvents
}) {
  let server: Server | undefined
  const sockets = new Map<string, Socket>()

  function attach(socket: Socket, peer: Peer): void {
    const name = nameOf(peer)
    const cutter = createStreamCutter()
    sockets.set(name, socket)
    socket.setNoDelay(true)
    socket.setTimeout(idleMsMax, () => socket.destroy())
    socket.on('data', (data) => {
      for (const item of cutter.push(data.toString('latin1'))) take(item, socket, peer)
      socket.setTimeout(cutter.waiting() > 0 ? halfMessageMsMax : idleMsMax)
    })
    socket.on('error', () => {
      // 'close' follows and says all that matters.
    })
    socket.on('close', () => {
      if (sockets.get(name) === socket) sockets.delete(name)
      events.onUnreachable(peer)
    })
  }

  function take(item: StreamItem, socket: Socket, peer: Peer): void {
    switch (item.kind) {
      case 'message':
        events.onBytes(item.bytes, peer, false)
        break
      case 'ping':
        // RFC 5626 4.4.1: a double CRLF is answered with a single one.
        socket.write('\r\n')
        break
      case 'broken':
        events.onBytes(item.bytes, peer, true)
        socket.end()
    }
  }

  function accept(socket: Socket): void {
    if (sockets.size >= connectionsMax || socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const from = socket.remoteAddress.replace(/^::ffff:/, '')
    attach(socket, { transport: 'tcp', host: from, port: socket.remotePort ?? 0 })
  }

  function open(peer: Peer): Socket | undefined {
    if (sockets.size >= connectionsMax) return undefined
    const socket = dial({ host: peer.host, port: peer.port, localAddress: host })
    attach(socket, peer)
    socket.setTimeout(connectMsMax)
    socket.once('connect', () => socket.setTimeout(idleMsMax))
    return socket
  }

  return {
    async start(port: number): Promise<HostPort> {
      const made = createServer(accept)
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject)
        made.listen(port, host, () => {
          made.off('error', reject)
          resolve()
        })
      })
      server = made
      const address = made.address()
      return { host, port: typeof address === 'object' && address !== null ? address.port : port }
    },
    async stop(): Promise<void> {
      const open = server
      server = undefined
      for (const socket of sockets.values()) socket.destroy()
      if (open !== undefined) await new Promise<void>((resolve) => open.close(() => resolve()))
    },
    send(bytes: string, peer: Peer): void {
      const socket = sockets.get(nameOf(peer)) ?? open(peer)
      if (socket === undefined || socket.destroyed || socket.writableEnded) {
        setImmediate(() => events.onUnreachable(peer))
        return
      }
      if (socket.writableLength > unsentBytesMax) socket.destroy()
      else socket.write(bytes, 'latin1')
    },
    connections: () => sockets.size,
  }
}
