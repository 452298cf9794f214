import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createAccountRooms } from '../../../src/accounts/account-rooms.ts'
import { createAlarms } from '../../../src/alarms/alarms.ts'
import { createPoolRooms } from '../../../src/app/pool-rooms.ts'
import { createReceiptRooms } from '../../../src/app/pushes.ts'
import { createBindings } from '../../../src/bindings/bindings.ts'
import { createRoutePublisher } from '../../../src/bindings/route-publisher.ts'
import { createCallRecordWriter } from '../../../src/cdr/call-record-writer.ts'
import { createCallRecords } from '../../../src/cdr/call-records.ts'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import { createCertification } from '../../../src/certification/certification.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { createAdminAuthenticate } from '../../../src/http/auth.ts'
import { buildHttpApp } from '../../../src/http/build-http-app.ts'
import { createCities } from '../../../src/numbers/cities.ts'
import { createNumberMigrations } from '../../../src/numbers/number-migrations.ts'
import { createNumbers } from '../../../src/numbers/numbers.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createMetrics } from '../../../src/platform/metrics.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { createRouteCache } from '../../../src/resolve/route-cache.ts'
import { createSimulate } from '../../../src/route/simulate.ts'
import { createTrunks } from '../../../src/trunks/trunks.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { routerRooms } from '../../support/data-rooms.ts'
import { marketRooms } from '../../support/market.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

/** /v1 on the real rooms: real Postgres, real Redis, real HTTP. */
let database: TestDatabase
let redis: TestRedis
let app: FastifyInstance
let base: string
let publisher: ReturnType<typeof createRoutePublisher>
let poolKey: string
let logged = ''
const token = 'a-token-that-only-tests-know'
const vault = aVault()
const poolSettings = {
  CONTROL_URL_PRIVATE_HOSTS: false,
  RING_SECONDS_MAX: 60,
  TALK_SECONDS_MAX: 14_400,
}

beforeAll(async () => {
  ;[database, redis] = await Promise.all([createTestDatabase(), startRedis()])
  const { sql } = database
  const write = (line: string) => {
    logged += line
  }
  const log = pino({ level: 'trace' }, { write })
  const client = await redis.client()
  publisher = createRoutePublisher({ sql, records: createRouteCache({ redis: client }), log })
  const metrics = createMetrics()
  app = await buildHttpApp({
    authenticate: createAdminAuthenticate({ token, accountId: 'main' as AccountId }),
    rooms: {
      ...marketRooms({ sql, redis: client }),
      ...createAccountRooms({ sql, vault, clock: systemClock, log }),
      bindings: createBindings({
        sql,
        vault,
        clock: systemClock,
        cities: createCities(),
        publisher,
      }),
      ...createPoolRooms({ sql, vault, publisher, settings: poolSettings }),
      alarms: createAlarms({ sql }),
      ...createReceiptRooms({
        sql,
        vault,
        closers: [],
        settings: {
          RECEIPT_PRIVATE_HOSTS: false,
          KAFKA_TOPIC: '{type}',
          KAFKA_TLS: false,
          KAFKA_SASL: 'none',
        },
      }),
      numberMigrations: createNumberMigrations({ sql, clock: systemClock, publisher }),
      certification: createCertification({
        ...{ sql, vault, clock: systemClock, log, publicUrl: 'http://127.0.0.1' },
      }),
      numbers: createNumbers({ sql, vault, cities: createCities(), publisher }),
      trunks: createTrunks({ sql }),
      callRecords: createCallRecords({ sql, vault }),
      simulate: createSimulate({
        resolve: routerRooms({ sql, redis: client }).resolve,
        trunks: () => [],
        unmatchedSipStatus: 403,
        now: systemClock.now,
      }),
      parser: createNumberParser({ country: 'CN' }),
    },
    operations: {
      checks: { redis: () => client.ping() },
      isDraining: () => false,
      metrics: metrics.registry,
    },
    requestSeconds: metrics.httpRequests,
    log,
  })
  base = await app.listen({ host: '127.0.0.1', port: 0 })
  const pool = await ask('POST', '/v1/pools', { name: 'Couriers', product: 'AXB' })
  poolKey = pool.body['key'] as string
  const numbers = ['17012340001', '17012340002', '17012340003']
  expect((await ask('POST', '/v1/numbers', { poolKey, numbers, city: '杭州' })).status).toBe(201)
})

