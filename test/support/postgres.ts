import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { inject } from 'vitest'
import { createLogger } from '../../src/platform/logger.ts'
import { migrate } from '../../src/platform/migrate.ts'
import { createSql, type SqlPool } from '../../src/platform/sql.ts'
import { expectNoNumberIn } from './at-rest.ts'

const run = promisify(execFile)
const template = 'axbridge_template'

export type PostgresCluster = {
  /** Of the maintenance database. */
  readonly url: string
  /** What `pg_ctl stop -m immediate` does: as good as kill -9, but shared memory is given back. */
  crash(): Promise<void>
  start(): Promise<void>
  /** Stops it and removes its files. */
  stop(): Promise<void>
}

/** A private Postgres on a unix socket, its data thrown away at the end, so nothing is synced to disk. */
export async function startPostgres(): Promise<PostgresCluster> {
  const bin = await binaries()
  const owner = await unprivileged()
  // Socket paths have 107 bytes: a short folder, whatever TMPDIR says.
  const dir = await mkdtemp('/tmp/axb-pg-')
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(dir, owner.uid, owner.gid)
  const data = join(dir, 'data')
  const initdb = ['-D', data, '-U', 'axbridge', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']
  await run(join(bin, 'initdb'), initdb, { ...owner, cwd: dir })

  const url = `postgresql://axbridge@localhost/postgres?host=${encodeURIComponent(dir)}`
  let server: ChildProcess | undefined
  const start = async () => {
    server = spawn(join(bin, 'postgres'), ['-D', data, '-k', dir, ...serverSettings()], {
      ...owner,
      cwd: dir,
      stdio: 'ignore',
    })
    await answering(url, server)
  }
  const end = async (signal: 'SIGINT' | 'SIGQUIT') => {
    const ending = server
    server = undefined
    if (ending === undefined || ending.exitCode !== null) return
    const exited = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await exited
  }
  await start()
  return {
    url,
    start,
    crash: () => end('SIGQUIT'),
    async stop() {
      await end('SIGINT')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function serverSettings(): string[] {
  const settings = [
    'listen_addresses=',
    'fsync=off',
    'full_page_writes=off',
    'max_connections=300',
    'shared_buffers=64MB',
    'autovacuum_naptime=5s',
    'logging_collector=off',
    'log_min_messages=panic',
  ]
  return settings.flatMap((each) => ['-c', each])
}

/** Debian's folders, newest first; otherwise what PATH finds. */
async function binaries(): Promise<string> {
  const root = '/usr/lib/postgresql'
  const versions = (await readdir(root).catch(() => [])).sort((a, b) => Number(b) - Number(a))
  const [newest] = versions
  if (newest !== undefined) return join(root, newest, 'bin')
  const { stdout } = await run('pg_config', ['--bindir'])
  return stdout.trim()
}

/** Postgres refuses to run as root: then another user does it. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const user =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (user === undefined)
    throw new Error('running as root, and there is no user postgres or nobody')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  const until = Date.now() + 20_000
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return
    } catch (err) {
      if (Date.now() > until || server.exitCode !== null) throw err
      await new Promise((resolve) => setTimeout(resolve, 25))
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

function databaseUrl(cluster: string, database: string): string {
  const url = new URL(cluster)
  url.pathname = `/${database}`
  return url.href
}

async function statement(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/** The migrated database from which every test file's own is cloned. */
export async function createTemplate(cluster: string): Promise<void> {
  await statement(cluster, `create database ${template}`)
  const log = createLogger({ level: 'silent' })
  await migrate({ databaseUrl: databaseUrl(cluster, template), log })
}

export type TestDatabase = {
  readonly url: string
  readonly sql: SqlPool
  /** Closes `sql` and drops the database; fails when somebody else still holds a connection. */
  drop(): Promise<void>
}

/** A migrated, empty database of the test file's own, in the cluster that the integration project has started. */
export async function createTestDatabase(
  options: { poolMax?: number } = {},
): Promise<TestDatabase> {
  return cloneTemplate(inject('postgresUrl'), options)
}

/** A database without a schema. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return cloneTemplate(inject('postgresUrl'), { from: 'template1' })
}

export async function cloneTemplate(
  cluster: string,
  { from = template, ...options }: { poolMax?: number; from?: string } = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await statement(cluster, `create database ${name} template ${from}`)
  const url = databaseUrl(cluster, name)
  const sql = createSql({ url, log: createLogger({ level: 'silent' }), ...options })
  return {
    url,
    sql,
    async drop() {
      await searchTables(sql).finally(() => sql.close())
      await dropPatiently(cluster, name)
    },
  }
}

/** Whatever the test has left there, it may hold no real number in clear: see at-rest.ts. */
async function searchTables(sql: SqlPool): Promise<void> {
  const tables = await sql.rows<{ name: string }>({
    name: 'test.tables',
    text: `select format('%I', table_name) as name from information_schema.tables
            where table_schema = 'public' and table_type = 'BASE TABLE'`,
    values: [],
  })
  for (const { name } of tables) {
    const rows = await sql.rows<{ row: string }>({
      name: `test.dump-${name}`,
      text: `select t::text as row from ${name} t`,
      values: [],
    })
    for (const { row } of rows) expectNoNumberIn(`table ${name}`, row)
  }
}

/** A closed client's backend needs a moment to leave; one that stays is a connection left open by the test. */
async function dropPatiently(cluster: string, name: string): Promise<void> {
  const until = Date.now() + 5_000
  for (;;) {
    try {
      return await statement(cluster, `drop database ${name}`)
    } catch (err) {
      if (Date.now() > until) throw new Error('the test left a connection open', { cause: err })
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}
