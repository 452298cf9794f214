import { beforeEach, describe, expect, test } from 'vitest'
import { createAlarms } from '../../../src/alarms/alarms.ts'
import { createSightingWatch } from '../../../src/alarms/sighting-watch.ts'
import { createSightingReport, type Sighting } from '../../../src/alarms/sightings.ts'
import type { Health } from '../../../src/alarms/steady.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { mainAccount } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { straightInto } from '../../support/straight-in.ts'

const log = createLogger({ level: 'silent' })
let database: TestDatabase
let straight: ReturnType<typeof straightInto>
let nowMs: number

beforeEach(async () => {
  database = await createTestDatabase()
  straight = straightInto(database.sql)
  nowMs = 0
  return () => database.drop()
})

const host = '10.0.0.7:8021'
const media = (health: Health, subject = host): Sighting => ({
  ...{ kind: 'media-host-down', subject, health, detail: `${subject} is ${health}.` },
})
const trunk = (health: Health, subject = 'carrier-1'): Sighting => ({
  ...{ kind: 'trunk-down', subject, health, detail: `${subject} is ${health}.` },
})

const router = (reporter: string) => createSightingReport({ sql: database.sql, reporter })
const worker = () =>
  createSightingWatch({ sql: database.sql, operator: mainAccount, log, nowMs: () => nowMs })

async function alarms(open?: boolean, accountId = mainAccount) {
  return (await createAlarms({ sql: database.sql }).list({ accountId, open })).items
}
const openSubjects = async (accountId = mainAccount) =>
  (await alarms(true, accountId)).map(({ kind, subject }) => `${kind} ${subject}`)

/** What is told to whoever has a queue or a push. */
function told() {
  return straight.rows<{ account_id: string; event_id: string }>(
    `select account_id, event_id from receipt_source where message_type = 'AlarmReport' order by id`,
  )
}

const addTrunk = (id: string, account = 'main') =>
  straight.rows(
    `insert into trunk (id, account_id, host, port, transport, addresses, priority, number_format,
                        trusts_identity)
     values ($1, $2, '192.0.2.1', 5060, 'udp', '{}', 1, 'e164-plus', false)`,
    [id, account],
  )

/** The worker looks every two seconds, and the routers named go on telling meanwhile. */
async function pass(
  seconds: number,
  watch: () => Promise<void>,
  telling: readonly (() => Promise<void>)[] = [],
) {
  for (let at = 0; at < seconds; at += 2) {
    nowMs += 2_000
    for (const tell of telling) await tell()
    await watch()
  }
}

describe('what routers see', () => {
  test('becomes one alarm, however many workers look, and one end of it', async () => {
    const [report, workers] = [router('r1'), [worker(), worker(), worker(), worker()]]
    const look = () => Promise.all(workers.map((each) => each()))
    await report([media('well')])
    await look()
    expect(await alarms()).toEqual([])
    await report([media('ill')])
    await look()
    await look()
    expect(await alarms()).toMatchObject([
      {
        ...{ kind: 'media-host-down', subject: host, accountId: 'main', clearedAt: undefined },
        facts: { detail: `${host} is ill.`, routers: 1, routersInAll: 1 },
      },
    ])
    await report([media('well')])
    await look()
    await look()
    const [over] = await alarms()
    expect(over).toMatchObject({ clearedAt: expect.any(Date), unwatched: false })
    expect(await told()).toEqual([
      { account_id: 'main', event_id: `alarm:${over?.id}:raised` },
      { account_id: 'main', event_id: `alarm:${over?.id}:cleared` },
    ])
    await report([media('ill')])
    await look()
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
    expect(await alarms()).toHaveLength(2)
  })

  test('of one router is an alarm though others see no fault, with how many of how many', async () => {
    const [first, second, look] = [router('r1'), router('r2'), worker()]
    await first([media('well'), media('well', 'other:8021')])
    await second([media('ill'), media('well', 'other:8021')])
    await look()
    expect(await alarms(true)).toMatchObject([
      { subject: host, facts: { routers: 1, routersInAll: 2 } },
    ])
    await first([media('ill')])
    await look()
    await second([media('well')])
    await look()
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
    await first([media('well')])
    await look()
    expect(await openSubjects()).toEqual([])
  })

  test('in doubt neither raises an alarm nor ends one', async () => {
    const [first, look] = [router('r1'), worker()]
    await first([media('unknown')])
    await look()
    expect(await openSubjects()).toEqual([])
    await first([media('ill')])
    await look()
    await first([media('unknown')])
    await look()
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
  })

  test('a restarted router goes on from what its last process said', async () => {
    const look = worker()
    await router('r1')([media('ill')])
    await look()
    await pass(40, look)
    const again = router('r1')
    await again([media('unknown')])
    await look()
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
    await again([media('well')])
    await look()
    expect(await alarms()).toMatchObject([{ unwatched: false }])
    expect(await openSubjects()).toEqual([])
  })
})