afterAll(async () => {
  await app.close()
  await publisher.close()
  await redis.stop()
  await database.drop()
})

type Answer = { status: number; body: Record<string, unknown>; text: string }
/** Every answer of the whole file, to be searched for numbers at the end. */
let answered = ''

async function ask(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(base + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  answered += `${JSON.stringify([...answer.headers])}${text}\n`
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text), text }
}

let used = 0
const numbersUsed: string[] = []
/** A number that no other test uses. */
function aNumber(): string {
  used += 1
  const national = `139${String(56_780_000 + used)}`
  numbersUsed.push(national)
  return national
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const aRequest = <Given extends object>(given?: Given) => ({
  poolKey,
  phoneA: aNumber(),
  phoneB: aNumber(),
  expiresAt: inAnHour(),
  ...given,
})

describe('bindings', () => {
  test('are made, shown, listed and ended', async () => {
    const outId = "order'; drop table binding; --"
    const request = aRequest({ outId, recording: true })
    const bound = await ask('POST', '/v1/bindings', request)
    expect(bound.status).toBe(201)
    expect(bound.body).toMatchObject({ poolKey, product: 'AXB', status: 'live', recording: true })
    expect(bound.body['id']).toMatch(/^\d{16}$/)

    const shown = await ask('GET', `/v1/bindings/${bound.body['id']}`)
    expect(shown.body).toEqual(bound.body)
    const listed = await ask('GET', `/v1/bindings?outId=${encodeURIComponent(outId)}`)
    expect(listed.body).toEqual({ items: [bound.body] })

    expect((await ask('DELETE', `/v1/bindings/${bound.body['id']}`)).status).toBe(204)
    const ended = await ask('GET', `/v1/bindings/${bound.body['id']}`)
    expect(ended.body).toMatchObject({ status: 'unbound' })
    const again = await ask('DELETE', `/v1/bindings/${bound.body['id']}`)
    expect(again).toMatchObject({ status: 404, body: { vendorCode: 'isv.SUBS_NOT_EXIST' } })
  })

  test('come in pages, newest first, each once', async () => {
    const made: unknown[] = []
    for (let at = 0; at < 5; at += 1) {
      made.unshift((await ask('POST', '/v1/bindings', aRequest({ outId: 'paged' }))).body['id'])
    }
    const seen: unknown[] = []
    let cursor = ''
    do {
      const page = await ask('GET', `/v1/bindings?outId=paged&limit=2${cursor}`)
      expect(page.status).toBe(200)
      seen.push(...(page.body['items'] as { id: string }[]).map((each) => each.id))
      cursor = page.body['nextCursor'] === undefined ? '' : `&cursor=${page.body['nextCursor']}`
    } while (cursor !== '')
    expect(seen).toEqual(made)
    const foreign = await ask('GET', '/v1/bindings?cursor=bm9uc2Vuc2U')
    expect(foreign).toMatchObject({ status: 422, body: { code: 'cursor-unknown' } })
  })

  test('on one X no number takes part twice', async () => {
    const x = '+8617012340003'
    const first = aRequest({ x })
    expect((await ask('POST', '/v1/bindings', first)).status).toBe(201)
    const clash = await ask('POST', '/v1/bindings', aRequest({ x, phoneB: first.phoneA }))
    expect(clash).toMatchObject({
      status: 409,
      body: { code: 'bind-conflict', vendorCode: 'isv.BIND_CONFLICT' },
    })
  })

  test.each([
    ['too near', () => aRequest({ expiresAt: new Date(Date.now() + 30_000).toISOString() }), 422],
    ['in the past', () => aRequest({ expiresAt: '2001-01-01T00:00:00Z' }), 422],
    ['too far', () => aRequest({ expiresAt: '9999-12-31T23:59:59Z' }), 422],
    ['in a leap second', () => aRequest({ expiresAt: '2016-12-31T23:59:60Z' }), 422],
  ])('an expiry that is %s is refused', async (_what, request, status) => {
    const answer = await ask('POST', '/v1/bindings', request())
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ vendorCode: 'isv.EXPIRE_DATE_ILLEGAL' })
  })

  test('A and B are two people, and neither is an X', async () => {
    const a = aNumber()
    const same = await ask('POST', '/v1/bindings', aRequest({ phoneA: a, phoneB: `+86${a}` }))
    expect(same.status).toBe(422)
    const virtual = await ask('POST', '/v1/bindings', aRequest({ phoneB: '17012340001' }))
    expect(virtual).toMatchObject({ status: 422, body: { code: 'party-is-virtual' } })
  })

  test('an unknown pool and a foreign X are refused', async () => {
    const pool = await ask('POST', '/v1/bindings', aRequest({ poolKey: 'FC999999999999999' }))
    expect(pool).toMatchObject({ status: 404, body: { vendorCode: 'isv.POOLKEY_NOT_EXISTS' } })
    const x = await ask('POST', '/v1/bindings', aRequest({ x: '+8617099999999' }))
    expect(x).toMatchObject({ status: 404, body: { vendorCode: 'isv.NO_NOT_EXIST' } })
  })

  test('the same key gives the same binding, at the same time too, and never to another request', async () => {
    const request = aRequest()
    const headers = { 'idempotency-key': 'order-7' }
    const send = () => ask('POST', '/v1/bindings', request, headers)
    const answers = await Promise.all(Array.from({ length: 8 }, send))
    const ids = new Set(answers.map((each) => each.body['id']))
    expect(answers.map((each) => each.status)).toEqual(Array(8).fill(201))
    expect(ids.size).toBe(1)
    const other = await ask('POST', '/v1/bindings', { ...request, recording: true }, headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } })
  })
})

