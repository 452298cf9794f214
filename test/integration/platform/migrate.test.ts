import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'
import { migrate } from '../../../src/platform/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('a migrated database needs no migration', async () => {
  const log = createLogger({ level: 'silent' })
  await expect(migrate({ databaseUrl: database.url, log })).resolves.toEqual([])
})

test('the first account exists from the start', async () => {
  const rows = await database.sql.rows({
    name: 'test.accounts',
    text: 'select id from account',
    values: [],
  })
  expect(rows).toEqual([{ id: 'main' }])
})
