import pg from 'pg'
import { DomainError } from '../domain/errors.ts'
import type { Logger } from './logger.ts'
import { createSharedCommits } from './shared-commits.ts'

/** `name` becomes the prepared statement's name: one name, one text. */
export type Query = {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
  /**
   * May share its transaction with others that come at the same time: for frequent statements that
   * are a whole piece of work in themselves. Whether one fails or not is no concern of the others.
   */
  readonly shared?: boolean
}

export type Sql = {
  rows<Row>(query: Query): Promise<Row[]>
  /** Commits when `work` resolves, rolls back when it throws. Inside a transaction: joins it. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
}

export type SqlPool = Sql & { close(): Promise<void> }

/** Long enough for the slowest list, short enough that a stuck statement does not hold a connection. */
const statementMsMax = 5_000
/** A caller waits no longer for a free connection: by then the call or the request is better refused. */
const connectMsMax = 2_000

export function createSql(options: {
  url: string
  /** Connections; more do not help a Postgres with few cores. */
  poolMax?: number
  log: Logger
}): SqlPool {
  const config = {
    connectionString: options.url,
    statement_timeout: statementMsMax,
    // When the server is gone without a word, the statement timeout never comes back from it.
    query_timeout: statementMsMax + 1_000,
    connectionTimeoutMillis: connectMsMax,
    idle_in_transaction_session_timeout: 2 * statementMsMax,
    application_name: 'axbridge',
    // Plans are kept: one that was made while a table was empty must not read all of it an hour later.
    options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off',
  }
  const pool = new pg.Pool({ ...config, max: options.poolMax ?? 10 })
  const onLost = (err: Error) => options.log.warn({ err }, 'idle database connection was lost')
  pool.on('error', onLost)
  const alone = async (statement: pg.QueryConfig): Promise<unknown[]> =>
    (await pool.query(statement)).rows
  const sharedCommits = createSharedCommits({ config, onLost, alone, isFinal: isAway })

  return {
    async rows<Row>(query: Query) {
      try {
        const take = query.shared === true ? sharedCommits.rows : alone
        return (await take(preparable(query))) as Row[]
      } catch (err) {
        throw translated(err)
      }
    },
    async transaction(work) {
      const client = await pool.connect().catch((err: unknown) => {
        throw translated(err)
      })
      return inTransaction(client, work)
    },
    async close() {
      await sharedCommits.close()
      await pool.end()
    },
  }
}

async function inTransaction<T>(client: pg.PoolClient, work: (sql: Sql) => Promise<T>): Promise<T> {
  const session: Sql = {
    async rows<Row>(query: Query) {
      return (await client.query(preparable(query))).rows as Row[]
    },
    transaction: (inner) => inner(session),
  }
  let broken: Error | undefined
  // A client that is checked out has no listener of the pool's: without one, a lost connection ends the process.
  const lost = (err: Error) => {
    broken = err
  }
  client.on('error', lost)
  try {
    await client.query('begin')
    const result = await work(session)
    await client.query('commit')
    return result
  } catch (err) {
    if (broken === undefined) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
    }
    throw translated(err)
  } finally {
    client.off('error', lost)
    client.release(broken)
  }
}

function preparable(query: Query): pg.QueryConfig {
  return { name: query.name, text: query.text, values: [...query.values] }
}

/** SQLSTATE classes and codes that say "no database", or one too slow to be of use, not "bad statement" (PostgreSQL appendix A). */
const awayStatePattern = /^(08|57P0[1-3]|57014|53300|25006)/
const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
const awayMessagePattern =
  /connection terminated|timeout exceeded when trying to connect|not queryable|query read timeout/i

function isAway(err: unknown): boolean {
  if (!(err instanceof Error)) return false
  const code = 'code' in err && typeof err.code === 'string' ? err.code : ''
  return awayStatePattern.test(code) || awayCodes.has(code) || awayMessagePattern.test(err.message)
}

function translated(err: unknown): unknown {
  if (err instanceof DomainError || !isAway(err)) return err
  return new DomainError(
    'database-away',
    503,
    'The database cannot be reached, so nothing was confirmed. Try again shortly; with the same Idempotency-Key nothing happens twice.',
    { vendorCode: 'isp.DAO_EXCEPTION', cause: err },
  )
}

/** The constraint whose violation this error reports, whatever its kind; undefined for any other error. */
export function violatedConstraint(err: unknown): string | undefined {
  if (!(err instanceof pg.DatabaseError) || err.code?.startsWith('23') !== true) return undefined
  return err.constraint
}

/** Two transactions waited for each other and this one was ended for the other's sake: nothing of it was done. */
export function isDeadlock(err: unknown): boolean {
  return err instanceof pg.DatabaseError && err.code === '40P01'
}
