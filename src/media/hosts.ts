import { connect } from 'node:net'
import Mrf from 'drachtio-fsmrf'
import type { Logger } from '../platform/logger.ts'

export type MediaHostAddress = {
  readonly host: string
  readonly port: number
  readonly password: string
}

/** One FreeSWITCH, reached through one SIP server. */
export type MediaHost = {
  readonly name: string
  readonly server: Mrf.MediaServer | undefined
  readonly up: boolean
  /** Calls of ours on it. */
  load: number
  onLost(handler: () => void): () => void
  close(): void
}

/** From `freeswitch://:password@host:port`, a comma between several. */
export function parseMediaHosts(urls: string): readonly MediaHostAddress[] {
  return urls.split(',').map((text) => {
    const url = new URL(text.trim())
    if (url.protocol !== 'freeswitch:' || url.hostname === '') {
      throw new Error('FREESWITCH_URLS: each must look like freeswitch://:password@host:port')
    }
    return {
      host: url.hostname,
      port: url.port === '' ? 8021 : Number(url.port),
      password: decodeURIComponent(url.password),
    }
  })
}

/** How long a host may take to accept a connection. */
const acceptMsMax = 3000

/**
 * Asked before the library is: a connection of its own that was refused once dials again for ever,
 * and opens a media server beside ours when the host is back.
 */
function takesConnections({ host, port }: MediaHostAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: acceptMsMax })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error('the media host does not answer')))
  })
}

const redialMsMin = 250
/** How late it may be noticed that the host is back. */
const redialMsMax = 1000

/**
 * Connect, and stay connected. After a break the library dials the event socket again but never
 * asks anew where the SIP side is, so each connection here is a fresh one.
 */
export function connectMediaHost(given: {
  readonly srf: object
  readonly address: MediaHostAddress
  readonly listenHost: string
  readonly listenPort: number
  readonly log: Logger
  readonly onChange: (up: boolean) => void
}): MediaHost {
  const { address, log } = given
  const mrf = new Mrf(given.srf)
  const name = `${address.host}:${address.port}`
  const lostHandlers = new Set<() => void>()
  let server: Mrf.MediaServer | undefined
  let closed = false
  let redialMs = redialMsMin
  let redial: NodeJS.Timeout | undefined

  async function dial(): Promise<void> {
    await takesConnections(address)
    const fresh = await mrf.connect({
      address: address.host,
      port: address.port,
      secret: address.password,
      listenAddress: given.listenHost,
      listenPort: given.listenPort,
    })
    if (closed) return fresh.disconnect()
    server = fresh
    redialMs = redialMsMin
    fresh.once('end', () => lost(fresh))
    // Without a listener an error event would end the process.
    fresh.on('error', (err) => log.warn({ err, host: name }, 'media host connection failed'))
    log.info({ host: name }, 'media host connected')
    given.onChange(true)
  }

  function lost(which: Mrf.MediaServer): void {
    if (server !== which) return
    server = undefined
    which.disconnect()
    log.warn({ host: name }, 'media host lost')
    given.onChange(false)
    for (const handler of [...lostHandlers]) handler()
    dialAgain()
  }

  function dialAgain(): void {
    if (closed) return
    redial = setTimeout(() => {
      dial().catch((err: unknown) => {
        log.warn({ err, host: name }, 'media host cannot be reached')
        redialMs = Math.min(redialMs * 2, redialMsMax)
        dialAgain()
      })
    }, redialMs)
  }

  redialMs = 1
  dialAgain()
  redialMs = redialMsMin

  return {
    name,
    get server() {
      return server
    },
    get up() {
      return server !== undefined
    },
    load: 0,
    onLost(handler) {
      lostHandlers.add(handler)
      return () => lostHandlers.delete(handler)
    },
    close() {
      closed = true
      clearTimeout(redial)
      server?.disconnect()
      server = undefined
    },
  }
}
