import { createServer, type Server, type Socket } from 'node:net'
import { transportOf } from './building.ts'
import { metaOf } from './client-protocol.ts'
import { ClientSession } from './client-session.ts'
import type { Trap } from './core.ts'
import type { Dialog } from './dialog.ts'
import { type SipRequest, serialize } from './message.ts'
import { createStrayDialogs } from './stray-dialogs.ts'
import type { Timers } from './timers.ts'
import type { TransportName } from './transport.ts'
import { createUserAgent, type UserAgent } from './user-agent.ts'

export type SipServerOptions = {
  readonly host: string
  /** 0: any free port. */
  readonly sipPort: number
  readonly clientPort: number
  readonly secret: string
  readonly timers?: Partial<Timers>
  readonly sessionSecondsMin?: number
  readonly traps?: readonly Trap[]
}

export type SipServer = ReturnType<typeof createSipServer>

const transports: readonly TransportName[] = ['udp', 'tcp']

/** A SIP server for apps that speak the drachtio client protocol. */
export function createSipServer(options: SipServerOptions) {
  const apps = createApps()
  const agent = createUserAgent({
    host: options.host,
    port: options.sipPort,
    transports,
    ...agentOptions(options),
    onRequest(incoming) {
      const { dialog, request, peer } = incoming
      if (dialog !== undefined) {
        const app = apps.ownerOf(dialog)
        if (app !== undefined) app.deliver(incoming)
        else {
          incoming.respond({ status: 481, reason: 'Call Does Not Exist' })
          if (request.method === 'BYE') agent.forget(dialog)
        }
        return
      }
      const app = apps.next(request.method.toLowerCase())
      if (app === undefined) incoming.respond({ status: 503, reason: 'Service Unavailable' })
      else app.deliver(incoming, agent.local(peer.transport))
    },
    onDialogEnded(dialog, bye) {
      const app = apps.ownerOf(dialog)
      if (app !== undefined) tellOfBye(app, dialog, bye)
    },
  })
  const strays = createStrayDialogs(agent)
  const listener = createListener((socket) => {
    apps.add(
      new ClientSession({
        socket,
        secret: options.secret,
        agent,
        traps: new Set(options.traps),
        strays,
        hostPorts: () => hostPortsOf(agent),
        onClosed: apps.remove,
      }),
    )
  })

  return {
    async start(): Promise<void> {
      await agent.start()
      try {
        await listener.start(options.host, options.clientPort)
      } catch (error) {
        await agent.stop()
        throw error
      }
    },
    async stop(): Promise<void> {
      for (const app of apps.all()) app.close()
      await listener.stop()
      await agent.stop()
    },
    addresses: () => ({
      sip: { host: options.host, port: agent.addresses().udp?.port ?? 0 },
      client: { host: options.host, port: listener.port() },
    }),
    counts: () => ({ ...agent.counts(), apps: apps.all().size }),
  }
}

function agentOptions(options: SipServerOptions) {
  const { timers, sessionSecondsMin, traps } = options
  return {
    ...(timers === undefined ? {} : { timers }),
    ...(sessionSecondsMin === undefined ? {} : { sessionSecondsMin }),
    ...(traps === undefined ? {} : { traps }),
  }
}

/** The connected apps, and whose turn it is. */
function createApps() {
  const sessions = new Set<ClientSession>()
  const turns = new Map<string, number>()

  return {
    add: (session: ClientSession): void => void sessions.add(session),
    remove: (session: ClientSession): void => void sessions.delete(session),
    all: (): ReadonlySet<ClientSession> => sessions,
    /** Apps take turns, for each verb separately. */
    next(verb: string): ClientSession | undefined {
      const able = [...sessions].filter((each) => each.listensTo(verb))
      if (able.length === 0) return undefined
      const turn = (turns.get(verb) ?? 0) % able.length
      turns.set(verb, turn + 1)
      return able[turn]
    },
    ownerOf(dialog: Dialog): ClientSession | undefined {
      for (const each of sessions) if (each.dialogs.get(dialog.id) === dialog) return each
      return undefined
    },
  }
}

/** We had to hang up ourselves; the app learns it as a BYE that it must not answer. */
function tellOfBye(app: ClientSession, dialog: Dialog, bye: SipRequest): void {
  app.disown(dialog)
  const transport = dialog.behindNat?.transport ?? transportOf(dialog.remoteTarget) ?? 'udp'
  const text = serialize(bye)
  const local = app.agent.local(transport)
  const meta = metaOf('application', text, { transport, ...local })
  app.push(meta, `unsolicited|${dialog.id}|`, text)
}

function createListener(accept: (socket: Socket) => void) {
  const server: Server = createServer(accept)
  return {
    start: (host: string, port: number) =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => resolve())
      }),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
    port(): number {
      const bound = server.address()
      return typeof bound === 'object' && bound !== null ? bound.port : 0
    },
  }
}

/** Where we listen, as the other side has to write it. */
function hostPortsOf(agent: UserAgent): string {
  return transports
    .map((transport) => [transport, agent.local(transport)] as const)
    .map(([transport, { host, port }]) => `${transport}/${host}:${port}`)
    .join(',')
}
