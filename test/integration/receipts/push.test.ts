import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { mainAccount } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type Receiver, refuses, startReceiver, takes } from '../../support/receiver.ts'
import { pushGround, statesOf, storeAll } from './push-ground.ts'

let database: TestDatabase
let ground: ReturnType<typeof pushGround>
let receiver: Receiver
const key = { accountId: mainAccount, type: 'SecretReport' as const }

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())

beforeEach(async () => {
  database = await createTestDatabase()
  ground = pushGround(database.sql)
  receiver.answer(takes)
  receiver.received.splice(0)
  receiver.taken.splice(0)
  return async () => {
    ground.close()
    await database.drop()
  }
})

const bodies = () => receiver.received.map(({ receipts }) => receipts.map(({ id }) => id))

test('receipts are posted as a JSON array, signed, in batches, and once', async () => {
  const secret = await ground.pushTo(`${receiver.url}/ends?tenant=7`, {
    batchMax: 2,
    concurrency: 1,
  })
  await storeAll(
    database.sql,
    ['1', '2', '3'].map((id) => ({ id, callId: `call-${id}` })),
  )
  await ground.work()
  expect(bodies()).toEqual([['1', '2'], ['3']])
  const [first] = receiver.received
  expect(first).toMatchObject({
    path: '/ends?tenant=7',
    headers: {
      'content-type': 'application/json;charset=utf-8',
      'x-axbridge-message-type': 'SecretReport',
    },
    receipts: [{ id: '1', call_id: 'call-1', phone_no: '13800138000' }, { id: '2' }],
  })
  const timestamp = String(first?.headers['x-axbridge-timestamp'])
  expect(timestamp).toMatch(/^\d{10}$/)
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${first?.body}`).digest('hex')
  expect(first?.headers['x-axbridge-signature']).toBe(`v1=${hmac}`)
  expect(first?.headers['x-axbridge-delivery']).toMatch(/^[0-9a-f]{32}$/)
  expect(ground.tried).toMatchObject({ sent: 3, retry: 0, dead: 0 })
  expect(ground.lags).toHaveLength(3)
})

test('a push that is not taken is tried again after 1, 5 and 10 minutes, and then never', async () => {
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  receiver.answer(refuses)
  const triesAfter = async (minutes: number) => {
    ground.pass(minutes)
    await ground.work()
    return receiver.received.length
  }
  expect(await triesAfter(0)).toBe(1)
  expect(await triesAfter(0.9)).toBe(1)
  expect(await triesAfter(0.1)).toBe(2)
  expect(await triesAfter(4.9)).toBe(2)
  expect(await triesAfter(0.1)).toBe(3)
  expect(await triesAfter(9.9)).toBe(3)
  expect(await triesAfter(0.1)).toBe(4)
  expect(await triesAfter(60)).toBe(4)
  expect(await statesOf(database.sql)).toEqual([
    { id: 'a', state: 'dead', attempts: 4, fault: 'status 500' },
  ])
  const deliveries = receiver.received.map(({ headers }) => headers['x-axbridge-delivery'])
  expect(new Set(deliveries).size).toBe(1)
  expect(ground.tried).toMatchObject({ sent: 0, retry: 3, dead: 1 })
})

test('one that is never taken does not take others with it', async () => {
  await ground.pushTo(receiver.url, { concurrency: 1 })
  await storeAll(
    database.sql,
    ['a', 'bad', 'c'].map((id) => ({ id, callId: id })),
  )
  receiver.answer((received, response) =>
    (received.body.includes('"bad"') ? refuses : takes)(received, response),
  )
  for (const minutes of [0, 1, 5, 10]) {
    ground.pass(minutes)
    await ground.work()
  }
  expect((await statesOf(database.sql)).map(({ id, state }) => [id, state])).toEqual([
    ['a', 'sent'],
    ['bad', 'dead'],
    ['c', 'sent'],
  ])
})

test('a later receipt of a call waits for an earlier one, others do not', async () => {
  await ground.pushTo(receiver.url, { concurrency: 1, batchMax: 1 })
  await storeAll(database.sql, [
    { id: 'a:end', callId: 'a', revision: 0 },
    { id: 'b:end', callId: 'b' },
  ])
  let refused = 0
  receiver.answer((received, response) => {
    const isFirst = received.body.includes('a:end') && refused === 0
    if (isFirst) refused += 1
    return (isFirst ? refuses : takes)(received, response)
  })
  await ground.work()
  await storeAll(database.sql, [{ id: 'a:end', callId: 'a', revision: 1 }])
  await ground.work()
  expect(bodies()).toEqual([['a:end'], ['b:end']])
  ground.pass(1)
  await ground.work()
  expect(bodies()).toEqual([['a:end'], ['b:end'], ['a:end'], ['a:end']])
})

test('the receipts of a call reach one server in order, whatever their types; another server is not waited for', async () => {
  const other = await startReceiver()
  await ground.pushTo(`${receiver.url}/start`, { type: 'SecretStartReport' })
  await ground.pushTo(`${receiver.url}/end`)
  await ground.pushTo(`${other.url}/ring`, { type: 'SecretRingReport' })
  receiver.answer((received, response) =>
    (received.path === '/start' ? refuses : takes)(received, response),
  )
  await storeAll(database.sql, [
    { id: 'a:start', callId: 'a', type: 'SecretStartReport' },
    { id: 'a:ring', callId: 'a', type: 'SecretRingReport' },
    { id: 'a:end', callId: 'a' },
    { id: 'b:end', callId: 'b' },
  ])
  await ground.work()
  expect(bodies().sort()).toEqual([['a:start'], ['b:end']])
  expect(other.received).toHaveLength(1)
  receiver.answer(takes)
  ground.pass(1)
  await ground.work()
  expect(bodies().slice(2)).toEqual([['a:start'], ['a:end']])
  await other.close()
})

async function openAlarms(): Promise<readonly unknown[]> {
  return database.sql.rows({
    name: 'test.alarms',
    text: 'select account_id, kind, subject from alarm where cleared_at is null',
    values: [],
  })
}

test('a URL that fails for long is paused with an alarm, tried once a minute, and catches up in order', async () => {
  await ground.pushTo(receiver.url, { concurrency: 1, batchMax: 1 })
  receiver.answer(refuses)
  for (let at = 0; at < 11; at += 1) {
    await storeAll(database.sql, [{ id: `r${at}`, callId: `c${at}` }])
    await ground.work(1)
    ground.pass(1)
  }
  await ground.work()
  expect(await openAlarms()).toEqual([
    { account_id: 'main', kind: 'push-failing', subject: 'SecretReport' },
  ])
  expect((await ground.routes.get(key)).pausedAt).toBeDefined()
  const before = receiver.received.length
  for (let at = 11; at < 15; at += 1) {
    await storeAll(database.sql, [{ id: `r${at}`, callId: `c${at}` }])
    await ground.work()
    ground.pass(1)
  }
  expect(receiver.received.length - before).toBeLessThanOrEqual(5)
  expect((await statesOf(database.sql)).every(({ state }) => state === 'due')).toBe(true)
  receiver.answer(takes)
  receiver.received.splice(0)
  await ground.work()
  expect(bodies().flat()).toEqual(Array.from({ length: 15 }, (_, at) => `r${at}`))
  expect(await openAlarms()).toEqual([])
  expect((await ground.routes.get(key)).pausedAt).toBeUndefined()
})

test('what died while a URL was failing has one more try when it answers again', async () => {
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  receiver.answer(refuses)
  for (const minutes of [0, 1, 5, 10]) {
    ground.pass(minutes)
    await ground.work()
  }
  expect(await statesOf(database.sql)).toMatchObject([{ state: 'dead' }])
  expect(await openAlarms()).toHaveLength(1)
  receiver.answer(takes)
  expect(await ground.routes.test(key)).toMatchObject({ status: 200, fault: undefined })
  await ground.work()
  expect(await statesOf(database.sql)).toMatchObject([{ state: 'sent' }])
  expect(await openAlarms()).toEqual([])
})

test('many workers: no receipt is sent twice at the same time, and a call stays in order', async () => {
  await ground.pushTo(receiver.url, { batchMax: 3, concurrency: 4 })
  const ids = Array.from({ length: 120 }, (_, at) => ({ id: `${at}`, callId: `call-${at % 30}` }))
  await storeAll(database.sql, ids)
  const workers = [ground.worker(), ground.worker(), ground.worker()]
  for (let round = 0; round < 12; round += 1) {
    await Promise.all(workers.map((each) => each.step()))
    await Promise.all(workers.map((each) => each.settled()))
  }
  const seen = bodies().flat().map(Number)
  expect(seen).toHaveLength(120)
  for (let call = 0; call < 30; call += 1) {
    expect(seen.filter((id) => id % 30 === call)).toEqual([call, call + 30, call + 60, call + 90])
  }
})

test('a rotated secret signs at once, and the old one for as long as was said', async () => {
  const first = await ground.pushTo(receiver.url)
  const { secret } = await ground.routes.rotate(key, 3600)
  const signedWith = async (): Promise<readonly string[]> => {
    receiver.received.splice(0)
    await storeAll(database.sql, [{ id: `s${Math.random()}`, callId: 's' }])
    await ground.work()
    const [one] = receiver.received
    const given = String(one?.headers['x-axbridge-signature']).split(',')
    const by = (each: string) =>
      `v1=${createHmac('sha256', each).update(`${one?.headers['x-axbridge-timestamp']}.${one?.body}`).digest('hex')}`
    return [first, secret].filter((each) => given.includes(by(each)))
  }
  expect(await signedWith()).toEqual([first, secret])
  ground.pass(61)
  expect(await signedWith()).toEqual([secret])
})

test('another URL is tried at once, with what waits', async () => {
  await ground.pushTo(`${receiver.url}/old`)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  receiver.answer((received, response) =>
    (received.path === '/old' ? refuses : takes)(received, response),
  )
  await ground.work()
  await ground.pushTo(`${receiver.url}/new`)
  await ground.work()
  expect(receiver.received.map(({ path }) => path)).toEqual(['/old', '/new'])
  expect(await statesOf(database.sql)).toMatchObject([{ state: 'sent' }])
})

test('a push that is off keeps what waits, and sends it when it is on again', async () => {
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await ground.pushTo(receiver.url, { enabled: false })
  await storeAll(database.sql, [{ id: 'b', callId: 'b' }])
  await ground.work()
  expect(bodies()).toEqual([])
  await ground.pushTo(receiver.url, { enabled: true })
  await ground.work()
  expect(bodies()).toEqual([['a']])
})

test('no number and no body is in the log, whatever the receiver says', async () => {
  await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  receiver.answer(({ body }, response) => {
    response.statusCode = 500
    response.end(body)
  })
  await ground.work()
  expect(ground.lines.length).toBeGreaterThan(0)
  expect(ground.lines.join('')).not.toContain('13800138000')
})
