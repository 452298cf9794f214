import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Query, violatedConstraint } from '../../../src/platform/sql.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const shared = (name: string, text: string, ...values: unknown[]): Query => ({
  name,
  text,
  values,
  shared: true,
})
const insert = (id: string) =>
  shared(
    'test.insert',
    'insert into account (id, name) values ($1, $1) returning id, pg_current_xact_id()::text as tx',
    id,
  )
type Inserted = { readonly id: string; readonly tx: string }
const add = (id: string) => database.sql.rows<Inserted>(insert(id))
const ids = (stem: string, count: number) => Array.from({ length: count }, (_, at) => stem + at)

async function named(stem: string): Promise<string[]> {
  const rows = await database.sql.rows<{ id: string }>({
    name: 'test.named',
    text: `select id from account where id ~ $1 order by id`,
    values: [`^${stem}[0-9]+$`],
  })
  return rows.map(({ id }) => id)
}

test('what comes while a statement is under way is committed together, and each has its own rows', async () => {
  const asked = ids('together', 40)
  const answers = await Promise.all(asked.map(add))
  expect(answers.map(([row]) => row?.id)).toEqual(asked)
  expect(await named('together')).toEqual(asked.toSorted())
  const transactions = new Set(answers.map(([row]) => row?.tx))
  expect(transactions.size).toBeLessThan(asked.length / 2)
})

test('one that comes alone is answered, and so is the next', async () => {
  expect(await add('alone1')).toMatchObject([{ id: 'alone1' }])
  expect(await add('alone2')).toMatchObject([{ id: 'alone2' }])
})

test('one that fails takes nobody with it, and nothing is done twice', async () => {
  const asked = ids('mixed', 20)
  const all = asked.flatMap((id, at) => (at % 5 === 0 ? [id, 'main'] : [id]))
  const outcomes = await Promise.allSettled(all.map(add))
  const failed = all.filter((_, at) => outcomes[at]?.status === 'rejected')
  expect(failed).toEqual(['main', 'main', 'main', 'main'])
  for (const each of outcomes) {
    if (each.status === 'rejected') expect(violatedConstraint(each.reason)).toBe('account_pkey')
  }
  expect(await named('mixed')).toEqual(asked.toSorted())
})

test('one that waits for a lock does not keep the others from their answers', async () => {
  const rename = (id: string) =>
    database.sql.rows(shared('test.rename', 'update account set name = name where id = $1', id))
  let waits = true
  const blocked = await database.sql.transaction(async (sql) => {
    await sql.rows({
      name: 'test.hold',
      text: `update account set name = name where id = 'main'`,
      values: [],
    })
    const first = add('beside0')
    const held = rename('main').finally(() => {
      waits = false
    })
    const others = ids('beside', 8).slice(1).map(add)
    await Promise.all([first, ...others])
    expect(waits).toBe(true)
    return { held }
  })
  await blocked.held
  expect(await named('beside')).toEqual(ids('beside', 8))
})

test('when the server goes away nobody is told of a success that was none', async () => {
  const cut = shared(
    'test.cut',
    'select pg_terminate_backend(pg_backend_pid()) from pg_sleep(0.05)',
  )
  const asked = ids('cut', 20)
  const [, gone, ...outcomes] = await Promise.allSettled([
    add('before1'),
    database.sql.rows(cut),
    ...asked.map(add),
  ])
  expect(gone).toMatchObject({ status: 'rejected', reason: { code: 'database-away' } })
  const told = asked.filter((_, at) => outcomes[at]?.status === 'fulfilled')
  const kept = await named('cut')
  expect(kept).toEqual(told.toSorted())
  expect(told.length).toBeLessThan(asked.length)
  for (const each of outcomes) {
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'database-away' })
  }
  expect(await add('after1')).toMatchObject([{ id: 'after1' }])
})
