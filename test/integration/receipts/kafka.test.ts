import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDeliveries } from '../../../src/receipts/deliveries.ts'
import { createKafkaRoutes } from '../../../src/receipts/kafka-routes.ts'
import { readKafkaState } from '../../../src/receipts/receipt-keeper.ts'
import { expectNoNumberIn } from '../../support/at-rest.ts'
import { mainAccount, until } from '../../support/data-rooms.ts'
import { errors, produceApi, startKafka, type TestKafka } from '../../support/kafka.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { expectInOrder, kafkaGround, kafkaStates, ofCalls } from './kafka-ground.ts'
import { storeAll } from './push-ground.ts'

/** Against brokers and a reader that are not ours: librdkafka's. */
let kafka: TestKafka
let database: TestDatabase
let ground: ReturnType<typeof kafkaGround>
/** Each test has topics of its own. */
let template: string
let tests = 0
const key = { accountId: mainAccount, type: 'SecretReport' as const }

beforeAll(async () => {
  kafka = await startKafka(2)
})
afterAll(() => kafka.stop())

beforeEach(async () => {
  tests += 1
  template = `t${tests}.{account}.{type}`
  database = await createTestDatabase()
  ground = kafkaGround(database.sql, { brokers: kafka.brokers, template })
  return async () => {
    for (const order of ['up', 'heal', 'slow 0']) await kafka.order(order)
    expectNoNumberIn('the log', ground.lines.join(''))
    ground.close()
    await database.drop()
  }
})

const topic = (type: string = key.type) => `t${tests}.main.${type}`
const read = async (type?: string) => kafka.read(topic(type))
const idsIn = (given: readonly { body: Record<string, unknown> }[]) =>
  given.map(({ body }) => body['id'])
const states = async () => (await kafkaStates(database.sql)).map(({ state }) => state)

/** Before there is such a topic nobody can read it. */
const inTopic = () =>
  read().then(
    (records) => records.length,
    () => 0,
  )

test('a receipt is a record: its call is the key, its body the value, what it is stands in headers', async () => {
  await ground.turnOn()
  const before = Date.now()
  await storeAll(database.sql, [
    { id: 'a:end', callId: 'a' },
    { id: 'number:1', revision: 0 },
  ])
  await ground.work()
  const records = await read()
  expect(records.find((each) => each.key === 'a')).toMatchObject({
    topic: topic(),
    headers: {
      'axbridge-event-id': 'a:end',
      'axbridge-message-type': 'SecretReport',
      'axbridge-account': 'main',
      'axbridge-revision': '1',
      'axbridge-format': '1',
    },
    body: { id: 'a:end', call_id: 'a', phone_no: '13800138000' },
  })
  expect(records.find((each) => each.key === 'number:1')?.headers['axbridge-revision']).toBe('0')
  expect(records[0]?.ts).toBeGreaterThanOrEqual(before)
  expect(await states()).toEqual(['sent', 'sent'])
  expect(ground.tried).toEqual({ sent: 2, retry: 0, dead: 0 })
  expect(ground.lags).toHaveLength(2)
})

test('many receipts go in batches, each once, in order for each call, also with two workers', async () => {
  await kafka.order(`topic ${topic()} 4`)
  await ground.turnOn()
  await storeAll(database.sql, ofCalls(40, 20))
  const workers = [ground.worker(), ground.worker()]
  while ((await states()).includes('due')) {
    await Promise.all(workers.map((each) => each.step()))
    await Promise.all(workers.map((each) => each.settled()))
  }
  const records = await read()
  expect(records).toHaveLength(800)
  expect(new Set(records.map(({ partition }) => partition)).size).toBe(4)
  expectInOrder(records, 40, 20)
})

