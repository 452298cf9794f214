import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'
import { createSql, type Sql, violatedConstraint } from '../../../src/platform/sql.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const insert = (sql: Sql, id: string) =>
  sql.rows({
    name: 'test.insert',
    text: 'insert into account (id, name) values ($1, $1)',
    values: [id],
  })
const exists = async (id: string) =>
  (
    await database.sql.rows({
      name: 'test.find',
      text: 'select 1 from account where id = $1',
      values: [id],
    })
  ).length === 1

test('a transaction is kept when its work succeeds, and leaves nothing when it fails', async () => {
  await database.sql.transaction(async (sql) => {
    await insert(sql, 'kept')
    await sql.transaction((inner) => insert(inner, 'kept-too'))
  })
  const failure = new Error('changed my mind')
  const failing = database.sql.transaction(async (sql) => {
    await insert(sql, 'dropped')
    throw failure
  })
  await expect(failing).rejects.toBe(failure)
  expect([await exists('kept'), await exists('kept-too'), await exists('dropped')]).toEqual([
    true,
    true,
    false,
  ])
})

test('a violated constraint has a name, and any other error has none', async () => {
  const err = await insert(database.sql, 'main').catch((each: unknown) => each)
  expect(violatedConstraint(err)).toBe('account_pkey')
  const wrong = { name: 'test.wrong', text: 'select wrong', values: [] }
  expect(
    violatedConstraint(await database.sql.rows(wrong).catch((each: unknown) => each)),
  ).toBeUndefined()
  expect(violatedConstraint(new Error('23505'))).toBeUndefined()
})

test('a connection that is cut in a transaction says that the database is away, and the pool goes on', async () => {
  const away = { code: 'database-away', httpStatus: 503 }
  const cut = database.sql.transaction(async (sql) => {
    await insert(sql, 'cut')
    const [{ pid } = { pid: 0 }] = await sql.rows<{ pid: number }>({
      name: 'test.pid',
      text: 'select pg_backend_pid() as pid',
      values: [],
    })
    await database.sql.rows({
      name: 'test.kill',
      text: 'select pg_terminate_backend($1)',
      values: [pid],
    })
    await insert(sql, 'cut-too')
  })
  await expect(cut).rejects.toMatchObject(away)
  expect(await exists('cut')).toBe(false)
})

test('a database that is not there is away, and what it says holds no secret', async () => {
  const sql = createSql({ url: 'postgresql://user:hushhush@localhost/none?host=/nowhere', log })
  const err = await insert(sql, 'x').catch((each: unknown) => each)
  expect(err).toMatchObject({
    code: 'database-away',
    httpStatus: 503,
    vendorCode: 'isp.DAO_EXCEPTION',
  })
  expect(String(err)).not.toContain('hushhush')
  await sql.close()
})
