import { expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { AccountId, CertifierId } from '../../../src/domain/ids.ts'
import { person, phone, testVault } from '../../support/data-rooms.ts'
import { accountId, aRoom, day, formOf, ofList, refused, tokenIn } from './a-room.ts'

const other = 'other' as AccountId
const at = aRoom()

test('a pool: what is there and not certified, not what comes later', async () => {
  const numbers = at.some(4)
  const poolKey = await at.aPool(numbers.slice(0, 3))
  await at.rows('update number set certified = true where x = $1', [numbers[0]])
  const entry = { accountId, phone: person(2), numbers: { of: 'pool', poolKey } as const }
  const { certifier, link } = await at.room.certifiers.add(entry)
  expect(certifier).toMatchObject({ numbers: 2, poolKey })
  await at.rows(
    `insert into number (x, x_index, account_id, pool_key, position) values ($1::text, $1::text, 'main', $2, 9)`,
    [numbers[3], poolKey],
  )
  await at.room.guided.submit(tokenIn(link.url), formOf(2))
  await at.room.reviews.approve(await at.newestReview(), undefined)
  expect(await at.certifiedOf(numbers)).toEqual([true, true, true, false])
  expect((await at.room.certifiers.add(entry)).certifier.numbers).toBe(1)
  await at.rows('update number set certified = true where x = $1', [numbers[3]])
  await expect(at.room.certifiers.add(entry)).rejects.toEqual(refused('nothing-to-certify'))
})

test.each(['95AXN', 'X_MODE'] as const)(
  '%s numbers need none, and are refused',
  async (product) => {
    const numbers = at.some(1)
    const poolKey = await at.aPool(numbers, { product })
    await expect(at.room.certifiers.add(ofList(numbers))).rejects.toEqual(
      refused('certification-not-needed'),
    )
    await expect(
      at.room.certifiers.add({ accountId, phone: person(1), numbers: { of: 'pool', poolKey } }),
    ).rejects.toEqual(refused('certification-not-needed'))
  },
)

test.each(['AXB', 'AXN', 'AXN_EXTENSION', 'AXG'] as const)(
  '%s numbers can be certified',
  async (product) => {
    const numbers = at.some(2)
    const poolKey = await at.aPool(numbers, { product: product satisfies Product })
    const entry = { accountId, phone: person(1), numbers: { of: 'pool', poolKey } as const }
    expect((await at.room.certifiers.add(entry)).certifier.numbers).toBe(2)
  },
)

test('an entry that cannot be is refused, and nothing is left of it', async () => {
  const mine = at.some(1)
  await at.aPool(mine)
  const theirs = at.some(1)
  const theirPool = await at.aPool(theirs, { account: 'other' })
  const before = await at.rows('select 1 from certifier')
  const bad: [object, string][] = [
    [ofList([...mine, ...theirs]), 'number-unknown'],
    [ofList([]), 'invalid-parameters'],
    [ofList([...mine, ...mine]), 'invalid-parameters'],
    [ofList(at.some(1001)), 'invalid-parameters'],
    [{ ...ofList(mine), remark: '' }, 'invalid-parameters'],
    [{ ...ofList(mine), remark: 'x'.repeat(51) }, 'invalid-parameters'],
    [{ accountId, phone: person(1), numbers: { of: 'pool', poolKey: theirPool } }, 'pool-unknown'],
  ]
  for (const [entry, code] of bad) {
    await expect(at.room.certifiers.add(entry as never), code).rejects.toEqual(refused(code))
  }
  await expect(at.room.certifiers.add(ofList([...mine, ...theirs]))).rejects.toThrow(
    'by their place in the list: 2',
  )
  await at.rows('update number set x_index = $2 where x = $1', [
    mine[0],
    testVault.blindIndex(phone('+8613900000009')),
  ])
  const virtual = { ...ofList(mine), phone: phone('+8613900000009') }
  await expect(at.room.certifiers.add(virtual)).rejects.toEqual(refused('party-is-virtual'))
  expect(await at.rows('select 1 from certifier')).toHaveLength(before.length)
})

test('a pool with too many numbers for one person is refused', async () => {
  const poolKey = await at.aPool()
  await at.rows(
    `insert into number (x, x_index, account_id, pool_key, position)
     select '+86171' || (10000000 + at), 'many ' || at, 'main', $1, at
       from generate_series(1, 20001) as at`,
    [poolKey],
  )
  const entry = { accountId, phone: person(1), numbers: { of: 'pool', poolKey } as const }
  await expect(at.room.certifiers.add(entry)).rejects.toEqual(refused('too-many-numbers'))
  await at.rows(`update number set certified = true where x = '+8617110000001'`)
  expect((await at.room.certifiers.add(entry)).certifier.numbers).toBe(20_000)
})

test('another account reaches neither entry nor link nor numbers', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { certifier } = await at.room.certifiers.add(ofList(numbers))
  const asks: ((id: CertifierId) => Promise<unknown>)[] = [
    (id) => at.room.certifiers.get(other, id),
    (id) => at.room.certifiers.numbers({ accountId: other, id }),
    (id) => at.room.certifiers.renewLink(other, id),
    (id) => at.room.certifiers.remove(other, id),
  ]
  for (const ask of asks) {
    await expect(ask(certifier.id)).rejects.toEqual(refused('certifier-unknown'))
  }
  expect((await at.room.certifiers.list({ accountId: other })).items).toEqual([])
  expect(await at.room.certifiers.get(accountId, certifier.id)).toMatchObject({ check: 'waiting' })
})