describe('a router that dies', () => {
  test('takes its own alarms with it after a minute, as unwatched, and no other’s', async () => {
    const [first, second, look] = [router('r1'), router('r2'), worker()]
    const telling = [() => second([media('ill', 'other:8021')])]
    await first([media('ill')])
    await telling[0]?.()
    await look()
    await pass(56, look, telling)
    expect(await openSubjects()).toHaveLength(2)
    await pass(10, look, telling)
    expect(await openSubjects()).toEqual(['media-host-down other:8021'])
    expect(await alarms(false)).toMatchObject([{ subject: host, unwatched: true }])
  })

  test('does not end an alarm that another router sees too', async () => {
    const [first, second, look] = [router('r1'), router('r2'), worker()]
    await first([media('ill')])
    await pass(70, look, [() => second([media('ill')])])
    expect(await alarms()).toMatchObject([{ clearedAt: undefined }])
  })

  test('leaves what others see well to them: that is no “unwatched”', async () => {
    const [first, second, look] = [router('r1'), router('r2'), worker()]
    await first([media('ill')])
    await second([media('well')])
    await look()
    await pass(70, look, [() => second([media('well')])])
    expect(await alarms()).toMatchObject([{ clearedAt: expect.any(Date), unwatched: false }])
  })

  test('is not taken for dead by a worker that has not looked for long, or could not', async () => {
    const look = worker()
    await router('r1')([media('ill')])
    await look()
    await pass(30, look)
    // As when the machine, or its database, was away for an hour.
    nowMs += 3_600_000
    await look()
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
    await pass(58, look)
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
    await pass(4, look)
    expect(await openSubjects()).toEqual([])
  })

  test('and comes back in that moment is not forgotten', async () => {
    const [first, look] = [router('r1'), worker()]
    await first([media('ill')])
    await pass(58, look)
    await first([media('ill')])
    await pass(58, look)
    expect(await openSubjects()).toEqual([`media-host-down ${host}`])
  })
})

describe('trunks', () => {
  test('the alarm is the trunk’s owner’s, and nobody else sees it', async () => {
    await straight.rows(`insert into account (id, name) values ('other', 'Other')`)
    await addTrunk('carrier-1')
    await addTrunk('carrier-2', 'other')
    const look = worker()
    await router('r1')([trunk('ill'), trunk('ill', 'carrier-2')])
    await look()
    expect(await openSubjects()).toEqual(['trunk-down carrier-1'])
    expect(await openSubjects('other' as AccountId)).toEqual(['trunk-down carrier-2'])
    expect(new Set((await told()).map(({ account_id }) => account_id))).toEqual(
      new Set(['main', 'other']),
    )
  })

  test('one that is removed, or not asked any more, has no alarm left', async () => {
    await addTrunk('carrier-1')
    await addTrunk('carrier-2')
    const [report, look] = [router('r1'), worker()]
    await report([trunk('ill'), trunk('ill', 'carrier-2')])
    await look()
    expect(await openSubjects()).toHaveLength(2)
    await straight.rows(`delete from trunk where id = 'carrier-1'`)
    await look()
    expect(await openSubjects()).toEqual(['trunk-down carrier-2'])
    await report([trunk('well')])
    await look()
    expect(await openSubjects()).toEqual([])
    expect(await alarms()).toMatchObject([{ unwatched: true }, { unwatched: true }])
  })
})

describe('the list', () => {
  test('knows kinds and times', async () => {
    await addTrunk('carrier-1')
    const [report, look] = [router('r1'), worker()]
    await report([trunk('ill'), media('ill')])
    await look()
    await straight.rows(
      `update alarm set raised_at = now() - interval '2 days' where kind = 'trunk-down'`,
    )
    const list = createAlarms({ sql: database.sql }).list
    const accountId = mainAccount
    expect((await list({ accountId, kind: 'trunk-down' })).items).toHaveLength(1)
    const since = new Date(Date.now() - 86_400_000)
    expect((await list({ accountId, since })).items.map(({ kind }) => kind)).toEqual([
      'media-host-down',
    ])
    await report([trunk('well')])
    await look()
    expect((await list({ accountId, since, kind: 'trunk-down' })).items).toHaveLength(1)
  })
})
