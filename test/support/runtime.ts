import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Embedded, EmbeddedOptions } from '../../src/embedded/start-embedded.ts'
import { expectNoNumberBelow } from './at-rest.ts'
import type { Address } from './lines.ts'
import { until } from './ports.ts'

/**
 * The servers that the engine stands on. Those named in the environment (DATABASE_URL, REDIS_URL,
 * DRACHTIO_URL, FREESWITCH_URLS) are used as they are, the others are the embedded ones, as built.
 * With a drachtio server of one's own, SIP_ADDRESS is where it takes SIP.
 */
export type Runtime = {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly drachtioUrl: string
  readonly freeswitchUrls: string
  readonly sip: Address
  readonly dataDir: string
  /** Whether SIP and media are the stand-ins, which tell more about themselves. */
  readonly isEmbedded: boolean
  readonly embedded: Embedded
  /** What died though nobody asked for it, with its last words. */
  readonly deaths: readonly string[]
  stop(): Promise<void>
}

/** Code of the ringback that `ringback: true` in the catalogue stands for. */
export const ringbackCode = 'ring450'

/** The tones there are, by the frequency that each is named after: far enough from each other to be told apart. */
const toneCodes = [ringbackCode, 'ring650', 'ring850']

export const toneHertz = (code: string): number => Number(code.replace('ring', ''))

export async function startRuntime(
  options: { env?: NodeJS.ProcessEnv; restart?: boolean } = {},
): Promise<Runtime> {
  const env = options.env ?? process.env
  const dataDir = await mkdtemp(join(tmpdir(), 'axbridge-'))
  // Postgres runs as a user of its own, who must be able to enter.
  await chmod(dataDir, 0o755)
  for (const code of toneCodes) await writeTone(join(dataDir, 'tones'), code)
  await mkdir(join(dataDir, 'engine'))
  await writeFile(join(dataDir, 'engine', 'number-keys'), `test ${numbersKey}\n`)
  const deaths: string[] = []
  const embedded = await (await embeddedAsBuilt()).startEmbedded({
    dataDir: join(dataDir, 'runtime'),
    start: {
      postgres: isUnset(env['DATABASE_URL']),
      redis: isUnset(env['REDIS_URL']),
      sip: isUnset(env['DRACHTIO_URL']),
      media: isUnset(env['FREESWITCH_URLS']),
    },
    durable: false,
    restart: options.restart ?? false,
    log: {
      info: () => undefined,
      warn: (facts, message) => void deaths.push(`${message}: ${JSON.stringify(facts)}`),
    },
  })
  const databaseUrl = embedded.databaseUrl ?? env['DATABASE_URL'] ?? ''
  await migrate(databaseUrl)
  const [host = '', port = ''] = (embedded.sipAddress ?? env['SIP_ADDRESS'] ?? '').split(':')
  return {
    databaseUrl,
    redisUrl: embedded.redisUrl ?? env['REDIS_URL'] ?? '',
    drachtioUrl: embedded.drachtioUrl ?? env['DRACHTIO_URL'] ?? '',
    freeswitchUrls: embedded.freeswitchUrls ?? env['FREESWITCH_URLS'] ?? '',
    sip: { host: host === '' ? '127.0.0.1' : host, port: port === '' ? 5060 : Number(port) },
    dataDir,
    isEmbedded: embedded.drachtioUrl !== undefined && embedded.freeswitchUrls !== undefined,
    embedded,
    deaths,
    async stop() {
      const pids = Object.values(embedded.pids())
      await embedded.stop()
      await until('the embedded processes are gone', () => !pids.some(isRunning), 5000)
      const remove = () => rm(dataDir, { recursive: true, force: true })
      await expectNoNumberBelow(dataDir).finally(remove)
    },
  }
}

/** Always the same, so that a database that is kept between runs stays readable. */
const numbersKey = 'a1'.repeat(32)

async function migrate(databaseUrl: string): Promise<void> {
  const env = { ...process.env, DATABASE_URL: databaseUrl }
  await promisify(execFile)(process.execPath, ['dist/main.js', 'migrate'], { env })
}

const isUnset = (value: string | undefined) => value === undefined || value === ''

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What is shipped is what is tested: the compiled stand-ins, not their sources. */
async function embeddedAsBuilt(): Promise<{
  startEmbedded(options: EmbeddedOptions): Promise<Embedded>
}> {
  const file = new URL('../../dist/embedded/start-embedded.js', import.meta.url)
  try {
    return await import(file.href)
  } catch (cause) {
    throw new Error('dist/ is missing or not complete: npm run build', { cause })
  }
}

/** Two seconds of a steady tone as 8 kHz mono wav; 450 Hz is the frequency of ringing in China. */
async function writeTone(folder: string, code: string): Promise<void> {
  const seconds = 2
  const samples = new Int16Array(8000 * seconds)
  for (let i = 0; i < samples.length; i++) {
    samples[i] = 8000 * Math.sin((2 * Math.PI * toneHertz(code) * i) / 8000)
  }
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8000, 24)
  header.writeUInt32LE(16_000, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${code}.wav`), Buffer.concat([header, bytesOf(samples)]))
}

const bytesOf = (samples: Int16Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
