import { expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import { aBinding, anApi, holdsNoSecret, secrets } from './an-app.ts'
import { someBindings } from './some-bindings.ts'

const request = {
  poolKey: 'FC100000000000001',
  phoneA: secrets.a,
  phoneB: secrets.b,
  expiresAt: '2030-01-31T23:59:59+08:00',
}

test('a bind request becomes a command, and the answer shows the binding with masked numbers', async () => {
  const { ask, commands } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/bindings',
    headers: { 'idempotency-key': 'order-7' },
    payload: {
      ...request,
      phoneA: '138 1234 0001',
      x: '17012345678',
      recording: true,
      tones: { a: '10000002', peer: '10000003' },
      ringSeconds: 20,
      talkSeconds: 600,
      callRestrict: 'CONTROL_BX_DISABLE',
      outId: 'order-7',
    },
  })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers['location']).toBe('/v1/bindings/1000000000000001')
  expect(answer.json()).toEqual({
    id: '1000000000000001',
    poolKey: 'FC100000000000001',
    product: 'AXB',
    x: '+8617012345678',
    phoneA: '138****0001',
    phoneB: '139****0002',
    status: 'live',
    expiresAt: '2030-01-31T15:59:59Z',
    createdAt: '2030-01-30T02:00:00.250Z',
    recording: true,
    tones: { a: '10000002', peer: '10000003' },
    ringSeconds: 20,
    talkSeconds: 600,
    callRestrict: 'CONTROL_BX_DISABLE',
    outId: 'order-7',
  })

  const [command] = commands
  expect(command?.a.reveal()).toBe(secrets.a)
  expect(command?.b?.reveal()).toBe(secrets.b)
  expect(command).toMatchObject({
    accountId: 'main',
    poolKey: 'FC100000000000001',
    x: '+8617012345678',
    expiresAt: new Date('2030-01-31T15:59:59Z'),
    recording: true,
    tones: { a: '10000002', peer: '10000003' },
    ringSecondsMax: 20,
    talkSecondsMax: 600,
    restriction: 'BX',
    outId: 'order-7',
    idempotencyKey: 'order-7',
  })
})

test('what is not said is left to the pool', async () => {
  const { ask, commands } = await anApi()
  const answer = await ask({ method: 'POST', url: '/v1/bindings', payload: request })
  expect(answer.statusCode).toBe(201)
  expect(commands[0]).toMatchObject({
    x: undefined,
    recording: undefined,
    restriction: undefined,
    idempotencyKey: undefined,
  })
  expect(answer.json()).not.toHaveProperty('recording')
  expect(answer.json()).not.toHaveProperty('outId')
})

test('every fault of a request is listed at once, with what to do', async () => {
  const { ask, commands } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/bindings',
    payload: {
      phoneA: 13_812_340_001,
      phoneB: '',
      poolkey: 'FC100000000000001',
      expiresAt: '2030-01-31 23:59:59',
      recording: 'yes',
      ringSeconds: 3,
      talkSeconds: 1e9,
      callRestrict: 'CONTROL_CLEAR_DISABLE',
      outId: 'x'.repeat(129),
    },
  })
  expect(answer.statusCode).toBe(400)
  expect(commands).toEqual([])
  const problem = answer.json()
  expect(problem).toMatchObject({ code: 'request-invalid', status: 400, title: 'Bad Request' })
  const faults = Object.fromEntries(
    problem.errors.map((each: { pointer: string; detail: string }) => [each.pointer, each.detail]),
  )
  expect(faults).toEqual({
    'body/poolKey': 'is missing; it is required',
    'body/poolkey': 'is not known here; remove it or correct its spelling',
    'body/phoneA': 'must be of type string',
    'body/phoneB': 'must have at least 3 characters',
    'body/expiresAt':
      'must be a date and time with offset (RFC 3339), such as 2030-01-31T23:59:59+08:00',
    'body/recording': 'must be of type boolean',
    'body/ringSeconds': 'must be at least 5',
    'body/talkSeconds': 'must be at most 86400',
    'body/callRestrict': 'must be one of CONTROL_AX_DISABLE, CONTROL_BX_DISABLE',
    'body/outId': 'must have at most 128 characters',
  })
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('every number that is none is named', async () => {
  const { ask } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/bindings',
    payload: { ...request, phoneA: 'one-two', phoneB: '138123400011111111', x: '+12' },
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' })
  expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toEqual([
    'body/phoneA',
    'body/phoneB',
    'body/x',
  ])
  expect(answer.body).not.toContain('138123400011111111')
})

