import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AccountRooms, createAccountRooms } from '../../../src/accounts/account-rooms.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import { mainAccount, testVault, until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
let rooms: AccountRooms
/** Names of the statements that reached Postgres. */
const asked: string[] = []
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await createTestDatabase()
  rooms = roomsOn(watched(database.sql))
})

afterAll(() => database.drop())

/** What one process has. */
function roomsOn(sql: Sql): AccountRooms {
  return createAccountRooms({ sql, vault: testVault, clock: systemClock, log })
}

function watched(sql: Sql): Sql {
  const rows: Sql['rows'] = (query) => {
    asked.push(query.name)
    return sql.rows(query)
  }
  return { rows, transaction: sql.transaction }
}

const timesAsked = (name: string) => asked.filter((each) => each === name).length
const courier = 'courier' as AccountId
const aToken = { accountId: mainAccount, name: 'test', scopes: ['read'], addresses: [] } as const

/** All that Postgres holds in a table, as text. */
async function tableText(table: string): Promise<string> {
  const rows = await database.sql.rows<{ line: string }>({
    name: `access-test.dump-${table}`,
    text: `select t::text as line from ${table} t`,
    values: [],
  })
  return rows.map((row) => row.line).join('\n')
}

describe('accounts', () => {
  test('the first one is there and runs the installation', async () => {
    expect(await rooms.accounts.get(mainAccount)).toMatchObject({ id: 'main', operator: true })
  })

  test('are made, listed in pages, renamed, suspended and resumed', async () => {
    const made = await rooms.accounts.create({ id: courier, name: 'Couriers' })
    expect(made).toMatchObject({ id: 'courier', operator: false, suspendedAt: undefined })
    const first = await rooms.accounts.list({ limit: 1 })
    expect(first.items.map((each) => each.id)).toEqual(['courier'])
    const rest = await rooms.accounts.list({ limit: 1, cursor: first.nextCursor })
    expect(rest).toMatchObject({ items: [{ id: 'main' }], nextCursor: undefined })
    expect(await rooms.accounts.rename(courier, '快递')).toMatchObject({ name: '快递' })
    const suspended = await rooms.accounts.suspend(courier)
    expect(suspended.suspendedAt).toBeInstanceOf(Date)
    expect(await rooms.accounts.suspend(courier)).toEqual(suspended)
    const listed = await rooms.accounts.list({ suspended: true })
    expect(listed.items).toEqual([suspended])
    expect(await rooms.accounts.resume(courier)).toMatchObject({ suspendedAt: undefined })
  })

  test('refusals say what is wrong', async () => {
    const { accounts } = rooms
    const id = (text: string) => text as AccountId
    await expect(accounts.create({ id: mainAccount, name: 'x' })).rejects.toMatchObject({
      code: 'account-exists',
      httpStatus: 409,
    })
    await expect(accounts.create({ id: id('Über'), name: 'x' })).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
    await expect(accounts.create({ id: id('a'), name: '' })).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
    await expect(accounts.get(id('nobody'))).rejects.toMatchObject({
      code: 'account-unknown',
      vendorCode: 'isv.ACCOUNT_NOT_EXISTS',
    })
    await expect(accounts.suspend(mainAccount)).rejects.toMatchObject({ code: 'account-operates' })
    await expect(accounts.list({ cursor: 'bm9uIQ' })).rejects.toMatchObject({
      code: 'cursor-unknown',
    })
  })
})

