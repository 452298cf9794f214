import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Balances, createBalances } from '../../../src/accounts/balances.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { li } from '../../../src/domain/money.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
let balances: Balances
const now = new Date('2030-01-31T08:00:00.125Z')

beforeAll(async () => {
  database = await createTestDatabase()
  balances = createBalances({ sql: database.sql, clock: { now: () => now } })
})
afterAll(() => database.drop())

async function anAccount(id: string): Promise<AccountId> {
  const text = 'insert into account (id, name) values ($1, $1)'
  await database.sql.rows({ name: 'test.account', text, values: [id] })
  return id as AccountId
}

const refused = (code: string) => expect.objectContaining({ code })

test('an account keeps no balance until something is put on it', async () => {
  const accountId = await anAccount('first')
  expect(await balances.get(accountId)).toBeUndefined()
  const change = { accountId, amount: li(250_000), note: 'transfer' }
  const made = await balances.change(change)
  expect(made).toEqual({ ...change, id: made.id, balance: 250_000, createdAt: now })
  await balances.change({ ...change, amount: li(-50_000), note: 'mistake' })
  expect(await balances.get(accountId)).toBe(200_000)
})

test('it does not go below nothing, nor beyond what is exact, and then nothing has changed', async () => {
  const accountId = await anAccount('poor')
  const change = (amount: number) => balances.change({ accountId, amount: li(amount), note: 'x' })
  await expect(change(-1)).rejects.toEqual(refused('balance-range'))
  expect(await balances.get(accountId)).toBeUndefined()
  await change(1)
  await expect(change(-2)).rejects.toEqual(refused('balance-range'))
  await expect(change(1_000_000_000_000_000)).rejects.toEqual(refused('balance-range'))
  await expect(change(0)).rejects.toEqual(refused('invalid-parameters'))
  expect(await balances.get(accountId)).toBe(1)
  expect((await balances.list({ accountId })).items).toHaveLength(1)
})

test('the same key counts once, also at the same time, and is good for the same change only', async () => {
  const accountId = await anAccount('eager')
  const change = { accountId, amount: li(7), note: 'seven', idempotencyKey: 'once' }
  const made = await Promise.all(Array.from({ length: 8 }, () => balances.change(change)))
  expect(new Set(made.map(({ id }) => id)).size).toBe(1)
  expect(await balances.get(accountId)).toBe(7)
  await expect(balances.change({ ...change, amount: li(8) })).rejects.toEqual(
    refused('idempotency-key-reused'),
  )
  expect(await balances.change(change)).toEqual(made[0])
})

test('changes at the same time are all counted, and each tells the balance after it', async () => {
  const accountId = await anAccount('busy')
  await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      balances.change({ accountId, amount: li(at + 1), note: `${at}` }),
    ),
  )
  expect(await balances.get(accountId)).toBe(210)
  const first = await balances.list({ accountId, limit: 15 })
  const rest = await balances.list({ accountId, limit: 15, cursor: first.nextCursor })
  const all = [...first.items, ...rest.items]
  expect(all).toHaveLength(20)
  // By the order in which they took the account: each is the one before and its own amount.
  const byBalance = [...all].sort((a, b) => a.balance - b.balance)
  for (const [at, { amount, balance }] of byBalance.entries()) {
    expect(balance - amount).toBe(byBalance[at - 1]?.balance ?? 0)
  }
})

test('of an account that is not there, and of another', async () => {
  const nobody = 'nobody' as AccountId
  await expect(balances.get(nobody)).rejects.toEqual(refused('account-unknown'))
  const change = { accountId: nobody, amount: li(1), note: 'x' }
  await expect(balances.change(change)).rejects.toEqual(refused('account-unknown'))
  expect((await balances.list({ accountId: nobody })).items).toEqual([])
})
