import { expect, test } from 'vitest'
import type { BindingFilter } from '../../../src/bindings/binding.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { aBinding, anApi, holdsNoSecret, secrets } from './an-app.ts'
import { someBindings } from './some-bindings.ts'

const request = {
  poolKey: 'FC100000000000001',
  phoneA: secrets.a,
  phoneB: secrets.b,
  expiresAt: '2030-01-31T23:59:59+08:00',
}

test('a binding of each product is asked for with what it needs', async () => {
  const { ask, commands } = await anApi()
  const payload = {
    poolKey: request.poolKey,
    product: 'AXN_EXTENSION',
    phoneA: secrets.a,
    x: '17012345678',
    extension: '12',
    groupId: '2000000000001',
    expectCity: '杭州',
    expiresAt: request.expiresAt,
    outOrderId: 'p-7',
    asr: true,
    asrModel: 'm',
    survey: { side: 'B', question: '10000005', keys: ['1', '2'], loopsMax: 2 },
  }
  const answer = await ask({ method: 'POST', url: '/v1/bindings', payload })
  expect(answer.statusCode).toBe(201)
  expect(commands[0]).toMatchObject({
    product: 'AXN_EXTENSION',
    b: undefined,
    extension: '12',
    groupId: '2000000000001',
    expectCity: '杭州',
    outOrderId: 'p-7',
    asr: true,
    asrModel: 'm',
    survey: payload.survey,
  })
  const { expectCity, phoneA, product, x, expiresAt, ...kept } = payload
  expect(answer.json()).toMatchObject({ ...kept, phoneA: '138****0001' })
})

test('a change says what is set, what is cleared and what must match', async () => {
  const asked: unknown[] = []
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        update: async (command) => {
          asked.push(command)
          return aBinding({ outId: 'new' })
        },
      }),
    },
  })
  const answer = await ask({
    method: 'PATCH',
    url: '/v1/bindings/1000000000000001?poolKey=FC100000000000001&x=17012345678',
    headers: { 'idempotency-key': 'k' },
    payload: {
      phoneA: secrets.b,
      phoneB: null,
      expiresAt: '2030-01-31T23:59:59+08:00',
      callRestrict: null,
      ringSeconds: 30,
      tones: null,
    },
  })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({ outId: 'new' })
  const [command] = asked as [{ change: { a: { reveal(): string } } }]
  expect(command.change.a.reveal()).toBe(secrets.b)
  expect(command).toMatchObject({
    accountId: 'main',
    id: '1000000000000001',
    poolKey: 'FC100000000000001',
    x: '+8617012345678',
    idempotencyKey: 'k',
    change: {
      b: null,
      expiresAt: new Date('2030-01-31T15:59:59Z'),
      restriction: null,
      ringSecondsMax: 30,
      tones: null,
      recording: undefined,
      outId: undefined,
    },
  })
})

test.each<[object, string]>([
  [{}, 'body'],
  [{ x: '17012345678' }, 'body/x'],
  [{ phoneA: null }, 'body/phoneA'],
  [{ phoneA: 'nobody' }, 'body/phoneA'],
  [{ ringSeconds: 1 }, 'body/ringSeconds'],
  [{ survey: { side: 'C', question: 'q', keys: ['1'] } }, 'body/survey'],
])('the change %j is refused', async (payload, pointer) => {
  const { ask } = await anApi()
  const url = '/v1/bindings/1000000000000001'
  const answer = await ask({ method: 'PATCH', url, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toContain(pointer)
})

test('bindings of a real number are searched for without it in the URL', async () => {
  const asked: BindingFilter[] = []
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        list: async (filter) => {
          asked.push(filter)
          return { items: [aBinding()], nextCursor: 'bmV4dA' }
        },
      }),
    },
  })
  const search = (payload: object) => ask({ method: 'POST', url: '/v1/bindings/search', payload })
  const answer = await search({
    phone: secrets.a,
    role: 'A',
    status: 'live',
    order: 'expires',
    limit: 2,
  })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({ items: [{ phoneA: '138****0001' }], nextCursor: 'bmV4dA' })
  await search({ phone: secrets.b, groupId: '2000000000001', extension: '12' })
  expect(asked).toMatchObject([
    { state: 'live', sort: 'expires', limit: 2 },
    { groupId: '2000000000001', extension: '12' },
  ])
  expect([asked[0]?.party, asked[1]?.a]).toEqual([undefined, undefined])
  expect(asked[0]?.a?.reveal()).toBe(secrets.a)
  expect(asked[1]?.party?.reveal()).toBe(secrets.b)
  expect((await search({ phone: 'nobody' })).json().errors[0].pointer).toBe('body/phone')
})

