import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccountId } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { lookText, takeText } from '../../../src/receipts/queue-statements.ts'
import { createQueueSweep } from '../../../src/receipts/queue-sweep.ts'
import { createReceiptQueues, type ReceiptQueues } from '../../../src/receipts/queues.ts'
import { aVault } from '../../support/call-events.ts'
import { explain } from '../../support/explain.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { addQueue, tell } from '../../support/queue-ground.ts'

const vault = aVault()
const log = createLogger({ level: 'silent' })
const asked = { accountId: 'main' as AccountId, queue: 'ends' }
const never = () => new AbortController().signal
let database: TestDatabase
let queues: ReceiptQueues

beforeEach(async () => {
  database = await createTestDatabase()
  queues = createReceiptQueues({ sql: database.sql, vault, log })
  await addQueue(database.sql, { name: 'ends' })
})
afterEach(async () => {
  queues.close()
  await database.drop()
})

const ground = () => ({ sql: database.sql, vault })

async function take(count = 1, waitSeconds = 0) {
  const taken = await queues.receive({ ...asked, count, waitSeconds, signal: never() })
  return taken ?? []
}

async function one() {
  const [taken] = await take()
  if (taken === undefined) throw new Error('the queue is empty')
  return taken
}

const idOf = ({ body }: { body: string }) => (JSON.parse(body) as { id: string }).id

/** As if their time had come. */
async function letThemBeVisible(): Promise<void> {
  const text = `update receipt_in_queue set visible_at = now() - interval '1 second'`
  await database.sql.rows({ name: 'test.visible', text, values: [] })
}

async function age(seconds: number): Promise<void> {
  const text = 'update receipt_in_queue set queued_at = queued_at - make_interval(secs => $1)'
  await database.sql.rows({ name: 'test.age', text, values: [seconds] })
}

const counts = async () => {
  const found = await queues.attributes(asked)
  return [found?.active, found?.inactive, found?.delayed]
}

