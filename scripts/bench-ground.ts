import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { built } from './bench-built.ts'

/** A private Postgres and Redis with the settings of the embedded runtime, as durable as there. */
export type BenchGround = {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly dataDir: string
  /** Another migrated database of the same Postgres. */
  database(name: string): Promise<string>
  /** Another Redis like it. */
  redis(name: string): Promise<string>
  stop(): Promise<void>
}

const numbersKey = 'a1'.repeat(32)

export async function startBenchGround(): Promise<BenchGround> {
  const dataDir = await mkdtemp(join(tmpdir(), 'axbridge-bench-'))
  // Postgres runs as a user of its own, who must be able to enter.
  await chmod(dataDir, 0o755)
  await mkdir(join(dataDir, 'engine'))
  await mkdir(join(dataDir, 'tones'))
  await writeFile(join(dataDir, 'engine', 'number-keys'), `test ${numbersKey}\n`)
  const closers: (() => Promise<void>)[] = []
  const start = async (name: string, parts: { postgres: boolean; redis: boolean }) => {
    const { startEmbedded } = await built.embedded()
    const embedded = await startEmbedded({
      dataDir: join(dataDir, name),
      start: { ...parts, sip: false, media: false },
      durable: true,
    })
    closers.push(() => embedded.stop())
    return embedded
  }
  const stop = async () => {
    process.off('SIGINT', stopAndLeave).off('SIGTERM', stopAndLeave)
    for (const close of closers.toReversed()) await close()
    await rm(dataDir, { recursive: true, force: true })
  }
  // It can be gigabytes: not left behind by Ctrl-C.
  const stopAndLeave = () => void stop().finally(() => process.exit(130))
  process.once('SIGINT', stopAndLeave).once('SIGTERM', stopAndLeave)
  try {
    const { databaseUrl = '', redisUrl = '' } = await start('runtime', {
      postgres: true,
      redis: true,
    })
    await migrate(databaseUrl)
    // While nobody is connected to it: others are copied from this one.
    await createDatabase(databaseUrl, 'empty', 'axbridge')
    return {
      databaseUrl,
      redisUrl,
      dataDir,
      async database(name) {
        await createDatabase(databaseUrl, name, 'empty')
        return databaseUrl.replace(/[^/]*$/, name)
      },
      async redis(name) {
        const started = await start(`redis-${name}`, { postgres: false, redis: true })
        return started.redisUrl ?? ''
      },
      stop,
    }
  } catch (err) {
    await stop().catch(() => undefined)
    throw err
  }
}

async function createDatabase(server: string, name: string, from: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.replace(/[^/]*$/, 'postgres') })
  await client.connect()
  try {
    await client.query(`create database ${name} template ${from}`)
  } finally {
    await client.end()
  }
}

async function migrate(databaseUrl: string): Promise<void> {
  const env = { ...process.env, DATABASE_URL: databaseUrl }
  await promisify(execFile)(process.execPath, ['dist/main.js', 'migrate'], { env })
}
