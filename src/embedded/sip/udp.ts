import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { HostPort, Peer, TransportEvents } from './transport.ts'

/** Bursts of a load test wait in the kernel, not on the floor. */
const receiveBufferBytes = 4 * 1024 * 1024
/** Peers that we call get a socket of their own, so many at most, and keep it as long as a call may take to fail. */
const attendedMax = 64
const attendedMs = 64_000

/** Every address is a literal already; Node's own lookup would cost a tick for each datagram. */
function literal(
  hostname: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, hostname, isIPv6(hostname) ? 6 : 4)
}

type Attended = {
  readonly socket: Socket
  readonly timer: NodeJS.Timeout
  /** What waits for the socket to be ready; undefined when it is. */
  waiting: Buffer[] | undefined
}

/**
 * One socket for everybody, and connected ones on the same port for peers that we call: only those hear
 * that the peer's port is closed (ICMP), and the kernel hands them all that comes from their peer.
 */
export function createUdp(options: { readonly host: string; readonly events: TransportEvents }) {
  const { host, events } = options
  const attended = new Map<string, Attended>()
  let main: Socket | undefined
  let port = 0

  function forget(name: string, entry: Attended): void {
    if (attended.get(name) === entry) attended.delete(name)
    clearTimeout(entry.timer)
    try {
      entry.socket.close()
    } catch {
      // Closed already.
    }
  }

  function attend(peer: Peer): void {
    const name = `${peer.host} ${peer.port}`
    const known = attended.get(name)
    known?.timer.refresh()
    if (known !== undefined || main === undefined || attended.size >= attendedMax) return
    const socket = listening(newSocket(host, true), events)
    const timer = setTimeout(() => forget(name, entry), attendedMs)
    const entry: Attended = { socket, timer, waiting: [] }
    attended.set(name, entry)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') events.onUnreachable(peer)
      else if (entry.waiting !== undefined) giveBack(name, entry, peer)
    })
    socket.bind(port, host, () => {
      growBuffer(socket)
      // Its types hide it, but the callback is told when there is no way to that address.
      const onConnect = (error?: Error): void => {
        if (error !== undefined) {
          forget(name, entry)
          events.onUnreachable(peer)
          return
        }
        for (const datagram of entry.waiting ?? []) sendConnected(socket, datagram, peer)
        entry.waiting = undefined
      }
      socket.connect(peer.port, peer.host, onConnect)
    })
  }

  /** No socket of its own, then: the common one must do. */
  function giveBack(name: string, entry: Attended, peer: Peer): void {
    forget(name, entry)
    for (const datagram of entry.waiting ?? []) main?.send(datagram, peer.port, peer.host)
  }

  function sendConnected(socket: Socket, datagram: Buffer, peer: Peer): void {
    socket.send(datagram, (error: NodeJS.ErrnoException | null) => {
      if (error?.code === 'ECONNREFUSED') events.onUnreachable(peer)
    })
  }

  return {
    async start(wanted: number): Promise<HostPort> {
      // The connected sockets need a shared address. To share it with a stranger would be no fun, so make
      // sure first that nobody has it.
      const probe = newSocket(host, false)
      port = await bind(probe, wanted, host)
      await closed(probe)
      main = listening(newSocket(host, true), events)
      await bind(main, port, host)
      main.on('error', () => {
        // A datagram that could not be sent is a lost datagram; the timers deal with it.
      })
      growBuffer(main)
      return { host, port }
    },
    async stop(): Promise<void> {
      const open = main
      main = undefined
      for (const [name, entry] of [...attended]) forget(name, entry)
      if (open !== undefined) await closed(open)
    },
    send(bytes: string, peer: Peer): void {
      const datagram = Buffer.from(bytes, 'latin1')
      const entry = attended.size === 0 ? undefined : attended.get(`${peer.host} ${peer.port}`)
      if (entry === undefined) main?.send(datagram, peer.port, peer.host, ignore)
      else if (entry.waiting === undefined) sendConnected(entry.socket, datagram, peer)
      else entry.waiting.push(datagram)
    },
    attend,
  }
}

const ignore = () => undefined

function newSocket(host: string, isShared: boolean): Socket {
  return createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    reuseAddr: isShared,
    lookup: literal as never,
  })
}

function listening(socket: Socket, events: TransportEvents): Socket {
  socket.on('message', (data, from) => {
    const peer: Peer = { transport: 'udp', host: from.address, port: from.port }
    events.onBytes(data.toString('latin1'), peer, false)
  })
  return socket
}

function bind(socket: Socket, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      resolve(socket.address().port)
    })
  })
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}

function growBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
  } catch {
    // The system's own limit is lower: then that is what we get.
  }
}
