import { expect, test } from 'vitest'
import type { CheckStatus } from '../../../src/certification/ports.ts'
import type { ReviewId } from '../../../src/domain/ids.ts'
import { person } from '../../support/data-rooms.ts'
import { accountId, aRoom, day, formOf, ofList, refused, tokenIn } from './a-room.ts'

const at = aRoom()

test('from the entry over the page and the review to certified numbers', async () => {
  const numbers = at.some(3)
  await at.aPool(numbers)
  const { certifier, link } = await at.room.certifiers.add({
    ...ofList(numbers.slice(0, 2)),
    remark: 'Legal',
  })
  expect(link.url).toMatch(/^https:\/\/privacy\.example\.com\/axb\/certify\/[\w-]{43}$/)
  expect(link.expiresAt.getTime() - at.now().getTime()).toBe(30 * day)
  expect(certifier).toMatchObject({
    remark: 'Legal',
    numbers: 2,
    check: 'waiting',
    certified: false,
    poolKey: undefined,
  })
  expect(`${certifier.phone}`).toBe('138****0001')

  const token = tokenIn(link.url)
  expect(await at.room.guided.open(token)).toEqual({
    state: 'form',
    accountName: 'Main account',
    numbers: 2,
    someNumbers: numbers.slice(0, 2),
  })
  expect(await at.room.guided.submit(token, formOf())).toEqual({
    result: 'accepted',
    continueAt: undefined,
  })
  expect(await at.room.guided.open(token)).toEqual({ state: 'submitted' })
  expect(await at.certifiedOf(numbers)).toEqual([false, false, false])

  const id = await at.newestReview()
  const review = await at.room.reviews.get(id)
  expect(review).toMatchObject({
    accountId,
    accountName: 'Main account',
    numbers: 2,
    state: 'pending',
  })
  expect(review.person).toMatchObject({ name: '张三', documentEnd: '123X' })
  expect(review.person?.phone.equals(person(1))).toBe(true)

  const decided = await at.room.reviews.approve(id, undefined)
  expect(decided.state).toBe('approved')
  expect(await at.certifiedOf(numbers)).toEqual([true, true, false])
  expect(await at.room.guided.open(token)).toEqual({ state: 'approved' })
  expect(await at.room.certifiers.get(accountId, certifier.id)).toMatchObject({
    check: 'approved',
    certified: true,
    certifiedUntil: undefined,
  })
  expect((await at.room.reviews.get(id)).person).toBeUndefined()
})

test('what the person filled in is sealed, and gone after the decision', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const case_ = await at.submitted(numbers)
  const text = async () =>
    JSON.stringify(
      await at.rows('select * from certification_review where id = $1', [case_.review]),
    )
  expect(await text()).not.toMatch(/张三|123X/)
  await at.room.reviews.refuse(case_.review, 'The document does not fit.')
  expect(JSON.parse(await text())).toMatchObject([
    { state: 'refused', phone_sealed: null, name_sealed: null, document_sealed: null },
  ])
})

test('a refusal is told to the person, and a new link starts over', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { id, token, review } = await at.submitted(numbers)
  await expect(at.room.certifiers.renewLink(accountId, id)).rejects.toEqual(
    refused('certification-under-review'),
  )
  await at.room.reviews.refuse(review, '  The document is unreadable. ')
  expect(await at.room.guided.open(token)).toEqual({
    state: 'refused',
    reason: 'The document is unreadable.',
  })
  expect(await at.room.guided.submit(token, formOf())).toEqual({ result: 'closed' })
  expect(await at.room.certifiers.get(accountId, id)).toMatchObject({
    check: 'refused',
    refusal: 'The document is unreadable.',
    certified: false,
  })
  const { link } = await at.room.certifiers.renewLink(accountId, id)
  expect(await at.room.guided.submit(tokenIn(link.url), formOf())).toMatchObject({
    result: 'accepted',
  })
  await at.room.reviews.approve(await at.newestReview(), undefined)
  expect(await at.certifiedOf(numbers)).toEqual([true])
})

