import { connect, createServer, type Server } from 'node:net'
import type { Channel } from './channel.ts'
import { channelDataReply } from './channel-data.ts'
import { EslConnection, type EslTarget } from './esl-connection.ts'
import type { EventBus } from './esl-events.ts'
import { commandReply } from './esl-text.ts'
import type { ControlAddress } from './sip-side.ts'

/** Both kinds of event socket conversation: clients that come to us, and one connection of ours per channel. */
export type ControlSockets = {
  listen(host: string, port: number): Promise<string>
  /** Connects to whoever is to control this channel; without a connection the channel ends. */
  open(channel: Channel, address: ControlAddress): void
  endChannel(channel: Channel): void
  readonly count: number
  stop(): Promise<void>
}

/** The client gives up after 4 s. */
const connectMsMax = 4000
/** More than a handful of clients of the inbound socket is somebody's mistake. */
const clientsMax = 256

export function createControlSockets(deps: {
  target: EslTarget
  bus: EventBus
  password: string
}): ControlSockets {
  const { target, bus, password } = deps
  const clients = new Set<EslConnection>()
  const ofChannel = new Map<Channel, EslConnection>()

  const server: Server = createServer((socket) => {
    if (clients.size >= clientsMax) {
      socket.destroy()
      return
    }
    const connection: EslConnection = new EslConnection({
      socket,
      target,
      bus,
      greet: ({ name, argument }) => {
        if (name !== 'auth') return 'too early'
        return argument === password ? commandReply('+OK accepted') : 'refused'
      },
      onEnd: () => clients.delete(connection),
    })
    clients.add(connection)
    connection.send('Content-Type: auth/request\n\n')
  })

  function open(channel: Channel, { host, port }: ControlAddress): void {
    const socket = connect({ host, port })
    socket.setTimeout(connectMsMax, () => socket.destroy())
    socket.once('connect', () => socket.setTimeout(0))
    const connection = new EslConnection({
      socket,
      target,
      bus,
      uuid: channel.uuid,
      greet: ({ name }) => (name === 'connect' ? channelDataReply(channel) : 'too early'),
      onEnd() {
        ofChannel.delete(channel)
        channel.controlled = false
        // A joined pair goes on talking, as on the real server; a channel by itself has nothing left to do.
        if (channel.partner === undefined) channel.hangUp('NORMAL_CLEARING')
      },
    })
    ofChannel.set(channel, connection)
  }

  return {
    open,
    get count() {
      return clients.size + ofChannel.size
    },
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          const address = server.address()
          resolve(
            `${host}:${typeof address === 'object' && address !== null ? address.port : port}`,
          )
        })
      }),
    endChannel(channel) {
      ofChannel.get(channel)?.end()
    },
    async stop() {
      const serverClosed = new Promise((resolve) => server.close(resolve))
      await Promise.all([...clients, ...ofChannel.values()].map((each) => each.close()))
      await serverClosed
    },
  }
}
