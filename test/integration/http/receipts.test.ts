import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import type { CallId } from '../../../src/domain/ids.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { aCall } from '../../support/call-events.ts'
import { until } from '../../support/data-rooms.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { type Ask, asker } from '../../support/two-accounts.ts'

/** The engine with api and worker, from outside: a call's receipts are pushed, and can be looked at. Its log is searched for numbers. */
let engine: ApiEngine
let receiver: Receiver
let ask: Ask

beforeAll(async () => {
  receiver = await startReceiver()
  engine = await startApiEngine(['api', 'worker'])
  ask = asker(engine.base, engine.adminToken)
})
afterAll(async () => {
  await engine.stop()
  await receiver.close()
})

test('what happens to a call is pushed in order, is in the log of deliveries, and is counted', async () => {
  for (const [type, path] of [
    ['SecretStartReport', '/start'],
    ['SecretReport', '/end'],
  ]) {
    const put = await ask('PUT', `/v1/receipts/pushes/${type}`, { url: receiver.url + path })
    expect(put.status, put.text).toBe(201)
  }
  const redis = await engine.redis.client()
  const seal = createEventSealer(engine.vault)
  const call = 'call-of-the-test' as CallId
  for (const event of aCall({ callId: call })) {
    await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
  }
  await until(() => receiver.taken.length === 2, 30_000)
  expect(receiver.received.map(({ path }) => path)).toEqual(['/start', '/end'])
  expect(receiver.received[1]?.receipts).toMatchObject([
    { id: `${call}:end`, call_id: call, phone_no: '13800138000', release_cause: 16 },
  ])
  const log = async () => (await ask('GET', '/v1/receipts/deliveries?state=sent')).json['items']
  await until(async () => ((await log()) as unknown[]).length === 2)
  expect(await log()).toMatchObject([
    { type: 'SecretReport', attempts: 1, lastStatus: 200, callId: call },
    { type: 'SecretStartReport', attempts: 1, lastStatus: 200, callId: call },
  ])
  const metrics = await (await fetch(`${engine.base}/metrics`)).text()
  expect(metrics).toContain('axbridge_receipt_pushes_total{type="SecretReport",outcome="sent"} 1')
  expect(metrics).toContain('axbridge_receipt_delay_seconds_count{type="SecretReport"} 1')
})
