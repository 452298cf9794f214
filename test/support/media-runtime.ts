import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import Srf from 'drachtio-srf'

/**
 * The two servers that a test of media needs: the stand-ins in processes of their own, or the real ones when
 * DRACHTIO_URL and FREESWITCH_URLS name them.
 */
const require = createRequire(import.meta.url)

export type ServerProcess = {
  readonly ready: Readonly<Record<string, string>>
  counts(): Promise<Record<string, number>>
  stop(): Promise<void>
  kill(): Promise<void>
}

/** Start `src/embedded/<which>/main.ts` and wait for its ready line. */
export async function startServer(which: 'sip' | 'media', args: string[]): Promise<ServerProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', `src/embedded/${which}/main.ts`, ...args],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const waiting: ((line: string) => void)[] = []
  lines.on('line', (line) => waiting.shift()?.(line))
  const nextLine = () => new Promise<string>((resolve) => waiting.push(resolve))
  const gone = once(child, 'exit')
  const line = await Promise.race([nextLine(), gone.then(([code]) => `exit ${code}`)])
  if (!line.startsWith('{')) throw new Error(`the ${which} server did not start: ${line}`)

  return {
    ready: JSON.parse(line),
    async counts() {
      const answer = nextLine()
      child.stdin?.write('counts\n')
      return JSON.parse(await answer)
    },
    async stop() {
      child.stdin?.end()
      await gone
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

export type MediaEvent = { getHeader(name: string): string | null; getBody(): string }

/** What these tests call of a drachtio-fsmrf endpoint. */
export type MediaEndpoint = {
  readonly uuid: string
  readonly local: { readonly sdp: string; readonly mediaPort: string }
  readonly remote: { readonly sdp: string }
  readonly dialog: { destroy(): Promise<unknown> }
  readonly connected: boolean
  play(file: string | string[] | object): Promise<Record<string, string>>
  playCollect(options: object): Promise<Record<string, string | undefined>>
  record(file: string, options: object): Promise<Record<string, string>>
  recordSession(file: string): Promise<MediaEvent>
  set(values: Record<string, string> | string, value?: string): Promise<void>
  execute(application: string, argument?: string): Promise<MediaEvent>
  api(command: string, args?: string | string[]): Promise<MediaEvent>
  bridge(other: MediaEndpoint | string): Promise<void>
  unbridge(): Promise<void>
  mute(): Promise<MediaEvent>
  unmute(): Promise<MediaEvent>
  modify(sdp: string): Promise<unknown>
  getChannelVariables(media: boolean): Promise<Record<string, string | number>>
  destroy(): Promise<void>
  on(event: string, listener: (value: Record<string, string>) => void): void
  once(event: string, listener: (value: Record<string, string> | undefined) => void): void
}

export type MediaConnection = {
  createEndpoint(options?: object): Promise<MediaEndpoint>
  api(command: string): Promise<string>
  disconnect(): void
  readonly maxSessions: number
  readonly currentSessions: number
}

type MrfConstructor = new (srf: Srf) => { connect(options: object): Promise<MediaConnection> }

const Mrf: MrfConstructor = require('drachtio-fsmrf')

export type MediaRuntime = {
  readonly srf: Srf
  readonly media: MediaConnection
  /** Where phones call. */
  readonly sipAddress: string
  /** Only of the stand-in. */
  readonly counts: (() => Promise<Record<string, number>>) | undefined
  stop(): Promise<void>
}

/** Servers, and an application connected to both with the unmodified libraries. */
export async function startMediaRuntime(mediaArgs: string[] = []): Promise<MediaRuntime> {
  const { DRACHTIO_URL, FREESWITCH_URLS } = process.env
  const sip =
    DRACHTIO_URL === undefined
      ? await startServer('sip', ['--sip-port', '0', '--client-port', '0'])
      : undefined
  const server =
    FREESWITCH_URLS === undefined
      ? await startServer('media', ['--rtp-min', '30000', '--rtp-max', '39999', ...mediaArgs])
      : undefined
  const sipClient = hostPort(DRACHTIO_URL ?? `drachtio://:cymru@${sip?.ready['client']}`)
  const esl = hostPort(FREESWITCH_URLS ?? `freeswitch://:ClueCon@${server?.ready['esl']}`)

  const srf = new Srf()
  void srf.connect({ host: sipClient.host, port: sipClient.port, secret: sipClient.password })
  const [, addresses] = (await once(srf, 'connect')) as [unknown, string]
  const media = await new Mrf(srf).connect({
    address: esl.host,
    port: esl.port,
    secret: esl.password,
    listenAddress: '127.0.0.1',
  })
  return {
    srf,
    media,
    sipAddress: /udp\/([\d.]+:\d+)/.exec(addresses)?.[1] ?? '',
    counts: server?.counts,
    async stop() {
      media.disconnect()
      srf.disconnect()
      await server?.stop()
      await sip?.stop()
    },
  }
}

function hostPort(url: string) {
  const { hostname, port, password } = new URL(url.split(',')[0] ?? '')
  return { host: hostname, port: Number(port), password: decodeURIComponent(password) }
}

/** Wait for something to become true; a test that waits longer fails with `what`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  msMax = 5000,
): Promise<void> {
  const deadline = performance.now() + msMax
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
