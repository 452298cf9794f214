import type { Logger } from '../platform/logger.ts'
import {
  createSrf,
  disconnect,
  endDialog,
  forgetDialogs,
  outliveFaults,
  refuseLongMessages,
  type SipRequest,
  type SipResponse,
  type SrfClient,
  stopInvites,
} from './drachtio.ts'
import { allowedMethods } from './identity-out.ts'

export type SipServerAddress = {
  readonly host: string
  readonly port: number
  readonly secret: string
}

/** `endLater`: the dialog outlives the connection, and gets its BYE when the server is back. */
export type ServerLostHandler = (endLater: (dialogId: string) => void) => void

/** One drachtio server that we are a client of. */
export type SipServer = {
  readonly name: string
  readonly srf: SrfClient
  readonly up: boolean
  /** Called when the connection breaks; gives the way to stop listening. */
  onLost(handler: ServerLostHandler): () => void
  stopInvites(): void
  disconnect(): void
}

/** From `drachtio://:secret@host:port`, a comma between several. */
export function parseSipServers(urls: string): readonly SipServerAddress[] {
  return urls.split(',').map((text) => {
    const url = new URL(text.trim())
    if (url.protocol !== 'drachtio:' || url.hostname === '') {
      throw new Error('DRACHTIO_URL: each must look like drachtio://:secret@host:port')
    }
    return {
      host: url.hostname,
      port: url.port === '' ? 9022 : Number(url.port),
      secret: decodeURIComponent(url.password),
    }
  })
}

/** How late it may be noticed that the SIP server is back. */
const redialMsMax = 1000

/** Requests outside a dialog that we do not serve; answered so that the sender stops asking. */
const unserved = ['message', 'register', 'subscribe', 'publish', 'info', 'notify', 'refer']

/**
 * Connect, and stay connected: drachtio-srf dials again by itself. Every verb is registered before
 * connecting: later ones would be counted several times and skew the sharing among routers.
 */
export function createSipServer(given: {
  readonly address: SipServerAddress
  readonly log: Logger
  readonly onInvite: (server: SipServer, request: SipRequest, response: SipResponse) => void
  /** Whether a request outside a call may be told that we are here. */
  readonly knows: (sourceAddress: string) => boolean
  readonly onChange: (up: boolean) => void
}): SipServer {
  const { address, log } = given
  const srf = createSrf()
  const lostHandlers = new Set<ServerLostHandler>()
  const stranded = new Set<string>()
  let up = false

  /** A server that only lost us still has our dialogs; one that was restarted says that it has not. */
  const endStranded = () => {
    for (const dialogId of stranded) {
      endDialog(srf, dialogId, (err) => {
        if (err) log.debug({ err }, 'dialog went with its SIP server')
      })
    }
    stranded.clear()
  }

  const setUp = (now: boolean) => {
    if (up === now) return
    up = now
    given.onChange(now)
    if (now) return endStranded()
    for (const handler of [...lostHandlers]) handler((dialogId) => stranded.add(dialogId))
    forgetDialogs(srf)
  }

  const server: SipServer = {
    name: `${address.host}:${address.port}`,
    srf,
    get up() {
      return up
    },
    onLost(handler) {
      lostHandlers.add(handler)
      return () => lostHandlers.delete(handler)
    },
    stopInvites: () => stopInvites(srf),
    disconnect: () => disconnect(srf),
  }

  srf.use('invite', (request, response) => given.onInvite(server, request, response))
  srf.use('options', (request, response) => {
    if (!given.knows(request.source_address)) return response.send(403)
    response.send(200, { headers: { Allow: allowedMethods, Accept: 'application/sdp' } })
  })
  for (const verb of unserved) {
    srf.use(verb, (request, response) => {
      if (!given.knows(request.source_address)) return response.send(403)
      response.send(405, { headers: { Allow: allowedMethods } })
    })
  }
  srf.on('connect', (err, hostports, version) => {
    if (err) return log.error({ err, server: server.name }, 'SIP server refused our secret')
    log.info({ server: server.name, hostports, version }, 'SIP server connected')
    setUp(true)
  })
  srf.on('error', (err) => log.warn({ err, server: server.name }, 'SIP server connection failed'))
  srf.on('close', () => setUp(false))
  srf.connect({
    host: address.host,
    port: address.port,
    secret: address.secret,
    enablePing: true,
    // Otherwise each attempt waits nearly twice as long as the last, and calls are refused meanwhile.
    reconnect: { retryMaxDelay: redialMsMax },
  })
  outliveFaults(srf, (err) =>
    log.error({ err }, 'a message was handled in no way anybody planned for'),
  )
  refuseLongMessages(srf, () => log.warn({ server: server.name }, 'message too long to be sent'))
  return server
}
