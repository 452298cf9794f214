import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

/**
 * The smallest bridge that drachtio-srf and drachtio-fsmrf can make: a hard-coded route, early media,
 * a tone, both legs joined. No lookup, no privacy, no records, no limits: what the engine's CPU per
 * call is measured against. Errors are not handled on purpose.
 */
type Dialog = {
  readonly remote: { readonly sdp: string }
  destroy(): Promise<unknown>
  on(event: 'destroy', handler: () => void): void
}
type Endpoint = {
  readonly local: { readonly sdp: string }
  play(file: string): Promise<unknown>
  modify(sdp: string): Promise<unknown>
  bridge(other: Endpoint): Promise<unknown>
  api(command: string, args: string): Promise<unknown>
  readonly uuid: string
  destroy(): Promise<unknown>
}
type MediaServer = { createEndpoint(options?: { remoteSdp: string }): Promise<Endpoint> }
type Request = { readonly body: string }
type Response = { send(status: number, options?: { body: string }): void }
type Srf = {
  invite(handler: (request: Request, response: Response) => void): void
  connect(options: { host: string; port: number; secret: string }): void
  on(event: 'connect', handler: () => void): void
  createUAC(uri: string, options: { localSdp: string }): Promise<Dialog>
  createUAS(request: Request, response: Response, options: { localSdp: string }): Promise<Dialog>
}
type MediaOptions = {
  address: string
  port: number
  secret: string
  listenAddress: string
  listenPort: number
}

const require = createRequire(import.meta.url)
const SrfClass = require('drachtio-srf') as new () => Srf
const MrfClass = require('drachtio-fsmrf') as new (
  srf: Srf,
) => { connect(options: MediaOptions): Promise<MediaServer> }

const { values } = parseArgs({
  options: {
    drachtio: { type: 'string', default: '' },
    freeswitch: { type: 'string', default: '' },
    callee: { type: 'string', default: '' },
    tone: { type: 'string', default: '' },
  },
})

async function main(): Promise<void> {
  const srf = new SrfClass()
  const sip = addressOf(values.drachtio)
  const fs = addressOf(values.freeswitch)
  srf.connect({ host: sip.host, port: sip.port, secret: sip.secret })
  await new Promise<void>((resolve) => srf.on('connect', resolve))
  const media = await new MrfClass(srf).connect({
    address: fs.host,
    port: fs.port,
    secret: fs.secret,
    listenAddress: '127.0.0.1',
    listenPort: 0,
  })
  srf.invite((request, response) => void bridge(srf, media, request, response))
  process.stdout.write('ready\n')
}

async function bridge(
  srf: Srf,
  media: MediaServer,
  request: Request,
  response: Response,
): Promise<void> {
  const caller = await media.createEndpoint({ remoteSdp: request.body })
  response.send(183, { body: caller.local.sdp })
  caller.play(values.tone).catch(() => undefined)
  const callee = await media.createEndpoint()
  const calleeDialog = await srf.createUAC(values.callee, { localSdp: callee.local.sdp })
  await callee.modify(calleeDialog.remote.sdp)
  const callerDialog = await srf.createUAS(request, response, { localSdp: caller.local.sdp })
  await caller.bridge(callee)
  const end = (other: Dialog) => () => {
    for (const each of [other, caller, callee]) each.destroy().catch(() => undefined)
  }
  callerDialog.on('destroy', end(calleeDialog))
  calleeDialog.on('destroy', end(callerDialog))
}

function addressOf(url: string): { host: string; port: number; secret: string } {
  const { hostname, port, password } = new URL(url)
  return { host: hostname, port: Number(port), secret: decodeURIComponent(password) }
}

await main()
