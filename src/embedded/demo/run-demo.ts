import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePortFrom } from '../free-port.ts'
import { projectFolder } from '../own-program.ts'
import { type Embedded, startEmbedded } from '../start-embedded.ts'
import { type Api, createApi } from './api.ts'
import type { DemoOptions } from './demo-options.ts'
import { type Callee, loadVoices, startCallee, startCaller, type Voices } from './demo-phones.ts'
import { type Engine, startEngine } from './engine-process.ts'
import { type CallRecord, findRecord, findRecording } from './find-record.ts'
import { judgeCall, type Point } from './judge-call.ts'
import { placeCall } from './place-call.ts'
import { type Provisioned, provision } from './provision.ts'
import {
  type AccessKey,
  ensureAccessKey,
  ensureAdminToken,
  ensureKeyFile,
  writePrivately,
} from './secrets.ts'

export type Demo = {
  readonly sip: string
  readonly api: Api
  readonly dataDir: string
  readonly provisioned: Provisioned
  /** Resolves when something that must run has ended. */
  readonly broken: Promise<string>
  tellStory(signal: AbortSignal): Promise<Story>
}

export type Story = { readonly points: readonly Point[]; readonly record: CallRecord | undefined }

type Context = {
  readonly options: DemoOptions
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** What has to be ended, in the order in which it was started. */
  readonly closers: (() => Promise<void>)[]
  step<T>(text: string, work: () => Promise<T>): Promise<T>
}

const calleePortDefault = 5090

/** Everything that the demo needs, up and running. `closers` is filled even when it fails half way. */
export async function startDemo(context: Context): Promise<Demo> {
  const { options, step, closers } = context
  const dataDir = resolve(options.dataDir)
  const folders = {
    logDir: join(dataDir, 'log'),
    recordingsDir: resolve(context.env['RECORDINGS_DIR'] ?? join(dataDir, 'recordings')),
    tonesDir: resolve(context.env['TONES_DIR'] ?? join(projectFolder, 'config/tones')),
  }
  refuseSpaces([folders.recordingsDir, folders.tonesDir])
  const runtime = await step(`starting ${startedHere(options)}`, () => startRuntime(context))
  closers.push(() => runtime.stop())
  const sip = runtime.sipAddress ?? `${options.host}:${options.sipPort}`
  const token = options.adminToken ?? (await ensureAdminToken(dataDir))
  const accessKey = givenAccessKey(context.env) ?? (await ensureAccessKey(dataDir))
  const api = createApi({ url: `http://${options.httpHost}:${options.httpPort}`, token })
  const engine = await step('starting the engine', () =>
    startEngineFor(context, { runtime, dataDir, token, accessKey, ...folders }),
  )
  closers.push(() => engine.stop())

  const voices = await loadVoices(folders.tonesDir)
  const callee = await startOwnCallee(context, dataDir, voices)
  const provisioned = await step('making a pool, X numbers, trunks and a binding', () =>
    provision({
      api,
      sip,
      callerAddresses: [options.host],
      callee: options.callee ?? calleeAddress(options.host, callee),
    }),
  )
  await writeFacts(dataDir, { sip, api: api.url, token, accessKey, provisioned })
  const scene = { context, api, sip, provisioned, voices, callee, ...folders }
  return {
    sip,
    api,
    dataDir,
    provisioned,
    broken: engine.died,
    tellStory: (signal) => tellStory(scene, signal),
  }
}

function givenAccessKey(env: NodeJS.ProcessEnv): AccessKey | undefined {
  const { AXBRIDGE_ACCESS_KEY_ID: id = '', AXBRIDGE_ACCESS_KEY_SECRET: secret = '' } = env
  return id === '' || secret === '' ? undefined : { id, secret }
}

/** The media server's commands are split at spaces: a recording there would be missing without a word. */
function refuseSpaces(folders: readonly string[]): void {
  const odd = folders.find((folder) => /\s/.test(folder))
  if (odd === undefined) return
  throw new Error(
    `'${odd}' has a space in its name, which a media server cannot use; set AXBRIDGE_DATA or RECORDINGS_DIR to a folder without one (for tones: TONES_DIR)`,
  )
}

function startedHere({ elsewhere }: DemoOptions): string {
  const names = [
    elsewhere.databaseUrl === undefined ? 'Postgres' : undefined,
    elsewhere.redisUrl === undefined ? 'Redis' : undefined,
    elsewhere.drachtioUrl === undefined ? 'SIP server' : undefined,
    elsewhere.freeswitchUrls === undefined ? 'media server' : undefined,
  ].filter((name) => name !== undefined)
  return names.length === 0 ? 'nothing: every server runs elsewhere' : names.join(', ')
}

function startRuntime({ options }: Context): Promise<Embedded> {
  const { elsewhere, dataDir, host, sipPort } = options
  return startEmbedded({
    dataDir,
    host,
    sipPort,
    start: {
      postgres: elsewhere.databaseUrl === undefined,
      redis: elsewhere.redisUrl === undefined,
      sip: elsewhere.drachtioUrl === undefined,
      media: elsewhere.freeswitchUrls === undefined,
    },
    restart: true,
  })
}

