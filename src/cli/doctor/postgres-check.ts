import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Finding, fail, ok, reasonOf, warn } from './finding.ts'

const part = 'postgres'
/** The schema uses nothing newer; older ones are past their end of life. */
const versionMin = 14
/** Expiry is exact to the second: more than a second apart and bindings end early or late. */
const skewMsWarn = 1_000
const skewMsFail = 30_000

export async function checkPostgres(url: string): Promise<Finding[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 3_000,
    query_timeout: 3_000,
    application_name: 'axbridge doctor',
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (err) {
    return [fail(part, `not reachable: ${reasonOf(err)}`, 'start it, or correct DATABASE_URL')]
  }
  try {
    return [await version(client), await schema(client), await clockSkew(client)]
  } finally {
    await client.end().catch(() => {})
  }
}

async function version(client: pg.Client): Promise<Finding> {
  const answer = await client.query<{ server_version: string }>('show server_version')
  const text = answer.rows[0]?.server_version ?? 'unknown'
  const major = Number.parseInt(text, 10)
  return major >= versionMin
    ? ok(part, `reachable, version ${text}`)
    : fail(part, `version ${text} is too old`, `upgrade to ${versionMin} or newer`)
}

async function schema(client: pg.Client): Promise<Finding> {
  const known = await migrationNames()
  const table = await client.query<{ found: boolean }>(
    `select to_regclass('schema_migration') is not null as found`,
  )
  if (table.rows[0]?.found !== true) {
    return fail('schema', 'the database is empty', 'run "axbridge migrate"')
  }
  const done = await client.query<{ name: string }>('select name from schema_migration')
  const run = done.rows.map((each) => each.name)
  const pending = known.filter((name) => !run.includes(name))
  const foreign = run.filter((name) => !known.includes(name))
  if (pending.length > 0) {
    return fail('schema', `not up to date: ${pending.join(', ')}`, 'run "axbridge migrate"')
  }
  return foreign.length > 0
    ? warn('schema', `newer than this program: ${foreign.join(', ')}`, 'update this program')
    : ok('schema', `up to date (${run.length} migrations)`)
}

async function migrationNames(): Promise<string[]> {
  const folder = fileURLToPath(new URL('../../platform/migrations', import.meta.url))
  const files = await readdir(folder)
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort()
}

async function clockSkew(client: pg.Client): Promise<Finding> {
  const askedAt = Date.now()
  const answer = await client.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  )
  const here = (askedAt + Date.now()) / 2
  const skew = Math.round(Math.abs((answer.rows[0]?.ms ?? 0) - here))
  const detail = `${skew} ms apart from Postgres`
  const todo = 'let both machines keep time (NTP)'
  if (skew >= skewMsFail) return fail('clock', detail, todo)
  return skew >= skewMsWarn ? warn('clock', detail, todo) : ok('clock', detail)
}
