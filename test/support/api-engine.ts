import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Role, startEngine } from '../../src/app/engine.ts'
import { loadSettings } from '../../src/platform/settings.ts'
import { createVault, readVaultKeys, type Vault } from '../../src/platform/vault.ts'
import { expectNoNumberIn } from './at-rest.ts'
import { freeTcpPort } from './ports.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'
import { startRedis, type TestRedis } from './redis.ts'

export type ApiEngine = {
  readonly base: string
  /** Of the environment: the operator's, with every scope. */
  readonly adminToken: string
  readonly database: TestDatabase
  readonly redis: TestRedis
  readonly vault: Vault
  /** All that was logged so far. */
  log(): string
  stop(): Promise<void>
}

/** The engine itself, as a rule with the role api only, on Postgres and Redis of its own: whatever is joined there is here. */
export async function startApiEngine(
  roles: readonly Role[] = ['api'],
  env: Readonly<Record<string, string>> = {},
): Promise<ApiEngine> {
  const [database, redis, dir] = await Promise.all([
    createTestDatabase(),
    startRedis(),
    mkdtemp('/tmp/axb-api-'),
  ])
  const keyFile = join(dir, 'number-keys')
  await writeFile(keyFile, `k1 ${'07'.repeat(32)}\n`)
  const adminToken = 'the-admin-token-of-the-tests'
  const port = await freeTcpPort()
  const settings = loadSettings({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    DRACHTIO_URL: 'drachtio://:none@127.0.0.1:1',
    FREESWITCH_URLS: 'freeswitch://:none@127.0.0.1:1',
    AXBRIDGE_ADMIN_TOKEN: adminToken,
    AXBRIDGE_DATA: dir,
    HTTP_PORT: String(port),
    RECEIPT_PRIVATE_HOSTS: 'true',
    // Nobody is there: what goes to it waits.
    KAFKA_BROKERS: '127.0.0.1:1',
    ...env,
  })
  let logged = ''
  const write = (line: string) => {
    logged += line
  }
  const log = pino({ level: 'trace' }, { write })
  const engine = await startEngine(settings, roles, log)
  return {
    base: `http://127.0.0.1:${port}`,
    adminToken,
    database,
    redis,
    vault: createVault(await readVaultKeys(keyFile)),
    log: () => logged,
    async stop() {
      await engine.stop()
      await redis.stop()
      await database.drop()
      await rm(dir, { recursive: true, force: true })
      expectNoNumberIn('the log', logged)
    },
  }
}
