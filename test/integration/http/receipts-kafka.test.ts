import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import type { CallId } from '../../../src/domain/ids.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { aCall } from '../../support/call-events.ts'
import { until } from '../../support/data-rooms.ts'
import { startKafka, type TestKafka } from '../../support/kafka.ts'
import { type KafkaDoor, openKafkaDoor } from '../../support/kafka-door.ts'
import { type Ask, asker } from '../../support/two-accounts.ts'

/** The engine with api and worker, from outside, and a Kafka with a password. Its log is searched for numbers. */
let engine: ApiEngine
let kafka: TestKafka
let door: KafkaDoor
let ask: Ask
const password = 'correct-horse-battery'

beforeAll(async () => {
  kafka = await startKafka(1)
  door = await openKafkaDoor({ broker: kafka.brokers[0] ?? '', password })
  engine = await startApiEngine(['api', 'worker'], {
    KAFKA_BROKERS: door.broker,
    KAFKA_SASL: 'plain',
    KAFKA_USERNAME: 'axbridge',
    KAFKA_PASSWORD: password,
    KAFKA_TOPIC: 'of-{account}-{type}',
  })
  ask = asker(engine.base, engine.adminToken)
})
afterAll(async () => {
  const { log } = engine
  await engine.stop()
  expect(log()).not.toContain(password)
  await door.close()
  await kafka.stop()
})

async function call(callId: string): Promise<void> {
  const redis = await engine.redis.client()
  const seal = createEventSealer(engine.vault)
  for (const event of aCall({ callId: callId as CallId })) {
    await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
  }
}

const topic = 'of-main-SecretReport'
const path = '/v1/receipts/kafka/SecretReport'
const sent = async () =>
  (await ask('GET', '/v1/receipts/deliveries?way=kafka&state=sent')).json['items'] as object[]

test('what happens to a call is in the topic, in the log of deliveries, and is counted', async () => {
  const put = await ask('PUT', path, {})
  expect(put.status, put.text).toBe(201)
  expect(put.json).toMatchObject({ topic, enabled: true })
  await call('first-call')
  await until(async () => (await sent()).length === 1, 30_000)
  expect(await kafka.read(topic)).toMatchObject([
    {
      key: 'first-call',
      headers: { 'axbridge-event-id': 'first-call:end' },
      body: { id: 'first-call:end', phone_no: '13800138000', release_cause: 16 },
    },
  ])
  expect(door.users).toContain('axbridge')
  const metrics = await (await fetch(`${engine.base}/metrics`)).text()
  expect(metrics).toContain('axbridge_receipt_kafka_total{type="SecretReport",outcome="sent"} 1')
  expect(metrics).toContain('axbridge_receipt_kafka_delay_seconds_count{type="SecretReport"} 1')
})

test('what happens while the brokers are away waits, says why, and arrives', async () => {
  await kafka.order('down')
  await call('second-call')
  const failing = async () => (await ask('GET', path)).json['lastFault']
  await until(async () => (await failing()) !== undefined, 30_000)
  const gauge = async () => (await fetch(`${engine.base}/metrics`)).text()
  await until(async () => (await gauge()).includes('axbridge_receipt_kafka_failing 1'), 30_000)
  expect(await gauge()).toContain('axbridge_receipt_kafka_waiting 1')
  await kafka.order('up')
  await until(async () => (await sent()).length === 2, 60_000)
  expect((await kafka.read(topic)).at(-1)).toMatchObject({ key: 'second-call' })
  const tested = await ask('POST', `${path}/test`)
  expect(tested.json).toMatchObject({ ok: true })
})
