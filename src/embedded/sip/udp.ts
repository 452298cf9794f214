import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { HostPort, Peer, TransportEvents } from './transport.ts'

/** Every address is a literal already; Node's own lookup would cost a tick for each datagram. */
function literal(
  hostname: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, hostname, isIPv6(hostname) ? 6 : 4)
}

/** Bursts of a load test wait in the kernel, not on the floor. */
const receiveBufferBytes = 4 * 1024 * 1024

export function createUdp({
  host,
  events,
}: {
  readonly host: string
  readonly events: TransportEvents
}) {
  let socket: Socket | undefined

  async function open(port: number): Promise<Socket> {
    const made = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      lookup: literal as never,
    })
    await new Promise<void>((resolve, reject) => {
      made.once('error', reject)
      made.bind(port, host, () => {
        made.off('error', reject)
        resolve()
      })
    })
    return made
  }

  function listenOn(made: Socket): void {
    made.on('message', (data, from) => {
      events.onBytes(
        data.toString('latin1'),
        { transport: 'udp', host: from.address, port: from.port },
        false,
      )
    })
    made.on('error', () => {
      // A datagram that could not be sent is a lost datagram; the timers deal with it.
    })
  }

  return {
    async start(port: number): Promise<HostPort> {
      socket = await open(port)
      listenOn(socket)
      try {
        socket.setRecvBufferSize(receiveBufferBytes)
      } catch {
        // The system's own limit is lower: then that is what we get.
      }
      return { host, port: socket.address().port }
    },
    async stop(): Promise<void> {
      const open = socket
      socket = undefined
      if (open !== undefined) await new Promise<void>((resolve) => open.close(() => resolve()))
    },
    send(bytes: string, peer: Peer): void {
      socket?.send(Buffer.from(bytes, 'latin1'), peer.port, peer.host, (error) => {
        if (error !== null) events.onUnreachable(peer)
      })
    },
    attend(_peer: Peer): void {},
  }
}
