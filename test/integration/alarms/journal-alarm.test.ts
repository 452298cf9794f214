import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAlarms } from '../../../src/alarms/alarms.ts'
import { createSightingWatch } from '../../../src/alarms/sighting-watch.ts'
import { type Closers, closeAll } from '../../../src/app/closers.ts'
import { startRouterSightings } from '../../../src/app/router-sightings.ts'
import { newTrunkHealth } from '../../../src/app/trunk-watch.ts'
import { type CallJournal, createCallJournal } from '../../../src/cdr/call-journal.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createMetrics } from '../../../src/platform/metrics.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { mainAccount, until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

const log = createLogger({ level: 'silent' })
let database: TestDatabase
let server: TestRedis
let redis: Redis
let dir: string
let journal: CallJournal
const closers: Closers = []

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
  dir = await mkdtemp(join(tmpdir(), 'axb-journal-'))
})
afterAll(async () => {
  await closeAll(closers, log)
  await server.stop()
  await rm(dir, { recursive: true, force: true })
  await database.drop()
})

/** A router whose journal holds a megabyte. */
async function aRouter(): Promise<void> {
  journal = createCallJournal({
    ...{ dir, redis, vault: aVault(), clock: systemClock, log },
    limits: { bytesMax: 1_000_000, segmentBytes: 50_000, reserveBytes: 65_536, keepMs: 0 },
  })
  await journal.start()
  closers.push({ name: 'journal', close: () => journal.close() })
  const settings = { ROUTER_ID: 'router-1' }
  startRouterSightings(
    { ...{ sql: database.sql, log, metrics: createMetrics(), closers }, settings },
    {
      ...{ hosts: [], trunks: { outgoing: () => [] }, trunkHealth: newTrunkHealth() },
      ...{ journal, journalDir: dir },
    },
  )
}

const list = (open?: boolean) =>
  createAlarms({ sql: database.sql }).list({ accountId: mainAccount, open })

async function fillTo(percent: number): Promise<void> {
  while (journal.stats().usedPercent < percent) {
    for (const event of aCall()) journal.append(event)
    await journal.flushed()
  }
}

test('a journal that fills up is an alarm long before calls are refused, through a restart, until Redis takes what is in it', async () => {
  await aRouter()
  const watch = createSightingWatch({ sql: database.sql, operator: mainAccount, log })
  const open = async () => {
    await watch()
    return (await list(true)).items
  }
  await server.kill()
  await fillTo(62)
  await until(async () => {
    await watch()
    const [row] = await database.sql.rows<{ percent: string }>({
      name: 'test.journal-sighting',
      text: 'select percent::float8 as percent from sighting',
      values: [],
    })
    return Number(row?.percent) >= 62
  })
  expect(await open()).toEqual([])

  await fillTo(71)
  expect(journal.isFull()).toBe(false)
  await until(async () => (await open()).length === 1)
  const [alarm] = (await list(true)).items
  expect(alarm).toMatchObject({ kind: 'journal-filling', subject: journal.id() })
  expect(alarm?.percent).toBeGreaterThanOrEqual(70)
  expect(alarm?.facts.detail).toMatch(/^The journal of router router-1 \(.* is used to 7\d/)

  await closeAll(closers.splice(0), log)
  await aRouter()
  await until(async () => (await open()).length === 1)
  expect((await list()).items).toHaveLength(1)

  await server.start()
  await until(async () => (await open()).length === 0, 30_000)
  expect((await list()).items).toMatchObject([{ id: alarm?.id, unwatched: false }])
})
