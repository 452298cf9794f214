import { expect, test } from 'vitest'
import { messageTypeShape } from '../../../src/http/v1/receipt-shapes.ts'
import { messageTypes } from '../../../src/receipts/receipt-types.ts'
import { anApi } from './an-app.ts'
import { aQueue } from './some-receipts.ts'

const queue = '/v1/receipts/queues'
const push = '/v1/receipts/pushes/SecretReport'

test('the API knows the types that there are', () => {
  expect([...messageTypeShape.enum].sort()).toEqual([...messageTypes].sort())
})

test('a queue is made, shown, listed, changed and deleted', async () => {
  const { ask } = await anApi()
  const made = await ask({
    method: 'POST',
    url: queue,
    payload: { type: 'SecretReport', suffix: '100000', poolKeys: ['FC100000000000001'] },
  })
  expect(made.statusCode).toBe(201)
  const one = `${queue}/${aQueue().name}`
  expect(made.headers['location']).toBe(one)
  expect((await ask(one)).json()).toMatchObject({ isDefault: false, visibilitySeconds: 30 })
  expect((await ask(`${queue}?type=SecretReport`)).json().items).toHaveLength(1)
  expect((await ask(`${queue}?format=csv`)).body).toContain('name,type,isDefault')
  const off = await ask({ method: 'PATCH', url: one, payload: { enabled: false } })
  expect(off.json()).toMatchObject({ enabled: false })
  expect((await ask({ method: 'DELETE', url: `${one}?discard=true` })).statusCode).toBe(204)
  expect((await ask(`${queue}/other`)).statusCode).toBe(404)
})

test.each([
  [{ type: 'SecretReports' }, 'body/type'],
  [{ type: 'SecretReport', suffix: 'a_b' }, 'body/suffix'],
  [{ type: 'SecretReport', poolKeys: ['one'] }, 'body/poolKeys/0'],
  [{ type: 'SecretReport', visibilitySeconds: 0 }, 'body/visibilitySeconds'],
  [{ type: 'SecretReport', name: 'mine' }, 'body/name'],
])('the queue %j is refused', async (payload, pointer) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'POST', url: queue, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
})

test('a secret is shown when a push is made or its secret rotated, and never else', async () => {
  const { ask } = await anApi()
  const payload = { url: 'https://receipts.example.com/ends' }
  const made = await ask({ method: 'PUT', url: '/v1/receipts/pushes/SecretStartReport', payload })
  expect(made.statusCode).toBe(201)
  expect(made.json()).toMatchObject({ secret: 'axp_the-secret' })
  const changed = await ask({ method: 'PUT', url: push, payload })
  expect(changed.statusCode).toBe(200)
  const rotated = await ask({ method: 'POST', url: `${push}/rotate`, payload: {} })
  expect(rotated.json()).toMatchObject({ secret: 'axp_the-secret' })
  for (const url of [push, '/v1/receipts/pushes']) {
    const { body } = await ask(url)
    expect(body).toContain('"failingSince":"2030-01-30T03:00:00Z"')
    expect(body).not.toContain('axp_')
  }
  expect(changed.body).not.toContain('axp_')
})

test('the test button tells how the receiver answered', async () => {
  const { ask } = await anApi()
  const tested = await ask({ method: 'POST', url: `${push}/test` })
  expect(tested.json()).toEqual({ ok: false, status: 500, fault: 'status 500', ms: 12 })
})

test.each([
  [{}, 'body/url'],
  [{ url: 'https://a.example.com', batchMax: 101 }, 'body/batchMax'],
  [{ url: 'https://a.example.com', timeoutMs: 99 }, 'body/timeoutMs'],
  [{ url: 'https://a.example.com', concurrency: 0 }, 'body/concurrency'],
  [{ url: 'https://a.example.com', secret: 'mine' }, 'body/secret'],
])('the push %j is refused', async (payload, pointer) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'PUT', url: push, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
})

test('a type is turned on and off for Kafka, shown, listed, tested and deleted', async () => {
  const { ask } = await anApi()
  const at = '/v1/receipts/kafka/SecretStartReport'
  const on = await ask({ method: 'PUT', url: at, payload: {} })
  expect(on.statusCode).toBe(201)
  const url = '/v1/receipts/kafka/SecretReport'
  const off = await ask({ method: 'PUT', url, payload: { enabled: false } })
  expect(off.statusCode).toBe(200)
  expect(off.json()).toEqual({
    ...{ type: 'SecretReport', topic: 'axbridge.main.SecretReport', enabled: false },
    ...{ createdAt: '2030-01-30T02:00:00Z', failingSince: '2030-01-30T03:00:00Z' },
    lastFault: 'the connection was refused',
  })
  expect((await ask(url)).json()).toMatchObject({ enabled: true })
  expect((await ask('/v1/receipts/kafka')).json().items).toHaveLength(1)
  const tested = await ask({ method: 'POST', url: `${url}/test` })
  expect(tested.json()).toEqual({ ok: false, status: 29, fault: 'not allowed', ms: 12 })
  expect((await ask({ method: 'DELETE', url: `${url}?discard=true` })).statusCode).toBe(204)
  const topic = { enabled: true, topic: 'of-somebody-else' }
  expect((await ask({ method: 'PUT', url, payload: topic })).statusCode).toBe(400)
})

test('deliveries are listed, also as CSV, sent again and replayed', async () => {
  const { ask } = await anApi()
  const listed = await ask('/v1/receipts/deliveries?state=due&type=SecretReport')
  expect(listed.json().items).toMatchObject([
    { id: '4711', state: 'due', lastFault: 'status 500', dueAt: '2030-01-30T02:01:01.700Z' },
  ])
  const csv = await ask('/v1/receipts/deliveries?since=2030-01-01T00:00:00Z&format=csv')
  expect(csv.body.split('\r\n')[1]).toContain('4711,SecretReport,one:end,one,due,1,500,status 500')
  const again = await ask({
    ...{ method: 'POST', url: '/v1/receipts/deliveries/resend' },
    payload: { ids: ['4711', '4712'] },
  })
  expect(again.json()).toEqual({ receipts: 2 })
  const replayed = await ask({
    ...{ method: 'POST', url: '/v1/receipts/replay' },
    payload: { type: 'SecretReport', since: '2030-01-01T00:00:00Z' },
  })
  expect(replayed.json()).toEqual({ receipts: 9 })
})

test.each([
  ['/v1/receipts/deliveries/resend', {}],
  ['/v1/receipts/deliveries/resend', { ids: [] }],
  ['/v1/receipts/deliveries/resend', { ids: ['x'] }],
  ['/v1/receipts/deliveries/resend', { state: 'due' }],
  ['/v1/receipts/deliveries/resend', { way: 'queue' }],
  ['/v1/receipts/replay', { type: 'SecretReport' }],
  ['/v1/receipts/replay', { type: 'SecretReport', since: 'yesterday' }],
])('%s refuses %j', async (url, payload) => {
  const { ask } = await anApi()
  expect((await ask({ method: 'POST', url, payload })).statusCode).toBe(400)
})