describe('tokens', () => {
  test('are found by what was shown once, and kept only as a hash', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000)
    const { token, secret } = await rooms.tokens.create({
      ...aToken,
      scopes: ['read', 'bind'],
      addresses: ['203.0.113.0/24'],
      requestsPerMinuteMax: 60,
      expiresAt,
    })
    expect(secret).toMatch(/^axb_[\w-]{43}_[\w-]{22}$/)
    expect(token.id).toMatch(/^tok-[a-z]{16}$/)
    expect(await rooms.tokenLookup.find(secret)).toEqual({
      tokenId: token.id,
      accountId: mainAccount,
      operator: true,
      suspended: false,
      scopes: ['read', 'bind'],
      addresses: ['203.0.113.0/24'],
      requestsPerMinuteMax: 60,
      expiresAt: new Date(Math.round(expiresAt.getTime() / 1000) * 1000),
    })
    expect(await tableText('access_token')).not.toContain(secret.slice(4, 47))
  })

  test('guesses never reach Postgres, and revoked ones do so once in a while', async () => {
    const { token, secret } = await rooms.tokens.create(aToken)
    await rooms.tokens.revoke(mainAccount, token.id)
    const before = timesAsked('tokens.find')
    const guesses = [`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`, 'guess', '']
    for (const guess of guesses) expect(await rooms.tokenLookup.find(guess)).toBeUndefined()
    expect(timesAsked('tokens.find')).toBe(before)
    for (let at = 0; at < 5; at += 1) {
      expect(await rooms.tokenLookup.find(secret)).toBeUndefined()
    }
    expect(timesAsked('tokens.find')).toBe(before + 1)
  })

  test('are asked of Postgres once in a while, and their use is noted to the minute', async () => {
    const { token, secret } = await rooms.tokens.create(aToken)
    const before = timesAsked('tokens.find')
    for (let at = 0; at < 5; at += 1) await rooms.tokenLookup.find(secret)
    expect(timesAsked('tokens.find')).toBe(before + 1)
    const { lastUsedAt } = await rooms.tokens.get(mainAccount, token.id)
    expect(lastUsedAt).toBeInstanceOf(Date)
    rooms.tokenLookup.forget()
    await rooms.tokenLookup.find(secret)
    expect(await rooms.tokens.get(mainAccount, token.id)).toMatchObject({ lastUsedAt })
  })

  test('a revoked one is refused here at once and elsewhere within seconds', async () => {
    const elsewhere = roomsOn(database.sql)
    const { token, secret } = await rooms.tokens.create(aToken)
    expect(await rooms.tokenLookup.find(secret)).toBeDefined()
    expect(await elsewhere.tokenLookup.find(secret)).toBeDefined()
    const revoked = await rooms.tokens.revoke(mainAccount, token.id)
    expect(revoked.revokedAt).toBeInstanceOf(Date)
    expect(await rooms.tokens.revoke(mainAccount, token.id)).toEqual(revoked)
    expect(await rooms.tokenLookup.find(secret)).toBeUndefined()
    await until(async () => (await elsewhere.tokenLookup.find(secret)) === undefined, 5_000)
  })

  test('those of a suspended account are told so', async () => {
    const { secret } = await rooms.tokens.create({ ...aToken, accountId: courier })
    expect(await rooms.tokenLookup.find(secret)).toMatchObject({ suspended: false })
    await rooms.accounts.suspend(courier)
    expect(await rooms.tokenLookup.find(secret)).toMatchObject({ suspended: true })
    await rooms.accounts.resume(courier)
    expect(await rooms.tokenLookup.find(secret)).toMatchObject({ suspended: false })
  })

  test.each([
    [{ accountId: 'nobody' as AccountId }, 'account-unknown'],
    [{ name: '' }, 'invalid-parameters'],
    [{ scopes: [] }, 'invalid-parameters'],
    [{ scopes: ['read', 'read'] as const }, 'invalid-parameters'],
    [{ scopes: ['root'] as never }, 'invalid-parameters'],
    [{ addresses: ['203.0.113.0/40'] }, 'invalid-parameters'],
    [{ addresses: Array(65).fill('203.0.113.1') }, 'invalid-parameters'],
    [{ requestsPerMinuteMax: 0 }, 'invalid-parameters'],
    [{ expiresAt: new Date(0) }, 'invalid-parameters'],
  ])('%j is refused', async (given, code) => {
    await expect(rooms.tokens.create({ ...aToken, ...given })).rejects.toMatchObject({ code })
  })

  test('of another account are not there', async () => {
    const { token } = await rooms.tokens.create(aToken)
    const refusal = { code: 'token-not-found', httpStatus: 404 }
    await expect(rooms.tokens.get(courier, token.id)).rejects.toMatchObject(refusal)
    await expect(rooms.tokens.revoke(courier, token.id)).rejects.toMatchObject(refusal)
    const listed = await rooms.tokens.list({ accountId: courier })
    expect(listed.items.map((each) => each.id)).not.toContain(token.id)
  })

  test('are listed in pages, also by how they are', async () => {
    const { token } = await rooms.tokens.create(aToken)
    await rooms.tokens.revoke(mainAccount, token.id)
    const { items } = await rooms.tokens.list({ accountId: mainAccount, status: 'revoked' })
    expect(items.map((each) => each.id)).toContain(token.id)
    expect(new Set(items.map((each) => each.status))).toEqual(new Set(['revoked']))
    const good = await rooms.tokens.list({ accountId: mainAccount, status: 'good', limit: 1 })
    expect(good.items).toMatchObject([{ status: 'good' }])
    expect(good.nextCursor).toBeDefined()
  })
})

