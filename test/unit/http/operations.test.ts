import { expect, test, vi } from 'vitest'
import { createMetrics } from '../../../src/platform/metrics.ts'
import { anApi } from './an-app.ts'

const metrics = createMetrics().registry

test('a process that lives says so, whatever its parts do', async () => {
  const checks = { postgres: () => Promise.reject(new Error('away')) }
  const { app } = await anApi({ operations: { checks, isDraining: () => true, metrics } })
  const answer = await app.inject('/healthz')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({ status: 'alive' })
})

test('it is ready when every part is', async () => {
  const checks = { postgres: async () => 'any value', redis: async () => undefined }
  const { app } = await anApi({ operations: { checks, isDraining: () => false, metrics } })
  const answer = await app.inject('/readyz')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({
    status: 'ready',
    checks: [
      { name: 'postgres', ok: true },
      { name: 'redis', ok: true },
    ],
  })
})

test('what is missing is named, without the credentials in a driver’s message', async () => {
  const checks = {
    postgres: async () => undefined,
    redis: () => Promise.reject(new Error('connect redis://user:secret@10.0.0.9:6379/0 refused')),
    drachtio: () => {
      throw new Error('not connected')
    },
  }
  const { app } = await anApi({ operations: { checks, isDraining: () => false, metrics } })
  const answer = await app.inject('/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toEqual({
    status: 'not-ready',
    checks: [
      { name: 'postgres', ok: true },
      { name: 'redis', ok: false, detail: 'connect redis://***@10.0.0.9:6379/0 refused' },
      { name: 'drachtio', ok: false, detail: 'not connected' },
    ],
  })
})

test('a check that never answers is a part that is missing', async () => {
  const checks = { postgres: () => new Promise(() => {}) }
  const { app } = await anApi({
    operations: { checks, isDraining: () => false, metrics, checkMsMax: 20 },
  })
  const answer = await app.inject('/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json().checks[0]).toMatchObject({ name: 'postgres', ok: false })
})

test('however often it is asked, the parts are asked now and then', async () => {
  let asked = 0
  const checks = {
    postgres: async () => {
      asked += 1
    },
  }
  const { app } = await anApi({ operations: { checks, isDraining: () => false, metrics } })
  await Promise.all(Array.from({ length: 20 }, () => app.inject('/readyz')))
  expect(asked).toBeLessThan(20)
  await vi.waitFor(async () => {
    await app.inject('/readyz')
    expect(asked).toBeGreaterThan(1)
  }, 5_000)
})

test('while draining it is not ready though every part is', async () => {
  const checks = { postgres: async () => undefined }
  const { app } = await anApi({ operations: { checks, isDraining: () => true, metrics } })
  const answer = await app.inject('/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ status: 'draining', checks: [{ ok: true }] })
})

test('metrics are Prometheus text', async () => {
  const { app } = await anApi()
  const answer = await app.inject('/metrics')
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0.0.4/)
  expect(answer.body).toContain('# TYPE axbridge_calls_live gauge')
})

test('requests are counted by the pattern of their route, never by their URL', async () => {
  const { app, ask } = await anApi()
  await ask('/v1/numbers/17012345678')
  await ask('/v1/13812340001')
  const { body } = await app.inject('/metrics')
  expect(body).toContain(
    'axbridge_http_request_seconds_count{method="GET",route="/v1/numbers/:x",status="200"} 1',
  )
  expect(body).toContain(
    'axbridge_http_request_seconds_count{method="GET",route="unknown",status="404"} 1',
  )
  expect(body).not.toContain('17012345678')
})
