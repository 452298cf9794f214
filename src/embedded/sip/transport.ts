import { createTcp } from './tcp.ts'
import { createUdp } from './udp.ts'

export type TransportName = 'udp' | 'tcp'

/** The far end of a datagram or connection. `host` is always a literal address. */
export type Peer = {
  readonly transport: TransportName
  readonly host: string
  readonly port: number
}

export type HostPort = { readonly host: string; readonly port: number }
export type Addresses = Partial<Record<TransportName, HostPort>>

export type TransportEvents = {
  /** `broken`: the stream that carried these bytes cannot be followed any further. */
  readonly onBytes: (bytes: string, peer: Peer, broken: boolean) => void
  /** Nobody is there: ICMP port unreachable, connection refused or lost. */
  readonly onUnreachable: (peer: Peer) => void
}

export type Transport = ReturnType<typeof createTransport>

/** UDP and TCP under one roof and, where both are wanted, on one port number. */
export function createTransport(options: {
  readonly host: string
  readonly port: number
  readonly transports: readonly TransportName[]
  readonly events: TransportEvents
}) {
  const { host, port, transports, events } = options
  const udp = transports.includes('udp') ? createUdp({ host, events }) : undefined
  const tcp = transports.includes('tcp') ? createTcp({ host, events }) : undefined
  const bound: Addresses = {}

  async function bindBoth(): Promise<void> {
    if (tcp !== undefined) bound.tcp = await tcp.start(port)
    if (udp !== undefined) bound.udp = await udp.start(bound.tcp?.port ?? port)
  }

  return {
    /** With port 0 the two must agree on a number; the one TCP found may be taken for UDP, so try again. */
    async start(): Promise<void> {
      for (let tries = 1; ; tries += 1) {
        try {
          return await bindBoth()
        } catch (error) {
          await tcp?.stop()
          await udp?.stop()
          if (port !== 0 || tries === 10) throw error
        }
      }
    },
    async stop(): Promise<void> {
      await Promise.all([udp?.stop(), tcp?.stop()])
    },
    addresses: (): Addresses => bound,
    has: (name: TransportName) => (name === 'udp' ? udp : tcp) !== undefined,
    /** Send and forget. Failures arrive at `onUnreachable`, later. */
    send(bytes: string, peer: Peer): void {
      if (peer.transport === 'udp') udp?.send(bytes, peer)
      else tcp?.send(bytes, peer)
    },
    /** Watch this peer closely enough to notice that its port is closed. Cheap after the first time. */
    attend(peer: Peer): void {
      if (peer.transport === 'udp') udp?.attend(peer)
    },
    connections: () => tcp?.connections() ?? 0,
  }
}
