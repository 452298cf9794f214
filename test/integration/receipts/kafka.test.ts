import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectNoNumberIn } from '../../support/at-rest.ts'
import { mainAccount } from '../../support/data-rooms.ts'
import { errors, produceApi, startKafka, type TestKafka } from '../../support/kafka.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { kafkaGround, kafkaStates } from './kafka-ground.ts'
import { type ReceiptGiven, storeAll } from './push-ground.ts'

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
    await kafka.order('up')
    await kafka.order('heal')
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

/** Receipts of calls that take turns. */
function ofCalls(calls: number, each: number): ReceiptGiven[] {
  return Array.from({ length: calls * each }, (_, at) => ({
    id: `${at % calls}:${Math.floor(at / calls)}`,
    callId: `call-${at % calls}`,
  }))
}

/** Of each call its receipts in the order of the topic, without those that came again. */
function expectInOrder(given: Awaited<ReturnType<typeof read>>, calls: number, each: number) {
  for (let call = 0; call < calls; call += 1) {
    const own = given.filter((one) => one.key === `call-${call}`)
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1)
    const wanted = Array.from({ length: each }, (_, at) => `${call}:${at}`)
    expect([...new Set(idsIn(own))]).toEqual(wanted)
  }
}

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
}, 30_000)

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

test('a topic that we may not write to holds up no other topic', async () => {
  for (const type of ['SecretReport', 'SecretStartReport'] as const) await ground.turnOn(type)
  await storeAll(database.sql, [
    { id: 'a', callId: 'a' },
    { id: 'b', callId: 'b', type: 'SecretStartReport' },
  ])
  await kafka.order(`refuse ${topic()} ${errors.topicDenied}`)
  await ground.work()
  expect(await states()).toEqual(['due', 'sent'])
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
  await kafka.order(`refuse ${topic()} 0`)
  ground.pass(31)
  await ground.work()
  expect(await states()).toEqual(['sent', 'sent'])
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