test('types that share a topic keep the order of their call', async () => {
  const shared = kafkaGround(database.sql, { brokers: kafka.brokers, template: 'all-of.{account}' })
  for (const type of ['SecretStartReport', 'SecretReport'] as const) await shared.turnOn(type)
  await storeAll(
    database.sql,
    ['a', 'b', 'c'].flatMap((callId) => [
      { id: `${callId}:start`, callId, type: 'SecretStartReport' as const },
      { id: `${callId}:end`, callId },
    ]),
  )
  await kafka.order(`fail ${produceApi} ${errors.topicDenied}`)
  await shared.work()
  expect(await states()).toEqual(Array.from({ length: 6 }, () => 'due'))
  shared.pass(2)
  await shared.work()
  const records = await kafka.read('all-of.main')
  for (const call of ['a', 'b', 'c']) {
    const own = records.filter((each) => each.key === call)
    // The other broker may have taken its part the first time already.
    expect([...new Set(idsIn(own))]).toEqual([`${call}:start`, `${call}:end`])
  }
  shared.close()
})

test('brokers that are away: everything waits in Postgres, is told, and arrives when they are back', async () => {
  await ground.turnOn()
  await storeAll(database.sql, ofCalls(5, 2))
  await ground.work()
  await kafka.order('down')
  await storeAll(
    database.sql,
    ofCalls(5, 4).filter(({ id }) => /:[23]$/.test(id)),
  )
  await ground.work()
  for (let at = 0; at < 6; at += 1) {
    ground.pass(31)
    await ground.work(1)
  }
  expect(await ground.routes.get(key)).toMatchObject({
    failingSince: expect.any(Date),
    lastFault: 'the connection was refused',
  })
  const waiting = (await kafkaStates(database.sql)).filter(({ state }) => state === 'due')
  expect(waiting).toHaveLength(10)
  expect(waiting[0]).toMatchObject({ attempts: 7, fault: 'the connection was refused' })
  expect(ground.lines.filter((line) => line.includes('they wait'))).toHaveLength(1)
  await kafka.order('up')
  ground.pass(31)
  await ground.work()
  expectInOrder(await read(), 5, 4)
  expect(await read()).toHaveLength(20)
  expect(await ground.routes.get(key)).toMatchObject({ failingSince: undefined })
  expect(ground.lines.filter((line) => line.includes('again'))).toHaveLength(1)
})

test('brokers that go and come while receipts are sent: each arrives, in order for each call', async () => {
  await kafka.order(`topic ${topic()} 4`)
  await ground.turnOn()
  await storeAll(database.sql, ofCalls(50, 40))
  const worker = ground.worker()
  for (let round = 0; (await states()).includes('due'); round += 1) {
    const working = worker.step().then(() => worker.settled())
    if (round < 3) {
      await until(async () => (await inTopic()) > round * 400, 10_000)
      await kafka.order('down')
      await kafka.order('up')
    }
    await working
    ground.pass(31)
  }
  expectInOrder(await read(), 50, 40)
})

test('an answer that is lost, or a leader that moves, repeats receipts and loses none', async () => {
  await ground.turnOn()
  await storeAll(database.sql, ofCalls(3, 3))
  await kafka.order(`fail ${produceApi} ${errors.notLeader}`)
  await ground.work()
  expect(await states()).not.toContain('due')
  await kafka.order('slow 9000')
  await storeAll(
    database.sql,
    ofCalls(3, 5).filter(({ id }) => /:[34]$/.test(id)),
  )
  await ground.work(1)
  expect(await ground.routes.get(key)).toMatchObject({ lastFault: 'the broker does not answer' })
  await kafka.order('slow 0')
  ground.pass(31)
  await ground.work()
  expectInOrder(await read(), 3, 5)
})

test('a connection that the brokers have closed while nothing was sent is no fault', async () => {
  await ground.turnOn()
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await ground.work()
  await kafka.order('down')
  await kafka.order('up')
  await storeAll(database.sql, [{ id: 'b', callId: 'a' }])
  await ground.work()
  expect(idsIn(await read())).toEqual(['a', 'b'])
  expect(ground.tried).toEqual({ sent: 2, retry: 0, dead: 0 })
})