describe('receiving', () => {
  test('in order, each once, and marked', async () => {
    const ids = await tell(ground(), 20)
    const first = await take(16)
    expect(first.map(idOf)).toEqual(ids.slice(0, 16))
    expect((await take(16)).map(idOf)).toEqual(ids.slice(16))
    expect(await take(16)).toEqual([])
    const [message] = first
    expect(message).toMatchObject({ dequeued: 1 })
    expect((message?.visibleAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(25_000)
    expect(await counts()).toEqual([0, 20, 0])
  })

  test('what was not deleted comes back, before what is younger, and is counted', async () => {
    const [id] = await tell(ground(), 1)
    const before = await one()
    await tell(ground(), 1)
    await letThemBeVisible()
    const after = await one()
    expect(idOf(after)).toBe(id)
    expect(after).toMatchObject({ dequeued: 2, firstDequeuedAt: before.firstDequeuedAt })
    expect(after.handle).not.toBe(before.handle)
  })

  test('by itself, when the queue says so', async () => {
    await addQueue(database.sql, {
      ...{ name: 'starts', type: 'SecretStartReport', visibilitySeconds: 1 },
    })
    const [id] = await tell(ground(), 1, { type: 'SecretStartReport' })
    const starts = { ...asked, queue: 'starts', count: 1, signal: never() }
    await queues.receive({ ...starts, waitSeconds: 0 })
    expect(await queues.receive({ ...starts, waitSeconds: 0 })).toEqual([])
    const again = await queues.receive({ ...starts, waitSeconds: 10 })
    expect(again?.map(idOf)).toEqual([id])
  })

  test('ten readers at once share the messages and none has another’s', async () => {
    const ids = await tell(ground(), 200)
    const seen: string[] = []
    const read = async () => {
      for (;;) {
        const taken = await take(7)
        if (taken.length === 0) return
        seen.push(...taken.map(idOf))
      }
    }
    await Promise.all(Array.from({ length: 10 }, read))
    // One that found only locked ones may have left early; what is left is there for the next.
    await read()
    expect(seen.toSorted()).toEqual([...ids].toSorted())
  })

  test('one that cannot be opened does not hold up those around it', async () => {
    const [, , ...ids] = await tell(ground(), 5)
    const text = `update receipt set body_sealed = 'lost.AAAA' where id in
                    (select id from receipt order by id limit 2)`
    await database.sql.rows({ name: 'test.spoil', text, values: [] })
    expect((await take(4)).map(idOf)).toEqual(ids.slice(0, 2))
    expect((await take(4)).map(idOf)).toEqual(ids.slice(2))
    expect(await counts()).toEqual([0, 5, 0])
  })

  test('a queue of another account, or of nobody, is none', async () => {
    await tell(ground(), 1)
    const rest = { count: 1, waitSeconds: 0, signal: never() }
    const other = { accountId: 'other' as AccountId, queue: 'ends' }
    expect(await queues.receive({ ...other, ...rest })).toBeUndefined()
    expect(await queues.receive({ ...asked, queue: 'none', ...rest })).toBeUndefined()
    expect(await queues.peek({ ...other, count: 1 })).toBeUndefined()
    expect(await queues.remove({ ...other, handles: ['x'] })).toBeUndefined()
    expect(await queues.setVisibility({ ...other, handle: 'x', seconds: 1 })).toBeUndefined()
    expect(await queues.attributes(other)).toBeUndefined()
    expect(await counts()).toEqual([1, 0, 0])
  })

  test('peeking shows them and leaves them', async () => {
    const ids = await tell(ground(), 3)
    expect((await queues.peek({ ...asked, count: 2 }))?.map(idOf)).toEqual(ids.slice(0, 2))
    expect(await counts()).toEqual([3, 0, 0])
    expect(await one()).toMatchObject({ dequeued: 1 })
  })
})

describe('handles', () => {
  test('delete, once', async () => {
    await tell(ground(), 1)
    const { handle } = await one()
    expect(await queues.remove({ ...asked, handles: [handle] })).toEqual(['done'])
    expect(await queues.remove({ ...asked, handles: [handle] })).toEqual(['gone'])
    expect(await counts()).toEqual([0, 0, 0])
  })

  test('are good as long as nobody else has the message, and then no more', async () => {
    await tell(ground(), 1)
    const first = await one()
    await letThemBeVisible()
    const second = await one()
    expect(await queues.remove({ ...asked, handles: [first.handle] })).toEqual(['stale'])
    expect(await queues.setVisibility({ ...asked, handle: first.handle, seconds: 60 })).toEqual({
      outcome: 'stale',
    })
    expect(await queues.remove({ ...asked, handles: [second.handle] })).toEqual(['done'])
  })

  test('of a reader that was too slow are good while nobody was faster', async () => {
    await tell(ground(), 1)
    await addQueue(database.sql, {
      ...{ name: 'starts', type: 'SecretStartReport', visibilitySeconds: 1 },
    })
    await tell(ground(), 1, { type: 'SecretStartReport' })
    const starts = { ...asked, queue: 'starts' }
    const taken = await queues.receive({ ...starts, count: 1, waitSeconds: 0, signal: never() })
    await expect
      .poll(async () => (await queues.attributes(starts))?.active, { timeout: 5_000 })
      .toBe(1)
    const handles = taken?.map(({ handle }) => handle) ?? []
    expect(await queues.remove({ ...starts, handles })).toEqual(['done'])
  })

  test('that nobody was given are refused, and do not stop the others', async () => {
    await tell(ground(), 2)
    await addQueue(database.sql, { name: 'more', isDefault: false })
    const [a, b] = await take(2)
    if (a === undefined || b === undefined) throw new Error('two were told')
    const [id, ...rest] = a.handle.split('-')
    const forged = [[`${Number.parseInt(id ?? '', 36) + 1}`, ...rest].join('-'), '', 'x', b.id]
    expect(await queues.remove({ ...asked, handles: [...forged, b.handle] })).toEqual([
      ...forged.map(() => 'forged'),
      'done',
    ])
    expect(await queues.remove({ ...asked, queue: 'more', handles: [a.handle] })).toEqual([
      'forged',
    ])
    expect(await counts()).toEqual([0, 1, 0])
  })

  test('move the time at which a message comes back, and are renewed by that', async () => {
    await tell(ground(), 1)
    const { handle } = await one()
    const moved = await queues.setVisibility({ ...asked, handle, seconds: 3_600 })
    if (moved?.outcome !== 'done') throw new Error('it was not moved')
    expect(moved.visibleAt.getTime() - Date.now()).toBeGreaterThan(3_500_000)
    expect(await queues.remove({ ...asked, handles: [handle] })).toEqual(['stale'])
    expect(await queues.remove({ ...asked, handles: [moved.handle] })).toEqual(['done'])
  })
})

describe('waiting', () => {
  test('ends with the first message, and takes all that came with it', async () => {
    const waiting = take(16, 30)
    const ids = await tell(ground(), 3)
    const before = performance.now()
    expect((await waiting).map(idOf)).toEqual(ids)
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('ends empty when the time is over, and when the reader has gone', async () => {
    const before = performance.now()
    expect(await take(1, 1)).toEqual([])
    expect(performance.now() - before).toBeGreaterThan(900)
    const gone = new AbortController()
    const waiting = queues.receive({ ...asked, count: 1, waitSeconds: 30, signal: gone.signal })
    gone.abort()
    expect(await waiting).toEqual([])
    await tell(ground(), 1)
    expect(
      await queues.receive({ ...asked, count: 1, waitSeconds: 0, signal: gone.signal }),
    ).toEqual([])
    expect(await counts()).toEqual([1, 0, 0])
  })

  test('ends when this end is closed, and cannot begin after it', async () => {
    const waiting = take(1, 30)
    queues.close()
    expect(await waiting).toEqual([])
    expect(await take(1, 30)).toEqual([])
  })

  test('costs one look for all who wait, however many', async () => {
    const looks: number[] = []
    const counting = {
      ...database.sql,
      rows: async <Row>(query: Parameters<typeof database.sql.rows>[0]) => {
        if (query.name === 'receipt-queues.look') looks.push(performance.now())
        return database.sql.rows<Row>(query)
      },
    }
    const many = createReceiptQueues({ sql: counting, vault, log })
    const wait = () => many.receive({ ...asked, count: 1, waitSeconds: 2, signal: never() })
    await Promise.all(Array.from({ length: 40 }, wait))
    many.close()
    expect(looks.length).toBeGreaterThan(2)
    expect(looks.length).toBeLessThan(20)
  })

  test('is refused to too many, and each message wakes one', async () => {
    const waiting = Promise.allSettled(Array.from({ length: 51 }, () => take(1, 20)))
    const ids = await tell(ground(), 50)
    const ended = await waiting
    expect(ended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))).toEqual([
      expect.objectContaining({ code: 'too-many-waiting', httpStatus: 429 }),
    ])
    const taken = ended.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    expect(taken.map(idOf).toSorted()).toEqual([...ids].toSorted())
  })
})

describe('messages that nobody fetches', () => {
  test('are not given out after their time, and are swept', async () => {
    await tell(ground(), 700)
    await age(3_601)
    const [young] = await tell(ground(), 1)
    expect(await counts()).toEqual([1, 0, 0])
    expect((await take(16)).map(idOf)).toEqual([young])
    await createQueueSweep({ sql: database.sql })()
    const [left] = await database.sql.rows<{ count: string }>({
      ...{ name: 'test.left', text: 'select count(*) from receipt_in_queue', values: [] },
    })
    expect(left?.count).toBe('1')
  })
})

test('taking and looking touch a few rows of many, whatever stands in other queues', async () => {
  const { sql } = database
  await addQueue(sql, { name: 'empty', type: 'SecretStartReport' })
  for (let at = 0; at < 5; at += 1) await tell(ground(), 1_000)
  // As autovacuum does.
  await sql.rows({ name: 'test.analyze', text: 'analyze receipt_in_queue', values: [] })
  for (const queue of ['ends', 'empty']) {
    const took = await explain(sql, { name: '', text: takeText(16), values: [queue, 'main'] })
    expect(took.looked('receipt_in_queue')).toBeLessThan(100)
    const looked = await explain(sql, { name: '', text: lookText, values: [[queue], 50] })
    expect(looked.looked('receipt_in_queue')).toBeLessThan(100)
  }
})