test('many are bound at once, each with its own outcome', async () => {
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        bindMany: async (_account, commands, key) => {
          expect(key).toBe('k')
          return commands.map((_, at) =>
            at === 0
              ? { binding: aBinding() }
              : {
                  refusal: new DomainError('bind-conflict', 409, 'No.', {
                    vendorCode: 'isv.BIND_CONFLICT',
                  }),
                },
          )
        },
      }),
    },
  })
  const answer = await ask({
    method: 'POST',
    url: '/v1/bindings/bulk',
    headers: { 'idempotency-key': 'k' },
    payload: { items: [{ ...request, phoneA: 'nobody' }, request, request] },
  })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({
    done: 1,
    failed: 2,
    items: [
      { problem: { code: 'request-invalid', errors: [{ pointer: 'body/items/0/phoneA' }] } },
      { binding: { id: aBinding().id, phoneA: '138****0001' } },
      { problem: { code: 'bind-conflict', status: 409, vendorCode: 'isv.BIND_CONFLICT' } },
    ],
  })
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('a bulk has 1 to 500 items, and one of them may be large', async () => {
  const { ask } = await anApi()
  const bulk = (items: object[]) =>
    ask({ method: 'POST', url: '/v1/bindings/bulk', payload: { items } })
  expect((await bulk([])).statusCode).toBe(400)
  expect((await bulk(Array.from({ length: 501 }, () => request))).statusCode).toBe(400)
  const large = {
    ...request,
    outId: 'x'.repeat(128),
    outOrderId: 'y'.repeat(128),
    expectCity: '杭州',
  }
  const answer = await bulk(
    Array.from({ length: 500 }, () => ({ ...large, asrModel: 'z'.repeat(64) })),
  )
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({ done: 500, failed: 0 })
})

test('many are unbound at once, by id and what must match', async () => {
  let asked: unknown
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        unbindMany: async (_account, refs) => {
          asked = refs
          return refs.map(() => ({ binding: aBinding({ state: 'unbound' }) }))
        },
      }),
    },
  })
  const answer = await ask({
    method: 'POST',
    url: '/v1/bindings/bulk-unbind',
    payload: { items: [{ id: '1000000000000001', x: '17012345678' }, { id: '1000000000000002' }] },
  })
  expect(answer.json()).toMatchObject({ done: 2, items: [{ binding: { status: 'unbound' } }, {}] })
  expect(asked).toMatchObject([
    { accountId: 'main', id: '1000000000000001', x: '+8617012345678' },
    { id: '1000000000000002', x: undefined },
  ])
})

test('searches by number are too few in a minute to guess what is masked', async () => {
  const { ask } = await anApi({})
  const search = () =>
    ask({ method: 'POST', url: '/v1/bindings/search', payload: { phone: secrets.a } })
  const statuses: number[] = []
  for (let at = 0; at < 120; at += 1) statuses.push((await search()).statusCode)
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect((await search()).json()).toMatchObject({ code: 'rate-limited', status: 429 })
  expect((await ask('/v1/bindings')).statusCode).toBe(200)
})