test('a review is decided once', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { review } = await at.submitted(numbers)
  const results = await Promise.allSettled([
    at.room.reviews.approve(review, undefined),
    at.room.reviews.refuse(review, 'No.'),
    at.room.reviews.approve(review, undefined),
  ])
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  await expect(at.room.reviews.refuse(review, 'No.')).rejects.toEqual(refused('review-decided'))
  await expect(at.room.reviews.approve('77' as ReviewId, undefined)).rejects.toEqual(
    refused('review-unknown'),
  )
  await expect(at.room.reviews.get('77' as ReviewId)).rejects.toEqual(refused('review-unknown'))
  await expect(at.room.reviews.refuse(review, ' ')).rejects.toEqual(refused('invalid-parameters'))
  await expect(at.room.reviews.refuse(review, 'x'.repeat(201))).rejects.toEqual(
    refused('invalid-parameters'),
  )
  await expect(at.room.reviews.approve(review, at.now())).rejects.toEqual(
    refused('invalid-parameters'),
  )
})

test('a certification runs out, unless somebody else stands for the number too', async () => {
  const numbers = at.some(2)
  await at.aPool(numbers)
  const first = await at.submitted(numbers, 1)
  const until = new Date(at.now().getTime() + 90 * day)
  await at.room.reviews.approve(first.review, until)
  const second = await at.submitted(numbers.slice(0, 1), 2)
  await at.room.reviews.approve(second.review, undefined)
  const ending = await at.room.certifiers.ending(new Date(at.now().getTime() + 91 * day))
  expect(ending).toMatchObject([
    { accountId, certifierId: first.id, numbers: 2, certifiedUntil: until },
  ])
  expect(await at.room.certifiers.ending(until)).toEqual([])
  at.after(90 * day)
  expect(await at.room.certifiers.get(accountId, first.id)).toMatchObject({ certified: false })
  await at.room.keeper.round()
  expect(await at.certifiedOf(numbers)).toEqual([true, false])
  expect(await at.room.certifiers.ending(new Date(at.now().getTime() + 91 * day))).toEqual([])
  expect(await at.room.certifiers.get(accountId, first.id)).toMatchObject({
    certified: false,
    certifiedUntil: until,
    check: 'approved',
  })
})

test('renewing keeps what stands until the new check is through', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { id, review } = await at.submitted(numbers)
  await at.room.reviews.approve(review, new Date(at.now().getTime() + 10 * day))
  const { link, certifier } = await at.room.certifiers.renewLink(accountId, id)
  expect(certifier).toMatchObject({ check: 'waiting', certified: true })
  await at.room.guided.submit(tokenIn(link.url), formOf())
  const again = await at.newestReview()
  await at.room.reviews.refuse(again, 'No.')
  expect(await at.certifiedOf(numbers)).toEqual([true])
  expect(await at.room.certifiers.get(accountId, id)).toMatchObject({
    check: 'refused',
    certified: true,
  })
})

test('removing takes the certification and everything known of the person', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const done = await at.submitted(numbers)
  await at.room.reviews.approve(done.review, undefined)
  const waiting = await at.submitted(numbers, 3)
  await at.room.certifiers.remove(accountId, done.id)
  await at.room.certifiers.remove(accountId, waiting.id)
  expect(await at.certifiedOf(numbers)).toEqual([false])
  expect(
    await at.rows('select 1 from certifier where id = any($1)', [[done.id, waiting.id]]),
  ).toEqual([])
  await expect(at.room.reviews.get(waiting.review)).rejects.toEqual(refused('review-unknown'))
  await expect(at.room.certifiers.remove(accountId, done.id)).rejects.toEqual(
    refused('certifier-unknown'),
  )
})

test('a number that is given back drops out, whoever has it next', async () => {
  const numbers = at.some(2)
  await at.aPool(numbers)
  const { id, review } = await at.submitted(numbers)
  await at.rows('delete from number where x = $1', [numbers[0]])
  await at.aPool(numbers.slice(0, 1), { account: 'other' })
  await at.room.reviews.approve(review, undefined)
  expect(await at.certifiedOf(numbers)).toEqual([false, true])
  const list = await at.room.certifiers.numbers({ accountId, id })
  expect(list.items).toMatchObject([{ x: numbers[1], certified: true }])
})

test('what nobody looks at for 60 days is refused and gone', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { id, review } = await at.submitted(numbers)
  at.after(59 * day)
  await at.room.keeper.round()
  expect(await at.room.certifiers.get(accountId, id)).toMatchObject({ check: 'submitted' })
  at.after(day)
  await at.room.keeper.round()
  expect(await at.room.certifiers.get(accountId, id)).toMatchObject({ check: 'refused' })
  expect((await at.room.reviews.get(review)).person).toBeUndefined()
})