test('what was sent before and after goes to new brokers again, where that is asked for', async () => {
  await storeAll(database.sql, [{ id: 'before', callId: 'a' }])
  await ground.turnOn()
  await storeAll(
    database.sql,
    ['a', 'b'].map((id) => ({ id, callId: id })),
  )
  await ground.work()
  const other = await startKafka(1)
  const moved = kafkaGround(database.sql, { brokers: other.brokers, template })
  const deliveries = createDeliveries({ sql: database.sql, clock: ground.clock })
  const since = new Date(Date.now() - 60_000)
  const replayed = await deliveries.replay({ ...key, way: 'kafka', since })
  expect(replayed).toBe(2)
  await storeAll(database.sql, [{ id: 'c', callId: 'a' }])
  moved.pass(1)
  await moved.work()
  expect(idsIn(await other.read(topic())).sort()).toEqual(['a', 'b', 'c'])
  const { items } = await deliveries.list({ ...key, way: 'kafka', state: 'sent' })
  expect(items.map(({ eventId, attempts }) => `${eventId} ${attempts}`)).toEqual([
    ...['c 1', 'b 1', 'a 1'],
  ])
  const [newest] = items
  const again = { ...key, way: 'kafka' as const }
  expect(await deliveries.resend({ ...again, ids: [newest?.id ?? ''] })).toBe(1)
  expect(await deliveries.resend(again)).toBe(0)
  expect((await deliveries.list({ ...key })).items).toEqual([])
  await moved.work()
  expect(await other.read(topic())).toHaveLength(4)
  const none = deliveries.replay({ ...again, type: 'SecretStartReport', since })
  await expect(none).rejects.toMatchObject({ code: 'kafka-unknown' })
  moved.close()
  await other.stop()
})

test('the example goes to the topic, tells what is wrong, and ends a wait', async () => {
  await ground.turnOn()
  expect(await ground.routes.test(key)).toMatchObject({ fault: undefined })
  expect((await read())[0]?.headers['axbridge-event-id']).toMatch(/^test:/)
  await kafka.order('down')
  await storeAll(database.sql, [{ id: 'a' }])
  await ground.work()
  expect(await ground.routes.test(key)).toMatchObject({ fault: 'the connection was refused' })
  await kafka.order('up')
  expect(await ground.routes.test(key)).toMatchObject({ fault: undefined })
  await ground.work()
  expect(await states()).toEqual(['sent'])
})

test('how far behind it is is read in one go', async () => {
  expect(await readKafkaState(database.sql)).toEqual({ oldestSeconds: 0, waiting: 0, failing: 0 })
  await ground.turnOn()
  await storeAll(database.sql, [{ id: 'a' }, { id: 'b' }])
  await kafka.order('down')
  await ground.work()
  const state = await readKafkaState(database.sql)
  expect(state).toMatchObject({ waiting: 2, failing: 1 })
  expect(state.oldestSeconds).toBeGreaterThan(0)
})

test('where there is no Kafka nothing can be turned on', async () => {
  const routes = createKafkaRoutes({
    ...{ sql: database.sql, clock: ground.clock, topicOf: () => 'none', client: undefined },
  })
  await expect(routes.put(key, {})).rejects.toMatchObject({ code: 'kafka-unset' })
  await ground.turnOn()
  await expect(routes.test(key)).rejects.toMatchObject({ code: 'kafka-unset' })
  expect(await routes.list(mainAccount)).toMatchObject([{ topic: 'none' }])
})

