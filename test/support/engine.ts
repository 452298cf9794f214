import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type Api, createApi } from './api.ts'
import { expectNoNumberIn } from './at-rest.ts'
import { freeTcpPort, until } from './ports.ts'
import type { Runtime } from './runtime.ts'

/** The built engine as a process of its own: known from outside only, by SIP, HTTP and its log. */
export type Engine = {
  readonly pid: number
  readonly api: Api
  /** Of the first administrator. */
  readonly token: string
  readonly exited: Promise<number | string>
  /** Everything that it wrote, on both channels. */
  log(): string
  signal(name: NodeJS.Signals): void
  /** Ends it in order and fails when it does not go, or not with 0. */
  stop(): Promise<void>
}

const readyMsMax = 30_000
const stopMsMax = 20_000

export async function startEngine(
  runtime: Pick<Runtime, 'databaseUrl' | 'redisUrl' | 'drachtioUrl' | 'freeswitchUrls' | 'dataDir'>,
  options: {
    roles?: string
    env?: Readonly<Record<string, string>>
    /** Where journal, recordings and keys are; shared tones. */
    name?: string
  } = {},
): Promise<Engine> {
  const port = await freeTcpPort()
  const token = 'test-token-of-the-first-administrator'
  const name = options.name ?? 'engine'
  // As in the image.
  const program = ['--enable-source-maps', '--max-semi-space-size=32', 'dist/main.js', 'serve']
  // The kernel ends it when the test is ended by force.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig=KILL', '--', process.execPath],
      ...[...program, '--roles', options.roles ?? allRoles],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: runtime.databaseUrl,
        REDIS_URL: runtime.redisUrl,
        DRACHTIO_URL: runtime.drachtioUrl,
        FREESWITCH_URLS: runtime.freeswitchUrls,
        HTTP_PORT: String(port),
        AXBRIDGE_ADMIN_TOKEN: token,
        // Keys and recordings are shared by all engines of one runtime, the journal is each one's own.
        AXBRIDGE_DATA: join(runtime.dataDir, 'engine'),
        JOURNAL_DIR: join(runtime.dataDir, 'journal', name),
        TONES_DIR: join(runtime.dataDir, 'tones'),
        ROUTER_ID: name,
        LOG_LEVEL: 'debug',
        ...options.env,
      },
    },
  )
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const log = () => Buffer.concat(chunks).toString('utf8')
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? ''))
  })
  const api = createApi(`http://127.0.0.1:${port}`, token)
  await untilReady(api, exited, log).catch((err: unknown) => {
    child.kill('SIGKILL')
    throw err
  })
  return {
    pid: child.pid ?? 0,
    api,
    token,
    exited,
    log,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
      const how = await exited
      clearTimeout(late)
      expectNoNumberIn('the log', log())
      if (how !== 0) throw new Error(`the engine ended with ${how}\n${log().slice(-3000)}`)
    },
  }
}

const allRoles = 'router,api,worker'

async function untilReady(
  api: Api,
  exited: Promise<number | string>,
  log: () => string,
): Promise<void> {
  let over: number | string | undefined
  void exited.then((how) => {
    over = how
  })
  await until(
    'the engine is ready',
    async () => {
      if (over !== undefined)
        throw new Error(`the engine ended with ${over}\n${log().slice(-3000)}`)
      return api.isReady()
    },
    readyMsMax,
    50,
  ).catch((cause: unknown) => {
    throw new Error(`the engine did not become ready\n${log().slice(-3000)}`, { cause })
  })
}
