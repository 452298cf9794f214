import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuditIntent, createAudit } from '../../../src/accounts/audit.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import { mainAccount, until } from '../../support/data-rooms.ts'
import {
  cloneTemplate,
  createTemplate,
  type PostgresCluster,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres.ts'

/** The promise of the audit log: no change is there of which nothing is noted, whatever dies when. */
let cluster: PostgresCluster
let database: TestDatabase
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  cluster = await startPostgres()
  await createTemplate(cluster.url)
  database = await cloneTemplate(cluster.url)
  await database.sql.rows({
    name: 'crash-test.table',
    text: 'create table change (id text primary key)',
    values: [],
  })
})

afterAll(async () => {
  await database.drop()
  await cluster.stop()
})

const nobody = { accountId: mainAccount, actor: 'admin', requestId: 'r', address: '::1' }

/** Notes, changes and finishes one thing after the other, until the database is gone. */
async function change(sql: Sql, worker: number, intents: AuditIntent[]): Promise<void> {
  const audit = createAudit({ sql, clock: { now: () => new Date() }, log })
  try {
    for (let at = 0; ; at += 1) {
      const id = `change-${worker}-${at}`
      const intent = await audit.begin({ ...nobody, action: 'test', subjects: [id] })
      intents.push(intent)
      const values = [id]
      await sql.rows({ name: 'crash-test.change', text: 'insert into change values ($1)', values })
      // Every other one is left as by a process that died before it could tell how it went.
      if (at % 2 === 0) audit.finish(intent, { status: 200, subjects: [id] })
    }
  } catch {
    await audit.settle()
  }
}

test('a Postgres that is killed keeps no change whose note it has lost', async () => {
  const intents: AuditIntent[] = []
  const workers = Array.from({ length: 6 }, (_, worker) => change(database.sql, worker, intents))
  await until(() => intents.length > 400)
  await cluster.crash()
  await Promise.all(workers)
  await cluster.start()
  const [counts] = await database.sql.rows<{ changes: string; unnoted: string }>({
    name: 'crash-test.count',
    text: `
      select count(*) as changes,
             count(*) filter (where not exists (
               select 1 from audit_intent i where i.subjects @> array[c.id]
               union all
               select 1 from audit_entry e where e.subjects @> array[c.id])) as unnoted
        from change c`,
    values: [],
  })
  expect(Number(counts?.changes)).toBeGreaterThan(300)
  expect(counts?.unnoted).toBe('0')
})

test('and who looks later sees each once, those without an outcome too', async () => {
  const later = { now: () => new Date(Date.now() + 600_000) }
  const audit = createAudit({ sql: database.sql, clock: later, log })
  const seen: string[] = []
  let open = 0
  let cursor: string | undefined
  do {
    const page = await audit.list({ accountId: mainAccount, limit: 200, cursor })
    seen.push(...page.items.flatMap((each) => each.subjects))
    open += page.items.filter((each) => each.status === undefined).length
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(new Set(seen).size).toBe(seen.length)
  expect(open).toBeGreaterThan(100)
  expect(open).toBeLessThan(seen.length)
})
