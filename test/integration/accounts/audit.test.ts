import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Audit, type AuditNote, createAudit } from '../../../src/accounts/audit.ts'
import { listQuery } from '../../../src/accounts/audit-rows.ts'
import { createAuditSweep } from '../../../src/accounts/audit-sweep.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { mainAccount } from '../../support/data-rooms.ts'
import { explain } from '../../support/explain.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
let audit: Audit
let now = new Date('2030-01-31T08:00:00.125Z')
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await createTestDatabase()
  audit = createAudit({ sql: database.sql, clock: { now: () => now }, log })
})

afterAll(() => database.drop())

function aNote(given: Partial<AuditNote> = {}): AuditNote {
  return {
    accountId: mainAccount,
    actor: 'tok-abcdefghijklmnop',
    action: 'createBinding',
    subjects: ['FC100000000000001'],
    requestId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
    address: '203.0.113.10',
    ...given,
  }
}

test('what was begun has an entry with its outcome once it is finished', async () => {
  const intent = await audit.begin(aNote())
  expect((await audit.list({ accountId: mainAccount })).items).toEqual([])
  audit.finish(intent, { status: 201, subjects: ['FC100000000000001', '+8617000000001'] })
  await audit.settle()
  expect((await audit.list({ accountId: mainAccount })).items).toEqual([
    {
      ...aNote(),
      id: intent.id,
      at: now,
      subjects: ['FC100000000000001', '+8617000000001'],
      status: 201,
    },
  ])
})

test('many at once are written together, each with its own id', async () => {
  const account = 'busy' as AccountId
  const notes = Array.from({ length: 300 }, (_, at) =>
    aNote({ accountId: account, actor: `actor-${at}` }),
  )
  const intents = await Promise.all(notes.map((note) => audit.begin(note)))
  expect(new Set(intents.map((each) => each.id)).size).toBe(300)
  for (const [at, intent] of intents.entries()) {
    audit.finish(intent, { status: 200, subjects: [`subject-${at}`] })
  }
  await audit.settle()
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await audit.list({ accountId: account, limit: 70, cursor })
    seen.push(...page.items.map((each) => `${each.actor} ${each.subjects.join()}`))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  const wanted = intents.map((_, at) => `actor-${at} subject-${at}`).reverse()
  expect(seen).toEqual(wanted)
})

test('what a process that died had begun is seen, without an outcome', async () => {
  const account = 'lost' as AccountId
  const intent = await audit.begin(aNote({ accountId: account, action: 'deletePool' }))
  expect((await audit.list({ accountId: account })).items).toEqual([])
  now = new Date(now.getTime() + 301_000)
  expect((await audit.list({ accountId: account })).items).toMatchObject([
    { id: intent.id, action: 'deletePool', status: undefined },
  ])
  // It was only slow after all.
  audit.finish(intent, { status: 200, subjects: ['late'] })
  await audit.settle()
  expect((await audit.list({ accountId: account })).items).toMatchObject([
    { id: intent.id, status: 200, subjects: ['late'] },
  ])
})

test('what must not be shown before it is noted, is there when it resolves', async () => {
  const account = 'reveals' as AccountId
  await audit.record(aNote({ accountId: account, action: 'revealBinding' }), 200)
  expect((await audit.list({ accountId: account })).items).toMatchObject([
    { action: 'revealBinding', status: 200 },
  ])
})

test('it is filtered by account, actor, action, subject and time', async () => {
  const account = 'filters' as AccountId
  const start = now
  for (const [at, given] of [
    { actor: 'admin' },
    { action: 'lockNumber', subjects: ['+8617000000001'] },
    { subjects: ['1000000000000001', 'FC100000000000002'] },
  ].entries()) {
    now = new Date(start.getTime() + at * 1000)
    await audit.record(aNote({ accountId: account, ...given }), 200)
  }
  const count = async (filter: object) =>
    (await audit.list({ accountId: account, ...filter })).items.length
  expect(await count({})).toBe(3)
  expect(await count({ actor: 'admin' })).toBe(1)
  expect(await count({ action: 'lockNumber' })).toBe(1)
  expect(await count({ subject: 'FC100000000000002' })).toBe(1)
  expect(await count({ subject: 'FC100000000000001' })).toBe(1)
  expect(await count({ since: new Date(start.getTime() + 1000) })).toBe(2)
  expect(await count({ until: new Date(start.getTime() + 1000) })).toBe(1)
  expect(await count({ accountId: 'nobody' as AccountId })).toBe(0)
  await expect(audit.list({ accountId: account, cursor: 'eA' })).rejects.toMatchObject({
    code: 'cursor-unknown',
  })
})

test('who asks for one thing does not read what was done to all others', async () => {
  const account = 'large' as AccountId
  const notes = Array.from({ length: 2_000 }, (_, at) =>
    aNote({ accountId: account, subjects: [`thing-${at}`] }),
  )
  for (const intent of await Promise.all(notes.map((note) => audit.begin(note)))) {
    audit.finish(intent, { status: 200, subjects: intent.subjects })
  }
  await audit.settle()
  const { rows } = database.sql
  await rows({ name: 'audit-test.analyze', text: 'analyze audit_entry', values: [] })
  const one = await explain(database.sql, listQuery({ accountId: account, subject: 'thing-7' }, 51))
  expect(one.looked('audit_entry'), one.text).toBeLessThan(10)
  const page = await explain(database.sql, listQuery({ accountId: account }, 51))
  expect(page.looked('audit_entry'), page.text).toBeLessThan(60)
})

async function anAccount(id: string): Promise<AccountId> {
  const text = 'insert into account (id, name) values ($1, $1)'
  await database.sql.rows({ name: 'test.account', text, values: [id] })
  return id as AccountId
}

test('what is older than it is to be kept goes, and what was begun that long ago with it', async () => {
  const account = await anAccount('tidy')
  const before = now
  const days = (count: number) => new Date(before.getTime() - count * 86_400_000)
  const ids = async () =>
    (await audit.list({ accountId: account })).items.map(({ requestId }) => requestId)
  for (const [age, requestId] of [
    [401, 'oldest'],
    [400, 'old'],
    [399, 'young'],
  ] as const) {
    now = days(age)
    await audit.record(aNote({ accountId: account, requestId }), 200)
  }
  now = days(402)
  await audit.begin(aNote({ accountId: account, requestId: 'never finished' }))
  now = new Date(before.getTime() + 1)
  const sweep = (keepDays: number) =>
    createAuditSweep({ sql: database.sql, clock: { now: () => now }, keepDays })()
  await sweep(0)
  expect(await ids()).toEqual(['young', 'old', 'oldest', 'never finished'])
  await sweep(400)
  expect(await ids()).toEqual(['young'])
  now = before
})

test('more than one statement takes away goes in one round', async () => {
  const account = await anAccount('tidy-too')
  const { sql } = database
  await sql.rows({
    name: 'test.many',
    text: `insert into audit_entry (id, account_id, at, actor, action, subjects, request_id, address)
           select nextval('audit_serial'), $1, $2, 'admin', 'many', '{}', 'r', '::1'
             from generate_series(1, 4500)`,
    values: [account, new Date(now.getTime() - 2 * 86_400_000)],
  })
  await createAuditSweep({ sql, clock: { now: () => now }, keepDays: 1 })()
  expect((await audit.list({ accountId: account })).items).toEqual([])
})