test('a refusal of the room keeps its code, its status and the vendor code', async () => {
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        bind: async () => {
          throw new DomainError('bind-conflict', 409, 'A or B is already bound on this X.', {
            vendorCode: 'isv.BIND_CONFLICT',
          })
        },
      }),
    },
  })
  const answer = await ask({ method: 'POST', url: '/v1/bindings', payload: request })
  expect(answer.statusCode).toBe(409)
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(answer.json()).toEqual({
    type: 'urn:axbridge:problem:bind-conflict',
    title: 'Conflict',
    status: 409,
    detail: 'A or B is already bound on this X.',
    code: 'bind-conflict',
    instance: `urn:axbridge:request:${answer.headers['x-request-id']}`,
    vendorCode: 'isv.BIND_CONFLICT',
  })
})

test.each(['', 'with space', 'x'.repeat(256), 'ключ'])(
  'the idempotency key %j is refused before anything happens',
  async (key) => {
    const { ask, commands } = await anApi()
    const answer = await ask({
      method: 'POST',
      url: '/v1/bindings',
      headers: { 'idempotency-key': key },
      payload: request,
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors[0].pointer).toBe('headers/idempotency-key')
    expect(commands).toEqual([])
  },
)

test('lists are pages', async () => {
  let asked: unknown
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        list: async (filter) => {
          asked = filter
          return { items: [aBinding()], nextCursor: 'bmV4dA' }
        },
      }),
    },
  })
  const answer = await ask(
    '/v1/bindings?poolKey=FC100000000000001&x=%2B8617012345678&live=true&limit=2&cursor=YjE',
  )
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({ items: [{ id: aBinding().id }], nextCursor: 'bmV4dA' })
  expect(asked).toMatchObject({
    accountId: 'main',
    poolKey: 'FC100000000000001',
    x: '+8617012345678',
    state: 'live',
    limit: 2,
    cursor: 'YjE',
  })
})

test('the last page has no cursor', async () => {
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        list: async () => ({ items: [], nextCursor: undefined }),
      }),
    },
  })
  expect((await ask('/v1/bindings')).json()).toEqual({ items: [] })
})

test.each([
  ['limit=0', 'querystring/limit'],
  ['limit=201', 'querystring/limit'],
  ['limit=ten', 'querystring/limit'],
  ['live=perhaps', 'querystring/live'],
  ['poolKey=nope', 'querystring/poolKey'],
  ['x=nope', 'querystring/x'],
  ['cursor=%00', 'querystring/cursor'],
  ['phoneA=13812340001', 'querystring/phoneA'],
  ['limit=1&limit=2', 'querystring/limit'],
])('the query %s is refused', async (query, pointer) => {
  const { ask } = await anApi()
  const answer = await ask(`/v1/bindings?${query}`)
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('a binding is read and ended by its id', async () => {
  const { ask } = await anApi()
  const read = await ask('/v1/bindings/1000000000000001')
  expect(read.statusCode).toBe(200)
  expect(read.json()).toMatchObject({ phoneA: '138****0001', status: 'live' })
  const ended = await ask({ method: 'DELETE', url: '/v1/bindings/1000000000000001' })
  expect(ended.statusCode).toBe(204)
  expect(ended.body).toBe('')
})

test.each(['1000000000000002', '9999999999999999'])('nothing is known by id %s', async (id) => {
  const { ask } = await anApi()
  for (const method of ['GET', 'DELETE'] as const) {
    const answer = await ask({ method, url: `/v1/bindings/${id}` })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'binding-unknown' })
  }
})

test('a binding without B, ended, is shown as it is', async () => {
  const { ask } = await anApi({
    rooms: {
      bindings: someBindings(aBinding(), [], {
        get: async () =>
          aBinding({
            b: undefined,
            state: 'unbound',
            endedAt: new Date('2030-01-30T03:00:00Z'),
            restriction: 'AX',
          }),
      }),
    },
  })
  const answer = (await ask('/v1/bindings/1000000000000001')).json()
  expect(answer).not.toHaveProperty('phoneB')
  expect(answer).toMatchObject({
    status: 'unbound',
    endedAt: '2030-01-30T03:00:00Z',
    callRestrict: 'CONTROL_AX_DISABLE',
  })
})
