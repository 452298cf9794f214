import { expect, test } from 'vitest'
import { scopes } from '../../../src/domain/scope.ts'
import { aCall, account, aNumber, anApi, aPool, aTrunk } from './an-app.ts'

test('a pool is made, shown and listed', async () => {
  const { ask } = await anApi()
  const made = await ask({
    method: 'POST',
    url: '/v1/pools',
    payload: { name: '快递员', product: 'AXB', ringSeconds: 30 },
  })
  expect(made.statusCode).toBe(201)
  expect(made.headers['location']).toBe('/v1/pools/FC100000000000001')
  expect(made.json()).toMatchObject({ key: aPool().key, name: '快递员', numbers: 20, bound: 3 })
  expect((await ask('/v1/pools/FC100000000000001')).json()).toMatchObject({ name: 'Couriers' })
  expect((await ask('/v1/pools?limit=5')).json().items).toHaveLength(1)
})

test.each([
  [{ product: 'AXB' }, 'body/name'],
  [{ name: '', product: 'AXB' }, 'body/name'],
  [{ name: 'seventeen letters', product: 'AXB' }, 'body/name'],
  [{ name: 'a\u0000b', product: 'AXB' }, 'body/name'],
  [{ name: 'a\nb', product: 'AXB' }, 'body/name'],
  [{ name: 'a', product: 'AXQ' }, 'body/product'],
  [{ name: 'a', product: 'AXB', key: 'FC100000000000009' }, 'body/key'],
  [{ name: 'a', product: 'AXB', tones: { a: '../../etc/passwd' } }, 'body/tones/a'],
])('the pool %j is refused', async (payload, pointer) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'POST', url: '/v1/pools', payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
})

test('X numbers are added to a pool, in any way of writing them', async () => {
  const { ask } = await anApi()
  const added = await ask({
    method: 'POST',
    url: '/v1/numbers',
    payload: { poolKey: aPool().key, numbers: ['17012345678', '+86 170 1234 5679'], city: '杭州' },
  })
  expect(added.statusCode).toBe(201)
  expect(added.json().items.map((each: { x: string }) => each.x)).toEqual([
    '+8617012345678',
    '+8617012345679',
  ])
})

test('each X that is no number is named by its place', async () => {
  const { ask } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/numbers',
    payload: { poolKey: aPool().key, numbers: ['17012345678', 'none', '17012345679', '+++'] },
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toEqual([
    'body/numbers/1',
    'body/numbers/3',
  ])
})