describe('numbers and pools', () => {
  test('are counted and listed', async () => {
    const pool = await ask('GET', `/v1/pools/${poolKey}`)
    expect(pool.body).toMatchObject({ name: 'Couriers', numbers: 3, ringSeconds: 60 })
    const listed = await ask('GET', `/v1/numbers?poolKey=${poolKey}&limit=2`)
    expect(listed.body['items']).toHaveLength(2)
    const rest = await ask(
      'GET',
      `/v1/numbers?poolKey=${poolKey}&cursor=${listed.body['nextCursor']}`,
    )
    expect(rest.body['items']).toHaveLength(1)
    expect((await ask('GET', '/v1/pools')).body['items']).toHaveLength(1)
    expect((await ask('GET', '/v1/pools/FC999999999999999')).status).toBe(404)
  })

  test('a number is in one pool, and goes only when nothing is bound to it', async () => {
    const twice = { poolKey, numbers: ['17012340001'] }
    expect(await ask('POST', '/v1/numbers', twice)).toMatchObject({ status: 409 })
    const fresh = { poolKey, numbers: ['17012349999'] }
    expect((await ask('POST', '/v1/numbers', fresh)).status).toBe(201)
    const bound = await ask('POST', '/v1/bindings', aRequest({ x: '17012349999' }))
    expect(await ask('DELETE', '/v1/numbers/17012349999')).toMatchObject({ status: 409 })
    await ask('DELETE', `/v1/bindings/${bound.body['id']}`)
    expect((await ask('DELETE', '/v1/numbers/17012349999')).status).toBe(204)
    expect((await ask('GET', '/v1/numbers/17012349999')).status).toBe(404)
  })

  test('a locked number takes no binding until it is unlocked', async () => {
    const x = '+8617012340002'
    const locked = await ask('POST', '/v1/numbers/17012340002/lock')
    expect(locked.body).toMatchObject({ x, state: 'locked' })
    expect(await ask('POST', '/v1/bindings', aRequest({ x }))).toMatchObject({ status: 409 })
    await ask('POST', '/v1/numbers/17012340002/unlock')
    expect((await ask('POST', '/v1/bindings', aRequest({ x }))).status).toBe(201)
  })
})