test('a receipt that is too large for its topic is dead, and no other with it', async () => {
  await ground.turnOn()
  await storeAll(
    database.sql,
    ['a', 'b', 'c'].map((id) => ({ id, callId: id })),
  )
  // All together, and then the second one.
  await kafka.order(`topic ${topic()} 1`)
  await kafka.order(`fail ${produceApi} ${errors.tooLarge} 0 ${errors.tooLarge}`)
  await ground.work()
  const fault = 'the receipt is larger than the topic takes'
  expect(await kafkaStates(database.sql)).toMatchObject([
    { id: 'a', state: 'sent' },
    { id: 'b', state: 'dead', status: 10, fault },
    { id: 'c', state: 'sent' },
  ])
  expect(idsIn(await read())).toEqual(['a', 'c'])
  expect(ground.tried).toEqual({ sent: 2, retry: 0, dead: 1 })
  expect(await ground.routes.get(key)).toMatchObject({ failingSince: undefined })
})

test('a receipt whose key is gone is dead, and holds up no other', async () => {
  await ground.turnOn()
  await storeAll(
    database.sql,
    ['a', 'b'].map((id) => ({ id, callId: 'one' })),
  )
  await database.sql.rows({
    name: 'test.spoil',
    text: "update receipt set body_sealed = 'gone' where event_id = 'a'",
    values: [],
  })
  await ground.work()
  const fault = 'it cannot be opened: its key is gone'
  expect(await kafkaStates(database.sql)).toMatchObject([{ state: 'dead', fault }, { id: 'b' }])
  expect(idsIn(await read())).toEqual(['b'])
})

test('a topic that we may not write to holds up no other topic', async () => {
  for (const type of ['SecretReport', 'SecretStartReport'] as const) await ground.turnOn(type)
  await storeAll(database.sql, [
    { id: 'a', callId: 'a' },
    { id: 'b', callId: 'b', type: 'SecretStartReport' },
  ])
  await kafka.order(`refuse ${topic()} ${errors.topicDenied}`)
  await ground.work()
  expect(await states()).toEqual(['due', 'sent'])
  await storeAll(database.sql, [{ id: 'c', callId: 'c', type: 'SecretStartReport' }])
  await ground.work()
  // The one waits for its time while the other goes on.
  expect(await kafkaStates(database.sql)).toMatchObject([
    { id: 'a', state: 'due', attempts: 1 },
    { id: 'b', state: 'sent' },
    { id: 'c', state: 'sent' },
  ])
  expect(await ground.routes.list(mainAccount)).toMatchObject([
    {
      type: 'SecretReport',
      topic: topic(),
      lastFault: 'the broker does not let us write to the topic',
    },
    { type: 'SecretStartReport', lastFault: undefined },
  ])
  ground.pass(700)
  await ground.work()
  const alarms = () =>
    database.sql.rows({
      name: 'test.alarms',
      text: 'select kind, subject from alarm where cleared_at is null',
      values: [],
    })
  expect(await alarms()).toEqual([{ kind: 'push-failing', subject: 'kafka SecretReport' }])
  const off = await ground.routes.put(key, { enabled: false })
  expect(off.route).toMatchObject({ failingSince: undefined })
  expect(await alarms()).toEqual([])
  await ground.routes.put(key, { enabled: true })
  await kafka.order(`refuse ${topic()} 0`)
  await ground.work()
  expect(await states()).toEqual(['sent', 'sent', 'sent'])
  expect(await alarms()).toEqual([])
})

test('what is off is not taken on, what waits is kept, and goes when it is on again', async () => {
  await storeAll(database.sql, [{ id: 'before' }])
  await ground.turnOn()
  await storeAll(database.sql, [{ id: 'a' }])
  await ground.routes.put(key, { enabled: false })
  await storeAll(database.sql, [{ id: 'b' }])
  await ground.work()
  expect(await states()).toEqual(['due'])
  await expect(ground.routes.remove(key, { discard: false })).rejects.toMatchObject({
    code: 'receipts-waiting',
  })
  await ground.routes.put(key, { enabled: true })
  await ground.work()
  expect(idsIn(await read())).toEqual(['a'])
  await ground.routes.remove(key, { discard: false })
  await expect(ground.routes.get(key)).rejects.toMatchObject({ code: 'kafka-unknown' })
})