test.each([
  [[], 'body/numbers'],
  [Array.from({ length: 1001 }, () => '17012345678'), 'body/numbers'],
  ['17012345678', 'body/numbers'],
  [[17_012_345_678], 'body/numbers/0'],
])('a list that is too short, too long or no list is refused', async (numbers, pointer) => {
  const { ask } = await anApi()
  const payload = { poolKey: aPool().key, numbers }
  const answer = await ask({ method: 'POST', url: '/v1/numbers', payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
})

test('an X number is shown and given back by its number, national or with an escaped plus', async () => {
  const { ask } = await anApi()
  for (const written of ['17012345678', '%2B8617012345678', '+8617012345678']) {
    const shown = await ask(`/v1/numbers/${written}`)
    expect(shown.statusCode).toBe(200)
    expect(shown.json()).toMatchObject({ x: aNumber().x, city: '杭州', state: 'normal' })
  }
  const locked = await ask({ method: 'POST', url: '/v1/numbers/17012345678/lock' })
  expect(locked.json()).toMatchObject({ state: 'locked' })
  const unlocked = await ask({ method: 'POST', url: '/v1/numbers/17012345678/unlock' })
  expect(unlocked.json()).toMatchObject({ state: 'normal' })
  const gone = await ask({ method: 'DELETE', url: '/v1/numbers/17012345678' })
  expect(gone.statusCode).toBe(204)
  expect((await ask('/v1/numbers/not-a-number')).statusCode).toBe(400)
  expect((await ask('/v1/numbers?bound=false&state=locked')).statusCode).toBe(200)
})

test('a trunk needs only its name, its host and who may call from it', async () => {
  const { ask } = await anApi()
  const made = await ask({
    method: 'POST',
    url: '/v1/trunks',
    payload: { id: 'carrier-2', host: 'sip.example.net', addresses: ['2001:db8::/32', '10.0.0.1'] },
  })
  expect(made.statusCode).toBe(201)
  expect(made.json()).toEqual({
    id: 'carrier-2',
    host: 'sip.example.net',
    port: 5060,
    transport: 'udp',
    addresses: ['2001:db8::/32', '10.0.0.1'],
    numberFormat: 'e164-plus',
    trustsIdentity: false,
    enabled: true,
    optionsSeconds: 30,
  })
  const changed = await ask({
    method: 'PATCH',
    url: '/v1/trunks/carrier-1',
    payload: { optionsSeconds: 0, priority: null },
  })
  expect(changed.json()).toMatchObject({ id: 'carrier-1', optionsSeconds: 0 })
  expect((await ask('/v1/trunks')).json().items).toEqual([aTrunk()])
  expect((await ask({ method: 'DELETE', url: '/v1/trunks/carrier-1' })).statusCode).toBe(204)
})

test.each([
  '300.0.0.1',
  '10.0.0.0/33',
  '10.0.0.0/8/8',
  '2001:db8::/129',
  'host.example',
  '10.0.0.0/',
  '',
])('the trunk address %j is refused', async (address) => {
  const { ask } = await anApi()
  const payload = { id: 'carrier-2', host: 'sip.example.net', addresses: ['10.0.0.1', address] }
  const answer = await ask({ method: 'POST', url: '/v1/trunks', payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe('body/addresses/1')
})

test.each([
  ['Carrier', 'sip.example.net'],
  ['-carrier', 'sip.example.net'],
  ['carrier', 'sip.example.net;transport=tcp'],
  ['carrier', 'sip:example.net'.replace(':', '@')],
  ['carrier', 'a b'],
])('the trunk %j at %j is refused', async (id, host) => {
  const { ask } = await anApi()
  const payload = { id, host, addresses: [] }
  expect((await ask({ method: 'POST', url: '/v1/trunks', payload })).statusCode).toBe(400)
})

test('a call record says who, through what, when, how long and why it ended', async () => {
  const { ask } = await anApi()
  const answer = await ask(`/v1/calls/${aCall().callId}`)
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({
    id: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
    live: false,
    x: '+8617012345678',
    poolKey: 'FC100000000000001',
    product: 'AXB',
    bindingId: '1000000000000001',
    caller: '138****0001',
    callee: '139****0002',
    callerRole: 'A',
    intercepted: false,
    unconnectedCause: 0,
    controlMsg: 'OK',
    trunkIn: 'carrier-1',
    trunkOut: 'carrier-1',
    callTime: '2030-01-31T08:00:00.120Z',
    callOutTime: '2030-01-31T08:00:00.145Z',
    ringTime: '2030-01-31T08:00:01.310Z',
    startTime: '2030-01-31T08:00:06Z',
    releaseTime: '2030-01-31T08:01:10.502Z',
    talkSeconds: 64,
    releaseDirection: 'caller',
    releaseCause: 16,
    releaseReason: 'normal',
    recorded: true,
  })
})

test('an intercepted call has no callee and no talk', async () => {
  const intercepted = aCall({
    accountId: undefined,
    poolKey: undefined,
    product: undefined,
    bindingId: undefined,
    caller: undefined,
    callee: undefined,
    callerRole: undefined,
    intercepted: true,
    unconnectedCause: 2,
    controlMsg: 'NO_SUBS_EXIST',
    trunkOut: undefined,
    callOutTime: undefined,
    ringTime: undefined,
    startTime: undefined,
    releaseDirection: 0,
    recording: undefined,
  })
  const { ask } = await anApi({
    rooms: {
      callRecords: {
        list: async () => ({ items: [intercepted], nextCursor: undefined }),
        get: async () => intercepted,
      },
    },
  })
  const [shown] = (await ask('/v1/calls')).json().items
  expect(shown).toMatchObject({
    intercepted: true,
    unconnectedCause: 2,
    controlMsg: 'NO_SUBS_EXIST',
    talkSeconds: 0,
    releaseDirection: 'platform',
    recorded: false,
  })
  expect(shown).not.toHaveProperty('caller')
  expect(shown).not.toHaveProperty('callee')
})

test('calls are listed by X, binding and time', async () => {
  let asked: unknown
  const { ask } = await anApi({
    rooms: {
      callRecords: {
        list: async (filter) => {
          asked = filter
          return { items: [aCall()], nextCursor: 'bmV4dA' }
        },
        get: async () => undefined,
      },
    },
  })
  const answer = await ask(
    '/v1/calls?x=17012345678&bindingId=1000000000000001&since=2030-01-31T00:00:00%2B08:00&until=2030-02-01T00:00:00Z&limit=1',
  )
  expect(answer.json()).toMatchObject({ items: [{ live: false }], nextCursor: 'bmV4dA' })
  expect(asked).toMatchObject({
    accountId: undefined,
    x: '+8617012345678',
    bindingId: '1000000000000001',
    since: new Date('2030-01-30T16:00:00Z'),
    until: new Date('2030-02-01T00:00:00Z'),
    limit: 1,
  })
})

test('calls that are up are asked for by a filter, and shown as live', async () => {
  const up = aCall({
    releaseTime: undefined,
    releaseDirection: undefined,
    releaseCause: undefined,
    releaseReason: undefined,
    startTime: undefined,
  })
  const asked: unknown[] = []
  const list = async (filter: object) => {
    asked.push(filter)
    return { items: [up], nextCursor: undefined }
  }
  const { ask } = await anApi({ rooms: { callRecords: { list, get: async () => up } } })
  const listed = (await ask('/v1/calls?live=true')).json()
  expect(listed.items[0]).toMatchObject({ id: up.callId, live: true, talkSeconds: 0 })
  expect(asked).toMatchObject([{ liveOnly: true }])
  expect((await ask(`/v1/calls/${up.callId}`)).json()).toMatchObject({ live: true })
})

test('a customer asks for its own calls only', async () => {
  const asked: unknown[] = []
  const get = async (owner: unknown) => void asked.push(owner)
  const customer = { accountId: account, tokenId: 'key-1', operator: false, scopes }
  const { ask } = await anApi({
    authenticate: () => customer,
    rooms: { callRecords: { list: async () => ({ items: [], nextCursor: undefined }), get } },
  })
  expect((await ask(`/v1/calls/${aCall().callId}`)).statusCode).toBe(404)
  expect(asked).toEqual([account])
})

test.each(['not-a-uuid', '0b8f3c1e-7f0e-4f6f-9d5c', '1'])(
  'the call id %j is refused',
  async (id) => {
    const { ask } = await anApi()
    expect((await ask(`/v1/calls/${id}`)).statusCode).toBe(400)
  },
)