test('trunks are added, listed in order and removed', async () => {
  const trunk = { id: 'carrier-1', host: 'sip.example.net', addresses: ['203.0.113.0/24'] }
  expect((await ask('POST', '/v1/trunks', { ...trunk, priority: 5 })).status).toBe(201)
  expect((await ask('POST', '/v1/trunks', { ...trunk, id: 'inbound' })).status).toBe(201)
  expect(await ask('POST', '/v1/trunks', trunk)).toMatchObject({ status: 409 })
  const { items } = (await ask('GET', '/v1/trunks')).body as { items: { id: string }[] }
  expect(items.map((each) => each.id)).toEqual(['carrier-1', 'inbound'])
  expect((await ask('DELETE', '/v1/trunks/carrier-1')).status).toBe(204)
  expect(await ask('DELETE', '/v1/trunks/carrier-1')).toMatchObject({ status: 404 })
})

test('calls are shown from their records, newest first, by X and by binding', async () => {
  const { sql } = database
  const client = await redis.client({ commandMsMax: 0 })
  const log = pino({ level: 'silent' })
  const writer = createCallRecordWriter({ redis: client, sql, clock: systemClock, log })
  writer.start()
  try {
    const seal = createEventSealer(vault)
    const earlier = aCall()
    const later = aCall({ callTime: new Date('2026-11-24T03:00:00.000Z') })
    const running = aCall({ callTime: new Date('2026-11-24T04:00:00.000Z') }).slice(0, 3)
    for (const event of [...earlier, ...later, ...running]) {
      await client.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
    }
    const path = '/v1/calls?x=%2B8617000000001&bindingId=1000000000000001'
    await vi.waitFor(async () => expect((await ask('GET', path)).body['items']).toHaveLength(3), {
      timeout: 20_000,
    })
    const items = (await ask('GET', path)).body['items'] as Record<string, unknown>[]
    expect(items.map((each) => each['id'])).toEqual(
      [running, later, earlier].map((events) => events[0]?.callId),
    )
    expect(items.map((each) => each['live'])).toEqual([true, false, false])
    expect(items[1]).toMatchObject({
      caller: '138****8000',
      callee: '139****5678',
      talkSeconds: 10,
      releaseReason: 'normal',
      recorded: true,
    })
    const one = await ask('GET', `/v1/calls/${items[1]?.['id']}`)
    expect(one.body).toEqual(items[1])
    const within = `${path}&since=2026-11-24T11:00:00%2B08:00&until=2026-11-24T04:00:00Z&limit=1`
    expect((await ask('GET', within)).body).toEqual({ items: [items[1]] })
    const paged = await ask('GET', `${path}&limit=2`)
    const rest = await ask('GET', `${path}&cursor=${paged.body['nextCursor']}`)
    expect(rest.body).toEqual({ items: [items[2]] })
    numbersUsed.push('13800138000', '13912345678')
  } finally {
    await writer.stop()
  }
})

test('a call that nobody knows is not found', async () => {
  expect((await ask('GET', '/v1/calls?since=2030-01-01T00:00:00Z')).body).toEqual({ items: [] })
  const none = await ask('GET', '/v1/calls/0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10')
  expect(none).toMatchObject({ status: 404, body: { code: 'call-unknown' } })
})

test('no answer and no line of the log held a number that was bound', () => {
  expect(numbersUsed.length).toBeGreaterThan(20)
  expect(logged).toContain('"route":"/v1/bindings"')
  for (const national of numbersUsed) {
    expect(answered).not.toContain(national)
    expect(logged).not.toContain(national)
  }
})
