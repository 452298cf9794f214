import { expect, test } from 'vitest'
import { createAlarms } from '../../../src/alarms/alarms.ts'
import { createCertificationAlarms } from '../../../src/certification/certification-alarms.ts'
import type { CertifierId, VirtualNumber } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { sourceBody } from '../../../src/receipts/source-receipts.ts'
import { accountId, aRoom, day, formOf, tokenIn } from './a-room.ts'

const at = aRoom()
const log = createLogger({ level: 'silent' })
const { national } = createNumberParser({ country: 'CN' })

/** A worker's look, by the room's clock. */
const look = () => createCertificationAlarms({ sql: at.sql, clock: { now: at.now }, log })()
const inDays = (days: number) => new Date(at.now().getTime() + days * day)

async function certified(numbers: readonly VirtualNumber[], until: Date | undefined, who = 1) {
  const { id, review } = await at.submitted(numbers, who)
  await at.room.reviews.approve(review, until)
  return id
}

async function again(id: CertifierId, until: Date | undefined, who = 1): Promise<void> {
  const { link } = await at.room.certifiers.renewLink(accountId, id)
  await at.room.guided.submit(tokenIn(link.url), formOf(who))
  await at.room.reviews.approve(await at.newestReview(), until)
}

async function of(id: CertifierId) {
  const kind = 'certification-expiring' as const
  const { items } = await createAlarms({ sql: at.sql }).list({ accountId, kind, limit: 200 })
  return items.filter(({ subject }) => subject === id)
}
const openStage = async (id: CertifierId) =>
  (await of(id)).find(({ clearedAt }) => clearedAt === undefined)?.threshold

/** What became of it, as it is told. */
async function told(id: CertifierId): Promise<readonly string[]> {
  const rows = await at.rows<{ event: string }>(
    `select event_id as event from receipt_source where body ->> 'subject' = $1 order by id`,
    [id],
  )
  return rows.map(({ event }) => event.replace(/^alarm:\d+:/, ''))
}

test('is raised thirty days ahead, gets worse at seven, at one and when it has run out, and is over when somebody is certified anew', async () => {
  const numbers = at.some(2)
  await at.aPool(numbers)
  const id = await certified(numbers, inDays(31))
  await look()
  expect(await of(id)).toEqual([])
  at.after(day)
  await look()
  await look()
  const [alarm] = await of(id)
  expect(alarm).toMatchObject({
    ...{ kind: 'certification-expiring', subject: id, threshold: 30, clearedAt: undefined },
    facts: { numbers, numberCount: 2, certifiedUntil: inDays(30).toISOString() },
  })
  at.after(22.9 * day)
  await look()
  expect(await openStage(id)).toBe(30)
  at.after(0.1 * day)
  await Promise.all([look(), look(), look()])
  expect(await openStage(id)).toBe(7)
  at.after(6 * day)
  await look()
  expect(await openStage(id)).toBe(1)
  at.after(day)
  await at.room.keeper.round()
  await look()
  expect(await openStage(id)).toBe(0)
  expect(await at.certifiedOf(numbers)).toEqual([false, false])
  await again(id, inDays(365))
  await Promise.all([look(), look()])
  expect(await openStage(id)).toBeUndefined()
  expect(await told(id)).toEqual(['raised', 'worse:7', 'worse:1', 'worse:0', 'cleared'])
  expect(await of(id)).toHaveLength(1)
})

test('what is told of it names X and says nothing of the person', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const id = await certified(numbers, inDays(3))
  await look()
  const [row] = await at.rows<{ body: Record<string, unknown>; happened_at: Date }>(
    `select body, happened_at from receipt_source where body ->> 'subject' = $1`,
    [id],
  )
  const source = { type: 'AlarmReport', poolKey: undefined, facts: row?.body ?? {} } as const
  const report = sourceBody({ ...source, happenedAt: row?.happened_at ?? new Date() }, national)
  expect(report).toMatchObject({
    ...{ kind: 'certification-expiring', state: 'raised', subject: id, threshold: 7 },
    ...{ numbers: [numbers[0]?.replace('+86', '')], number_count: 1 },
    certified_until: '2030-02-03 16:00:00',
  })
  expect(JSON.stringify(report)).not.toMatch(/138\d{8}|张三|123X/)
})

test('a certification without end, or far from it, is none; nor is one that ran out long ago', async () => {
  const [forever, far, old] = [at.some(1), at.some(1), at.some(1)]
  for (const numbers of [forever, far, old]) await at.aPool(numbers)
  const ids = [
    await certified(forever, undefined),
    await certified(far, inDays(400), 2),
    await certified(old, inDays(1), 3),
  ]
  at.after(100 * day)
  await at.room.keeper.round()
  await look()
  for (const id of ids) expect(await of(id)).toEqual([])
})

test('numbers for which somebody else stands for longer need nobody', async () => {
  const [shared, lonely] = [at.some(1), at.some(1)]
  await at.aPool([...shared, ...lonely])
  const first = await certified(shared, inDays(5))
  const second = await certified([...shared, ...lonely], inDays(400), 2)
  await look()
  expect(await of(first)).toEqual([])
  // Now the second is the one to run out, and nobody is left for the first number either.
  await again(second, inDays(10), 2)
  await look()
  expect(await openStage(first)).toBe(7)
  expect((await of(second))[0]?.facts.numberCount).toBe(2)
  await again(first, inDays(400))
  await look()
  expect(await openStage(first)).toBeUndefined()
  expect(await openStage(second)).toBe(30)
})

test('one who is certified anew, but not for long, is told of afresh', async () => {
  const numbers = at.some(1)
  await at.aPool(numbers)
  const id = await certified(numbers, inDays(5))
  await look()
  await again(id, inDays(20))
  await look()
  expect(
    (await of(id)).map(({ threshold, clearedAt }) => [threshold, clearedAt === undefined]),
  ).toEqual([
    [30, true],
    [7, false],
  ])
})

test('it is over when the certifier, or every number of it, is gone', async () => {
  const [one, two] = [at.some(1), at.some(1)]
  for (const numbers of [one, two]) await at.aPool(numbers)
  const removed = await certified(one, inDays(5))
  const emptied = await certified(two, inDays(5), 2)
  await look()
  await at.room.certifiers.remove(accountId, removed)
  await at.rows('delete from number where x = $1', [two[0]])
  await look()
  for (const id of [removed, emptied]) expect(await openStage(id)).toBeUndefined()
})
