import { createServer, type Server, type Socket } from 'node:net'
import type { Incoming } from './answering.ts'
import { transportOf } from './building.ts'
import { ClientSession, metaOf } from './client-session.ts'
import type { Dialog } from './dialog.ts'
import { type SipRequest, serialize } from './message.ts'
import type { Timers } from './timers.ts'
import type { Addresses, TransportName } from './transport.ts'
import { createUserAgent } from './user-agent.ts'

export type SipServerOptions = {
  readonly host: string
  /** 0: any free port. */
  readonly sipPort: number
  readonly clientPort: number
  readonly secret: string
  readonly timers?: Partial<Timers>
}

export type SipServer = ReturnType<typeof createSipServer>

const transports: readonly TransportName[] = ['udp', 'tcp']

/** A SIP server for apps that speak the drachtio client protocol. */
export function createSipServer(options: SipServerOptions) {
  const sessions = new Set<ClientSession>()
  const turns = new Map<string, number>()
  let server: Server | undefined

  const agent = createUserAgent({
    host: options.host,
    port: options.sipPort,
    transports,
    ...(options.timers === undefined ? {} : { timers: options.timers }),
    onRequest(incoming) {
      if (incoming.dialog === undefined) receiveNew(incoming)
      else receiveInside(incoming, incoming.dialog)
    },
    onDialogEnded: tellOfBye,
  })

  /** Apps take turns, for each verb separately (one turn per request). */
  function nextApp(verb: string): ClientSession | undefined {
    const able = [...sessions].filter((each) => each.isReady && each.verbs.has(verb))
    if (able.length === 0) return undefined
    const turn = (turns.get(verb) ?? 0) % able.length
    turns.set(verb, turn + 1)
    return able[turn]
  }

  const ownerOf = (dialog: Dialog): ClientSession | undefined =>
    [...sessions].find((each) => each.dialogs.get(dialog.id) === dialog)

  function receiveNew(incoming: Incoming): void {
    const app = nextApp(incoming.request.method.toLowerCase())
    if (app === undefined) incoming.respond({ status: 503, reason: 'Service Unavailable' })
    else app.deliver(incoming, agent.local(incoming.peer.transport))
  }

  function receiveInside(incoming: Incoming, dialog: Dialog): void {
    const app = ownerOf(dialog)
    if (app === undefined) incoming.respond({ status: 481, reason: 'Call Does Not Exist' })
    else app.deliver(incoming)
  }

  /** We had to hang up ourselves; the app learns it as a BYE that it must not answer. */
  function tellOfBye(dialog: Dialog, bye: SipRequest): void {
    const app = ownerOf(dialog)
    if (app === undefined) return
    app.disown(dialog)
    const transport = dialog.behindNat?.transport ?? transportOf(dialog.remoteTarget) ?? 'udp'
    const meta = metaOf('application', serialize(bye), { transport, ...agent.local(transport) })
    app.push(meta, `unsolicited|${dialog.id}|`, bye)
  }

  function accept(socket: Socket): void {
    const session = new ClientSession({
      socket,
      secret: options.secret,
      agent: () => agent,
      hostPorts: () => hostPortsOf(agent.addresses()),
      onClosed: (closed) => sessions.delete(closed),
    })
    sessions.add(session)
  }

  return {
    async start(): Promise<void> {
      await agent.start()
      const made = createServer(accept)
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject)
        made.listen(options.clientPort, options.host, () => resolve())
      })
      server = made
    },
    async stop(): Promise<void> {
      const open = server
      server = undefined
      for (const session of sessions) session.close()
      if (open !== undefined) await new Promise<void>((resolve) => open.close(() => resolve()))
      await agent.stop()
    },
    addresses() {
      const bound = server?.address()
      const clientPort = typeof bound === 'object' && bound !== null ? bound.port : 0
      return {
        sip: { host: options.host, port: agent.addresses().udp?.port ?? 0 },
        client: { host: options.host, port: clientPort },
      }
    },
    counts: () => ({ ...agent.counts(), apps: sessions.size }),
  }
}

function hostPortsOf(addresses: Addresses): string {
  return Object.entries(addresses)
    .map(([transport, { host, port }]) => `${transport}/${host}:${port}`)
    .join(',')
}
