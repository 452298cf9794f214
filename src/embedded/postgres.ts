import { execFile } from 'node:child_process'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { startChild } from './child-process.ts'
import type { PartProgram } from './part.ts'
import {
  commandLine,
  type EndSteps,
  endProcess,
  identify,
  processesIn,
} from './process-identity.ts'
import { ownFolder, type ServiceAccount } from './service-account.ts'

const run = promisify(execFile)

/** Also the name of the one database and of its owner. */
const user = 'axbridge'

/** Postgres's own words: INT is "fast" (open connections are cut), QUIT is "immediate" (recovery at the next start). */
const endSteps: EndSteps = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5000],
  ['SIGKILL', 5000],
]

const childEndSteps: EndSteps = [
  ['SIGTERM', 5000],
  ['SIGKILL', 5000],
]

/** Nothing of the user's own PG* settings or language may reach the private server. */
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

type PostgresOptions = {
  readonly dataDir: string
  readonly socketDir: string
  readonly logDir: string
  readonly account: ServiceAccount
  /** False: as fast as it goes, for tests; a power cut may damage the data. */
  readonly durable: boolean
}

export function postgresUrl(socketDir: string): string {
  return `postgres://${user}@${encodeURIComponent(socketDir)}/${user}`
}

/**
 * A private Postgres on a unix socket and on no port at all. Whoever can reach the socket is let
 * in: its folder is open to the service account (and root) only.
 */
export async function createPostgres(options: PostgresOptions): Promise<PartProgram> {
  const { dataDir, socketDir, account } = options
  const data = join(dataDir, 'postgres')
  const bin = await findBinaries(data)
  await makeCluster({ ...options, data, bin })
  const commandArgs = serverSettings(options).flatMap((setting) => ['-c', setting])

  return {
    name: 'postgres',
    endSteps,
    async launch() {
      await clearStale(data, socketDir)
      return startChild({
        command: [join(bin, 'postgres'), '-D', data, '-k', socketDir, ...commandArgs],
        setpriv: account.setpriv,
        deathSignal: 'INT',
        logFile: join(options.logDir, 'postgres.log'),
        cwd: '/',
        env,
      })
    },
    async ready(_child, signal) {
      while (!signal.aborted) {
        if (await databaseReady(socketDir)) return
        await sleep(30)
      }
    },
  }
}

function serverSettings({ durable }: PostgresOptions): readonly string[] {
  const always = [
    'listen_addresses=',
    'unix_socket_permissions=0700',
    'max_connections=200',
    'shared_buffers=64MB',
    'jit=off',
    'timezone=UTC',
    'log_min_messages=warning',
    'log_checkpoints=off',
  ]
  // Commits still reach the kernel, so a server that is killed loses nothing.
  return durable ? always : [...always, 'fsync=off', 'full_page_writes=off']
}

/** Debian keeps the server of each version apart and off the PATH. */
async function findBinaries(data: string): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql').catch((): string[] => [])
  const wanted = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined)
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a))
  const version = wanted === undefined ? newestFirst[0] : wanted.trim()
  if (version !== undefined && versions.includes(version))
    return `/usr/lib/postgresql/${version}/bin`
  if (wanted !== undefined) {
    throw new Error(
      `${data} was written by Postgres ${version}, which is not installed (found: ${newestFirst.join(', ') || 'none'})`,
    )
  }
  const { stdout } = await run('sh', ['-c', 'command -v postgres']).catch(() => ({ stdout: '' }))
  const found = stdout.trim()
  if (found === '') throw new Error('Postgres is not installed; run scripts/setup')
  return join(found, '..')
}

/** Made beside its final place and renamed, so that half a cluster is never taken for a whole one. */
async function makeCluster(
  options: PostgresOptions & { readonly data: string; readonly bin: string },
): Promise<void> {
  const { data, bin, account, durable } = options
  const whole = await stat(join(data, 'PG_VERSION')).catch(() => undefined)
  if (whole === undefined) {
    const fresh = `${data}.new`
    await rm(fresh, { recursive: true, force: true })
    await ownFolder(fresh, account)
    const args = ['-D', fresh, '-U', user, '-A', 'trust', '--encoding=UTF8', '--locale=C']
    const sync = durable ? [] : ['--no-sync']
    const command = [join(bin, 'initdb'), ...args, ...sync]
    await run('setpriv', [...account.setpriv, '--', ...command], { cwd: '/', env }).catch(
      (err: unknown) => {
        const words = (err as { stderr?: string }).stderr ?? ''
        throw new Error(`Postgres cannot make its data folder ${fresh}\n${words}`, { cause: err })
      },
    )
    await rename(fresh, data)
  }
  await ownFolder(data, account)
}

/**
 * Postgres refuses to start when `postmaster.pid` names a living process, even one that has
 * nothing to do with it: after a crash and a reboot the same number can be anybody's. So the file
 * is removed here, after making sure that nothing works in the data folder any more: the file is
 * also Postgres's own guard against two servers on the same data.
 */
async function clearStale(data: string, socketDir: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const pid = Number.parseInt(text, 10)
  const left = Number.isInteger(pid) ? identify(pid) : undefined
  if (left !== undefined && commandLine(pid).includes(data)) await endProcess(left, endSteps)
  // The children of a server that was killed notice by themselves and go.
  for (const child of processesIn(data)) await endProcess(child, childEndSteps)
  await rm(file, { force: true })
  await rm(join(socketDir, '.s.PGSQL.5432'), { force: true })
  await rm(join(socketDir, '.s.PGSQL.5432.lock'), { force: true })
}

/** Serves, and holds our database. */
async function databaseReady(socketDir: string): Promise<boolean> {
  const client = new pg.Client({
    host: socketDir,
    user,
    database: 'postgres',
    connectionTimeoutMillis: 5000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [user])
    if (rowCount === 0) await client.query(`create database ${user}`)
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
