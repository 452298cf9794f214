import { createHmac } from 'node:crypto'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSightingReport } from '../../../src/alarms/sightings.ts'
import { scopes } from '../../../src/domain/scope.ts'
import { receiptSchema } from '../../../src/receipts/receipt-types.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { until } from '../../support/data-rooms.ts'
import { bodyOf, mnsClient } from '../../support/queue-ground.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { type Ask, asker } from '../../support/two-accounts.ts'

/** The engine with api and worker, set up as an operator does: alarms by webhook and from a queue. */
let engine: ApiEngine
let ask: Ask
let receiver: Receiver
let secret: string

beforeAll(async () => {
  receiver = await startReceiver()
  engine = await startApiEngine(['api', 'worker'])
  ask = asker(engine.base, engine.adminToken)
  const url = `${receiver.url}/alarms`
  const put = await ask('PUT', '/v1/receipts/pushes/AlarmReport', { url })
  secret = String(put.json['secret'])
  const queue = await ask('POST', '/v1/receipts/queues', { type: 'AlarmReport' })
  expect([put.status, queue.status]).toEqual([201, 201])
})
afterAll(async () => {
  await engine.stop()
  await receiver.close()
})

const pushed = () =>
  receiver.received.flatMap(({ receipts }) => receipts.map((each) => each as Report))
type Report = Record<string, unknown>

async function aTrunk(): Promise<(health: 'ill' | 'well') => Promise<void>> {
  const trunk = { id: 'carrier-1', host: '192.0.2.1', addresses: ['192.0.2.1'], priority: 1 }
  expect((await ask('POST', '/v1/trunks', trunk)).status).toBe(201)
  const report = createSightingReport({ sql: engine.database.sql, reporter: 'a-router' })
  return (health) =>
    report([{ kind: 'trunk-down', subject: trunk.id, health, detail: `It is ${health}.` }])
}

async function gauge(kind: string): Promise<string | undefined> {
  const text = await (await fetch(`${engine.base}/metrics`)).text()
  return new RegExp(`^axbridge_alarms_open\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(text)?.[1]
}

test('raise and clear reach the webhook, signed, and the queue, by the documented form; the list and the metric tell the same', async () => {
  const tell = await aTrunk()
  await tell('ill')
  await until(() => pushed().length === 1)
  const open = await ask('GET', '/v1/alarms?open=true&kind=trunk-down')
  const [alarm] = open.json['items'] as Report[]
  expect(alarm).toMatchObject({ subject: 'carrier-1', detail: 'It is ill.', routers: 1 })
  await until(async () => (await gauge('trunk-down')) === '1')

  await tell('well')
  await until(() => pushed().length === 2)
  await until(async () => (await gauge('trunk-down')) === '0')
  const id = String(alarm?.['id'])
  expect(pushed()).toMatchObject([
    { id: `alarm:${id}:raised`, alarm_id: id, version: 1, kind: 'trunk-down', state: 'raised' },
    { id: `alarm:${id}:cleared`, alarm_id: id, state: 'cleared', cleared_because: 'over' },
  ])
  for (const each of pushed()) {
    expect([...Value.Errors(receiptSchema('AlarmReport'), each)]).toEqual([])
  }
  for (const { headers, body } of receiver.received) {
    const stamp = String(headers['x-axbridge-timestamp'])
    const hmac = createHmac('sha256', secret).update(`${stamp}.${body}`).digest('hex')
    expect(headers['x-axbridge-signature']).toBe(`v1=${hmac}`)
    expect(headers['x-axbridge-message-type']).toBe('AlarmReport')
  }

  const key = await ask('POST', '/v1/access-keys', { name: 'ops', scopes })
  const credentials = { id: String(key.json['id']), secret: String(key.json['secret']) }
  const queue = mnsClient(engine.base, credentials)
  const { body } = await queue.batchReceiveMessage('Alicom-Queue-main-AlarmReport', 16, 5)
  expect(body.map(bodyOf)).toEqual(pushed())

  const { items } = (await ask('GET', '/v1/alarms?kind=trunk-down')).json as { items: Report[] }
  expect(items).toMatchObject([{ id, clearedBecause: 'over' }])
  const csv = await ask('GET', '/v1/alarms?format=csv')
  expect(csv.text).toContain(`${id},trunk-down,,,,carrier-1,`)
  const log = await ask('GET', `/v1/receipts/deliveries?callId=alarm-${id}`)
  expect(log.json['items']).toMatchObject([{ state: 'sent' }, { state: 'sent' }])
})

test('a pool that is nearly used up is told of with its pool, and can be sent again', async () => {
  const made = await ask('POST', '/v1/pools', { name: 'x', product: 'AXN', alarmPercent: 50 })
  const poolKey = String(made.json['key'])
  const x = '+8617070000009'
  await ask('POST', '/v1/numbers', { poolKey, numbers: [x] })
  const expiresAt = new Date(Date.now() + 3_600_000)
  const bound = await ask('POST', '/v1/bindings', {
    ...{ poolKey, x, expiresAt, phoneA: '13800700001' },
  })
  expect(bound.status, bound.text).toBe(201)
  const ofPool = () => pushed().filter(({ kind }) => kind === 'pool-utilisation')
  await until(() => ofPool().length === 1)
  expect(ofPool()).toMatchObject([
    {
      ...{ state: 'raised', subject: poolKey, pool_key: poolKey, percent: 100, threshold: 50 },
      detail: '100.00 % of the pool is bound.',
    },
  ])
  await ask('DELETE', `/v1/bindings/${bound.json['id']}`)
  await until(() => ofPool().length === 2, 30_000)
  const since = new Date(Date.now() - 600_000)
  await ask('POST', '/v1/receipts/replay', { type: 'AlarmReport', since })
  await until(() => ofPool().length === 4)
  const ids = new Set(ofPool().map(({ id }) => id))
  expect(ids.size).toBe(2)
})

test('an account is told of its own alarms only', async () => {
  await ask('POST', '/v1/accounts', { id: 'shop', name: 'Shop' })
  const token = await ask('POST', '/v1/tokens', { accountId: 'shop', name: 'all', scopes })
  const shop = asker(engine.base, String(token.json['token']))
  expect((await shop('GET', '/v1/alarms')).json['items']).toEqual([])
  expect((await shop('GET', '/v1/alarms?since=yesterday')).status).toBe(400)
})