async function startEngineFor(
  { options, env, signal }: Context,
  given: {
    readonly runtime: Embedded
    readonly dataDir: string
    readonly token: string
    readonly accessKey: AccessKey
    readonly logDir: string
    readonly recordingsDir: string
    readonly tonesDir: string
  },
): Promise<Engine> {
  const { runtime, dataDir } = given
  const { elsewhere } = options
  await mkdir(given.recordingsDir, { recursive: true, mode: 0o700 })
  const settings = {
    DATABASE_URL: elsewhere.databaseUrl ?? runtime.databaseUrl,
    REDIS_URL: elsewhere.redisUrl ?? runtime.redisUrl,
    DRACHTIO_URL: elsewhere.drachtioUrl ?? runtime.drachtioUrl,
    FREESWITCH_URLS: elsewhere.freeswitchUrls ?? runtime.freeswitchUrls,
    HTTP_HOST: options.httpHost,
    HTTP_PORT: String(options.httpPort),
    AXBRIDGE_ADMIN_TOKEN: given.token,
    AXBRIDGE_ACCESS_KEY_ID: given.accessKey.id,
    AXBRIDGE_ACCESS_KEY_SECRET: given.accessKey.secret,
    AXBRIDGE_DATA: dataDir,
    AXBRIDGE_KEY_FILE: env['AXBRIDGE_KEY_FILE'] ?? (await ensureKeyFile(dataDir)),
    RECORDINGS_DIR: given.recordingsDir,
    TONES_DIR: given.tonesDir,
    DRAIN_SECONDS_MAX: env['DRAIN_SECONDS_MAX'] ?? '10',
    // The migrator's loader would leave a cache in node_modules, after `sudo` one of root's.
    JITI_FS_CACHE: 'false',
  }
  await writeEnvFile(join(dataDir, 'engine.env'), settings)
  return await startEngine({
    env: { ...env, ...settings },
    logDir: given.logDir,
    api: `http://${options.httpHost}:${options.httpPort}`,
    signal,
  })
}

/** For the command line: `set -a; . .data/engine.env; npx axbridge doctor`. */
function writeEnvFile(
  file: string,
  settings: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const lines = Object.entries(settings).map(([name, value = '']) => `${name}=${quoted(value)}\n`)
  return writePrivately(file, lines.join(''))
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** On the same port as last time if it is free, so that the trunk need not change. */
async function startOwnCallee(
  { options, closers }: Context,
  dataDir: string,
  voices: Voices,
): Promise<Callee | undefined> {
  if (options.callee !== undefined) return undefined
  const { host } = options
  const port = await rememberedPort(join(dataDir, 'callee-port'), host)
  const callee = await startCallee({ host, port, voices })
  closers.push(() => callee.phone.stop())
  return callee
}

async function rememberedPort(file: string, host: string): Promise<number> {
  const last = Number(await readFile(file, 'utf8').catch(() => ''))
  const from = Number.isInteger(last) && last > 0 ? last : calleePortDefault
  const port = await freePortFrom({ host, port: from, protocols: ['udp', 'tcp'] })
  await writeFile(file, `${port}\n`)
  return port
}

function calleeAddress(host: string, callee: Callee | undefined) {
  return { host, port: callee?.phone.address.port ?? 5060, transport: 'udp' } as const
}

async function writeFacts(
  dataDir: string,
  given: {
    sip: string
    api: string
    token: string
    accessKey: AccessKey
    provisioned: Provisioned
  },
): Promise<void> {
  const { sip, api, token, accessKey, provisioned } = given
  const { poolKey, numbers } = provisioned
  const { id: accessKeyId, secret: accessKeySecret } = accessKey
  const facts = { sip, api, token, accessKeyId, accessKeySecret, poolKey, numbers }
  await writePrivately(join(dataDir, 'quickstart.json'), `${JSON.stringify(facts, null, 2)}\n`)
}

async function tellStory(
  scene: {
    readonly context: Context
    readonly api: Api
    readonly sip: string
    readonly provisioned: Provisioned
    readonly voices: Voices
    readonly callee: Callee | undefined
    readonly recordingsDir: string
  },
  signal: AbortSignal,
): Promise<Story> {
  const { context, api, sip, provisioned, voices, callee, recordingsDir } = scene
  const { step } = context
  const { binding } = provisioned
  const caller = await startCaller(context.options.host)
  try {
    const placed = await step('A calls X, B answers, they talk', () =>
      placeCall({ caller, callee, sip, x: binding.x, voices, signal }),
    )
    const record = await step('waiting for the call record', () =>
      findRecord(api, binding.id, placed.placedAt),
    )
    const recording =
      record?.recorded !== true
        ? undefined
        : await step('listening to the recording', () => findRecording(recordingsDir, record.id))
    return { record, points: judgeCall({ placed, binding, voices, record, recording }) }
  } finally {
    await caller.stop()
  }
}
