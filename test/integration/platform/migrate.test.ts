import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'
import { migrate } from '../../../src/platform/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
const log = createLogger({ level: 'silent' })
const run = () => migrate({ databaseUrl: database.url, log })

beforeEach(async () => {
  database = await createEmptyDatabase()
})
afterEach(() => database.drop())

test('an empty database gets every migration, in order, and then needs none', async () => {
  const files = await readdir('src/platform/migrations')
  expect(await run()).toEqual(files.sort().map((file) => file.replace('.sql', '')))
  expect(await run()).toEqual([])
  const accounts = { name: 'test.accounts', text: 'select id from account', values: [] }
  expect(await database.sql.rows(accounts)).toEqual([{ id: 'main' }])
})

test('of several that start at once one does the work and the others wait for it', async () => {
  const done = await Promise.all([run(), run(), run()])
  expect(done.filter((names) => names.length > 0)).toHaveLength(1)
})