test('of a link only a hash is kept, and one that is wrong, expired, renewed or removed is no link', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { certifier, link } = await at.room.certifiers.add(ofList(numbers))
  const token = tokenIn(link.url)
  const kept = JSON.stringify(
    await at.rows('select * from certifier where id = $1', [certifier.id]),
  )
  expect(kept).not.toContain(token)
  for (const wrong of ['', 'x', `${token}x`, token.slice(1), 'A'.repeat(43), '../certify', '\0']) {
    expect(await at.room.guided.open(wrong)).toBeUndefined()
    expect(await at.room.guided.submit(wrong, formOf())).toEqual({ result: 'closed' })
  }
  at.after(30 * day)
  expect(await at.room.guided.open(token)).toBeUndefined()
  expect(await at.room.guided.submit(token, formOf())).toEqual({ result: 'closed' })
  expect((await at.room.certifiers.get(accountId, certifier.id)).linkExpiresAt).toBeUndefined()

  const renewed = await at.room.certifiers.renewLink(accountId, certifier.id)
  const fresh = tokenIn(renewed.link.url)
  expect(renewed.certifier.linkExpiresAt).toEqual(new Date(at.now().getTime() + 30 * day))
  expect(await at.room.guided.open(token)).toBeUndefined()
  expect(await at.room.guided.open(fresh)).toMatchObject({ state: 'form' })

  await at.room.certifiers.remove(accountId, certifier.id)
  expect(await at.room.guided.open(fresh)).toBeUndefined()
  await expect(at.room.certifiers.get(accountId, certifier.id)).rejects.toEqual(
    refused('certifier-unknown'),
  )
})

test('five wrong phones close a link, however many are tried at once; a new link opens it again', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { certifier, link } = await at.room.certifiers.add(ofList(numbers))
  const token = tokenIn(link.url)
  expect(await at.room.guided.submit(token, formOf(9))).toEqual({
    result: 'wrong-phone',
    triesLeft: 4,
  })
  const tries = await Promise.all(
    Array.from({ length: 12 }, () => at.room.guided.submit(token, formOf(9))),
  )
  expect(tries.filter(({ result }) => result === 'wrong-phone')).toHaveLength(3)
  expect(await at.room.guided.submit(token, formOf(1))).toEqual({ result: 'closed' })
  expect(await at.room.guided.open(token)).toBeUndefined()
  const { link: renewed } = await at.room.certifiers.renewLink(accountId, certifier.id)
  expect(await at.room.guided.submit(tokenIn(renewed.url), formOf(1))).toMatchObject({
    result: 'accepted',
  })
})