describe('access keys', () => {
  const aKey = { accountId: courier, name: 'test', scopes: ['bind'], addresses: [] } as const

  test('are found with their secret, which is sealed at rest', async () => {
    const { key, secret } = await rooms.accessKeys.create(aKey)
    expect(key.id).toMatch(/^AK[0-9A-Za-z]{22}$/)
    expect(await rooms.keyLookup.find(key.id)).toEqual({
      keyId: key.id,
      accountId: courier,
      operator: false,
      suspended: false,
      enabled: true,
      scopes: ['bind'],
      addresses: [],
      secrets: [secret],
    })
    expect(await tableText('access_key')).not.toContain(secret)
    expect(await rooms.keyLookup.find('AKnobody')).toBeUndefined()
  })

  test('are disabled, enabled and removed', async () => {
    const { key } = await rooms.accessKeys.create(aKey)
    await rooms.accessKeys.disable(courier, key.id)
    const disabled = await rooms.accessKeys.list({ accountId: courier, enabled: false })
    expect(disabled.items.map((each) => each.id)).toEqual([key.id])
    expect(await rooms.keyLookup.find(key.id)).toMatchObject({ enabled: false })
    await rooms.accessKeys.enable(courier, key.id)
    expect(await rooms.keyLookup.find(key.id)).toMatchObject({ enabled: true })
    await rooms.accessKeys.remove(courier, key.id)
    expect(await rooms.keyLookup.find(key.id)).toBeUndefined()
    await expect(rooms.accessKeys.get(courier, key.id)).rejects.toMatchObject({
      code: 'access-key-unknown',
      httpStatus: 404,
    })
  })

  test('guesses are few in Postgres, however many they are, and do not keep others out', async () => {
    const { key } = await rooms.accessKeys.create(aKey)
    const before = timesAsked('access-keys.find')
    const guesses = Array.from({ length: 500 }, (_, at) => `AK${String(at).padStart(22, '0')}`)
    const found = await Promise.all(guesses.map((guess) => rooms.keyLookup.find(guess)))
    expect(found.filter((each) => each !== undefined)).toEqual([])
    expect(timesAsked('access-keys.find') - before).toBeLessThan(100)
    expect(await rooms.keyLookup.find(key.id)).toBeDefined()
  })

  test('rotate: the old secret goes at once, or stays good for a while', async () => {
    const { key, secret } = await rooms.accessKeys.create(aKey)
    const kept = await rooms.accessKeys.rotate(courier, key.id, 60)
    expect(kept.key.previousUntil?.getTime()).toBeGreaterThan(Date.now())
    const during = await rooms.keyLookup.find(key.id)
    expect(during?.secrets).toEqual([kept.secret, secret])
    const last = await rooms.accessKeys.rotate(courier, key.id, 0)
    expect(last.key.previousUntil).toBeUndefined()
    expect((await rooms.keyLookup.find(key.id))?.secrets).toEqual([last.secret])
    await expect(rooms.accessKeys.rotate(courier, key.id, -1)).rejects.toMatchObject({
      code: 'invalid-parameters',
    })
  })

  test('of another account are not there', async () => {
    const { key } = await rooms.accessKeys.create(aKey)
    const { accessKeys } = rooms
    const refusal = { code: 'access-key-unknown' }
    await expect(accessKeys.get(mainAccount, key.id)).rejects.toMatchObject(refusal)
    await expect(accessKeys.disable(mainAccount, key.id)).rejects.toMatchObject(refusal)
    await expect(accessKeys.rotate(mainAccount, key.id, 0)).rejects.toMatchObject(refusal)
    await expect(accessKeys.remove(mainAccount, key.id)).rejects.toMatchObject(refusal)
    expect((await accessKeys.list({ accountId: mainAccount })).items).toEqual([])
    expect((await accessKeys.list({ accountId: courier, limit: 1 })).nextCursor).toBeDefined()
  })
})