test('the worker finishes what a crash has cut short', async () => {
  const numbers = at.some(3)
  await at.aPool(numbers)
  const { id, review } = await at.submitted(numbers)
  // Decided, and died before anything followed.
  await at.rows(
    `update certification_review
        set state = 'approved', decided_at = $2, phone_sealed = null, name_sealed = null,
            document_sealed = null where id = $1`,
    [review, at.now()],
  )
  await at.room.keeper.round()
  expect(await at.certifiedOf(numbers)).toEqual([true, true, true])
  // Marked as removed, and died there.
  await at.rows(
    `update certifier set removed_at = $2, certified_at = null, unapplied = true where id = $1`,
    [id, at.now()],
  )
  await at.room.keeper.round()
  expect(await at.certifiedOf(numbers)).toEqual([false, false, false])
  expect(await at.rows('select 1 from certifier where id = $1', [id])).toEqual([])
})

test('several who decide about the same numbers at once leave the truth', async () => {
  const numbers = at.some(30)
  await at.aPool(numbers)
  for (let round = 0; round < 5; round += 1) {
    const [stays, goes] = [await at.submitted(numbers, 1), await at.submitted(numbers, 2)]
    await at.room.reviews.approve(goes.review, undefined)
    await Promise.all([
      at.room.reviews.approve(stays.review, undefined),
      at.room.certifiers.remove(accountId, goes.id),
      at.room.keeper.round(),
    ])
    expect(new Set(await at.certifiedOf(numbers))).toEqual(new Set([true]))
    await at.room.certifiers.remove(accountId, stays.id)
    expect(new Set(await at.certifiedOf(numbers))).toEqual(new Set([false]))
  }
})

test('a provider with pages of its own, which is away now and then', async () => {
  const checks = new Map<string, { name: string }>()
  let away = true
  let outcome: CheckStatus = { state: 'pending' }
  const whenThere = async <T>(answer: () => T): Promise<T> => {
    if (away) throw new Error('the provider is away')
    return answer()
  }
  const room = at.roomWith({
    start: ({ request, name }) =>
      whenThere(() => {
        checks.set(request, { name })
        return { reference: request, continueAt: 'https://identity.example.com/go' }
      }),
    status: () => whenThere(() => outcome),
    forget: (reference) => whenThere(() => void checks.delete(reference)),
  })
  const numbers = at.some(1)
  await at.aPool(numbers)
  const { certifier, link } = await room.certifiers.add(ofList(numbers))
  const token = tokenIn(link.url)
  // As often as one likes: that the provider was away is not the person's fault.
  for (let time = 0; time < 7; time += 1) {
    await expect(room.guided.submit(token, formOf())).rejects.toThrow('away')
  }
  expect(await room.guided.open(token)).toMatchObject({ state: 'form' })
  away = false
  expect(await room.guided.submit(token, formOf())).toEqual({
    result: 'accepted',
    continueAt: 'https://identity.example.com/go',
  })
  expect([...checks.values()]).toEqual([{ name: '张三' }])

  away = true
  await room.keeper.round()
  away = false
  outcome = { state: 'approved', validUntil: new Date(at.now().getTime() + 365 * day) }
  await room.keeper.round()
  expect(await at.certifiedOf(numbers)).toEqual([true])

  away = true
  await expect(room.certifiers.remove(accountId, certifier.id)).rejects.toThrow('away')
  // Nobody sees it any more, and the worker goes on until the provider has forgotten the person.
  expect((await room.certifiers.list({ accountId, x: numbers[0] })).items).toEqual([])
  await room.keeper.round()
  expect(checks.size).toBe(1)
  expect(await at.certifiedOf(numbers)).toEqual([false])
  away = false
  await room.keeper.round()
  expect(checks.size).toBe(0)
})

test('a link that is renewed while the provider begins is not certified by what came over the old one', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const forgotten: string[] = []
  const { certifier, link } = await at.room.certifiers.add(ofList(numbers))
  const room = at.roomWith({
    async start({ request }) {
      await at.room.certifiers.renewLink(accountId, certifier.id)
      return { reference: request, continueAt: undefined }
    },
    status: async () => ({ state: 'pending' }),
    forget: async (reference) => void forgotten.push(reference),
  })
  expect(await room.guided.submit(tokenIn(link.url), formOf())).toEqual({ result: 'closed' })
  expect(forgotten).toHaveLength(1)
  expect(await room.certifiers.get(accountId, certifier.id)).toMatchObject({ check: 'waiting' })
})