test('a suspended account collects nothing from anybody', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers, { account: 'other' })
  const { link } = await at.room.certifiers.add({ ...ofList(numbers), accountId: other })
  const token = tokenIn(link.url)
  await at.rows(`update account set suspended_at = now() where id = 'other'`)
  expect(await at.room.guided.open(token)).toBeUndefined()
  expect(await at.room.guided.submit(token, formOf())).toEqual({ result: 'closed' })
  await at.rows(`update account set suspended_at = null where id = 'other'`)
  expect(await at.room.guided.submit(token, formOf())).toMatchObject({ result: 'accepted' })
})

test('sent twice, also at once, is one check', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { link } = await at.room.certifiers.add(ofList(numbers))
  const token = tokenIn(link.url)
  const before = await at.rows('select 1 from certification_review')
  const results = await Promise.all(
    Array.from({ length: 4 }, () => at.room.guided.submit(token, formOf())),
  )
  expect(results.every(({ result }) => result === 'accepted')).toBe(true)
  expect(await at.room.guided.submit(token, formOf())).toMatchObject({ result: 'accepted' })
  expect(await at.rows('select 1 from certification_review')).toHaveLength(before.length + 1)
})

test('entries and their numbers are paged and filtered', async () => {
  const numbers = at.some(5)
  const poolKey = await at.aPool(numbers)
  const ids: string[] = []
  for (const [place, x] of numbers.entries()) {
    ids.unshift(
      (await at.room.certifiers.add(ofList([x, ...numbers.filter((y) => y > x)], place))).certifier
        .id,
    )
  }
  const first = await at.room.certifiers.list({ accountId, limit: 3 })
  const second = await at.room.certifiers.list({ accountId, limit: 2, cursor: first.nextCursor })
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
  expect((await at.room.certifiers.list({ accountId, x: numbers[0] })).items).toHaveLength(1)
  const pool = { accountId, phone: person(1), numbers: { of: 'pool', poolKey } as const }
  const { certifier, link } = await at.room.certifiers.add(pool)
  expect((await at.room.certifiers.list({ accountId, poolKey })).items).toHaveLength(1)
  await at.room.guided.submit(tokenIn(link.url), formOf())
  const submittedOnes = await at.room.certifiers.list({ accountId, check: 'submitted' })
  expect(submittedOnes.items.map(({ id }) => id)).toContain(certifier.id)
  const until = new Date(at.now().getTime() + day)
  await at.room.reviews.approve(await at.newestReview(), until)
  const isThere = async (filter: object) =>
    (await at.room.certifiers.list({ accountId, ...filter })).items.some(
      ({ id }) => id === certifier.id,
    )
  expect(await isThere({ certified: true })).toBe(true)
  expect(await isThere({ certified: false })).toBe(false)
  expect(await isThere({ endingBefore: new Date(until.getTime() + 1) })).toBe(true)
  expect(await isThere({ endingBefore: until })).toBe(false)
  const { id } = certifier
  const page = await at.room.certifiers.numbers({ accountId, id, limit: 3, certified: true })
  const rest = await at.room.certifiers.numbers({
    accountId,
    id,
    limit: 3,
    cursor: page.nextCursor,
  })
  expect([...page.items, ...rest.items].map(({ x }) => x)).toEqual(numbers)
  await expect(at.room.certifiers.list({ accountId, cursor: '!' })).rejects.toEqual(
    refused('cursor-unknown'),
  )
  const reviews = await at.room.reviews.list({ state: 'approved', limit: 1 })
  expect(reviews.items).toHaveLength(1)
  const more = await at.room.reviews.list({
    state: 'approved',
    limit: 1,
    cursor: reviews.nextCursor,
  })
  expect(Number(more.items[0]?.id)).toBeGreaterThan(Number(reviews.items[0]?.id))
})
