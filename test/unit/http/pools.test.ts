import { describe, expect, test } from 'vitest'
import type { ChangePool } from '../../../src/numbers/pool.ts'
import type { Pools } from '../../../src/numbers/pools.ts'
import { aBinding, anApi, aPool, holdsNoSecret, secrets } from './an-app.ts'
import { aGroup, poolRooms } from './some-pools.ts'

const at = `/v1/pools/${aPool().key}`
const rooms = poolRooms(aPool(), [aBinding().a, aBinding().b ?? aBinding().a])

async function posted(url: string, payload: object) {
  const { ask } = await anApi()
  return ask({ method: 'POST', url, payload })
}

describe('pools', () => {
  test('a pool shows all that it says, and its use', async () => {
    const { ask } = await anApi()
    expect((await ask(at)).json()).toEqual({
      key: 'FC100000000000001',
      name: 'Couriers',
      product: 'AXB',
      assignmentMode: 'default',
      callbackMode: 'default-b',
      smsMode: 'off',
      tones: {},
      recording: false,
      ringSeconds: 60,
      talkSeconds: 14_400,
      coolingDays: 0,
      numbers: 20,
      bound: 3,
      bindings: 5,
      bindable: 3995,
      utilisation: 0.13,
      groups: 0,
      blockedCallers: 0,
      blockedPairs: 0,
      createdAt: '2030-01-30T02:00:00Z',
    })
  })

  test('a change hands over what was given, and an alarm goes by null', async () => {
    const changes: ChangePool[] = []
    const pools: Pools = {
      ...rooms.pools,
      change: async (_account, _key, change) => {
        changes.push(change)
        return aPool()
      },
    }
    const { ask } = await anApi({ rooms: { pools } })
    const payload = { name: 'new', ringSeconds: 20, alarmPercent: null, tones: { a: '1' } }
    expect((await ask({ method: 'PATCH', url: at, payload })).statusCode).toBe(200)
    expect(changes).toEqual([
      {
        name: 'new',
        ringSecondsMax: 20,
        talkSecondsMax: undefined,
        alarmPercent: 'none',
        tones: { a: '1' },
      },
    ])
  })

  test.each([
    [{}, 'body'],
    [{ product: 'AXN' }, 'body/product'],
    [{ alarmPercent: 0 }, 'body/alarmPercent'],
    [{ coolingDays: 366 }, 'body/coolingDays'],
    [{ callbackMode: 'b' }, 'body/callbackMode'],
    [{ tones: { b: '1' } }, 'body/tones/b'],
    [{ name: null }, 'body/name'],
  ])('the change %j is refused', async (payload, pointer) => {
    const { ask } = await anApi()
    const answer = await ask({ method: 'PATCH', url: at, payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors[0].pointer).toBe(pointer)
  })

  test('the Idempotency-Key of a pool and of a group is handed over', async () => {
    const keys: unknown[] = []
    const noting = async <Made>(made: Made, { idempotencyKey }: { idempotencyKey?: unknown }) => {
      keys.push(idempotencyKey)
      return made
    }
    const pools = { ...rooms.pools, create: (pool: object) => noting(aPool(), pool) }
    const groups = { ...rooms.groups, create: (group: object) => noting(aGroup(), group) }
    const { ask } = await anApi({ rooms: { pools, groups } })
    const headers = { 'idempotency-key': 'order-7' }
    const payload = { name: 'a', product: 'AXB' }
    expect((await ask({ method: 'POST', url: '/v1/pools', headers, payload })).statusCode).toBe(201)
    const url = `${at}/groups`
    expect((await ask({ method: 'POST', url, headers, payload: {} })).statusCode).toBe(201)
    expect((await ask({ method: 'POST', url, payload: {} })).statusCode).toBe(201)
    expect(keys).toEqual(['order-7', 'order-7', undefined])
  })

  test('every product is listed with its pools, also those without one', async () => {
    const { ask } = await anApi()
    expect((await ask('/v1/products')).json()).toEqual({
      items: [
        { product: 'AXB', pools: 2 },
        { product: 'AXN', pools: 0 },
        { product: 'AXN_EXTENSION', pools: 0 },
        { product: '95AXN', pools: 0 },
        { product: 'AXG', pools: 0 },
        { product: 'X_MODE', pools: 0 },
      ],
    })
  })

  test('pools are to be had as CSV', async () => {
    const { ask } = await anApi()
    const { body } = await ask('/v1/pools?format=csv&product=AXB&search=cour&order=oldest')
    expect(body.split('\r\n')).toHaveLength(3)
    expect(body).toContain('FC100000000000001,Couriers,AXB,20,3,5,3995,0.13')
  })

  test('alarms are listed, and to be had as CSV', async () => {
    const { ask } = await anApi()
    expect((await ask(`/v1/alarms?open=true&poolKey=${aPool().key}`)).json().items).toEqual([
      {
        id: '1000000001',
        kind: 'pool-utilisation',
        poolKey: 'FC100000000000001',
        percent: 80.5,
        threshold: 80,
        raisedAt: '2030-01-30T02:00:00Z',
      },
    ])
    expect((await ask('/v1/alarms?format=csv')).body).toContain('80.5,80,')
  })
})

describe('blacklists', () => {
  test('numbers and pairs go in and out, are listed and searched, and never shown in full', async () => {
    const { ask } = await anApi()
    const bodies: string[] = []
    const send = async (method: 'POST' | 'GET' | 'DELETE', path: string, payload?: object) => {
      const answer = await ask({
        method,
        url: at + path,
        ...(payload === undefined ? {} : { payload }),
      })
      bodies.push(answer.body)
      return answer
    }
    const number = secrets.a
    const pair = { first: secrets.a, second: secrets.b }
    const made = await send('POST', '/blocked-callers', { number, remark: 'spam' })
    expect(made.statusCode).toBe(201)
    expect(made.json()).toMatchObject({ id: '17', number: '138****0001', remark: 'spam' })
    const again = await send('POST', '/blocked-pairs', { ...pair, way: 'PHONEA_REJECT' })
    expect(again.statusCode).toBe(200)
    expect(again.json()).toMatchObject({
      first: '138****0001',
      second: '139****0002',
      way: 'PHONEA_REJECT',
    })
    expect((await send('POST', '/blocked-pairs', pair)).json()).toMatchObject({
      way: 'DUPLEX_REJECT',
    })
    for (const path of ['/blocked-callers', '/blocked-pairs']) {
      expect((await send('GET', path)).json().items).toHaveLength(1)
      expect((await send('POST', `${path}/search`, { number })).json().items).toHaveLength(1)
      expect((await send('DELETE', `${path}/17`)).statusCode).toBe(204)
      expect((await send('GET', `${path}?format=csv`)).body).toContain('138****0001')
    }
    expect((await send('POST', '/blocked-callers/remove', { number })).statusCode).toBe(204)
    expect((await send('POST', '/blocked-pairs/remove', pair)).statusCode).toBe(204)
    expect(holdsNoSecret(bodies.join('\n'))).toBe(true)
  })

  test.each([
    ['/blocked-callers', { number: 'none' }, 'body/number'],
    ['/blocked-callers/search', { number: 'none' }, 'body/number'],
    ['/blocked-callers/remove', { number: 'none' }, 'body/number'],
    ['/blocked-callers', { number: '13800000001', remark: 'x'.repeat(201) }, 'body/remark'],
    ['/blocked-pairs', { first: '13800000001', second: '+' }, 'body/second'],
    ['/blocked-pairs', { first: '13800000001' }, 'body/second'],
    ['/blocked-pairs', { first: 'a b c', second: '13800000001' }, 'body/first'],
    ['/blocked-pairs/remove', { first: '13800000001', second: 'none' }, 'body/second'],
    ['/blocked-pairs/search', { number: 'none' }, 'body/number'],
  ])('%s refuses %j', async (path, payload, pointer) => {
    const answer = await posted(at + path, payload)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors[0].pointer).toBe(pointer)
  })

  test('a way that nobody knows and an id that is none are refused', async () => {
    const { ask } = await anApi()
    const pair = { first: '13800000001', second: '13900000002', way: 'BOTH' }
    expect((await posted(`${at}/blocked-pairs`, pair)).statusCode).toBe(400)
    expect((await ask({ method: 'DELETE', url: `${at}/blocked-callers/0` })).statusCode).toBe(400)
    const long = `${at}/blocked-callers/9999999999999999999`
    expect((await ask({ method: 'DELETE', url: long })).statusCode).toBe(400)
  })
})

describe('groups', () => {
  const one = `${at}/groups/${aGroup().id}`

  test('a group is made, shown, renamed and removed', async () => {
    const { ask } = await anApi()
    const numbers = [secrets.a, '139 5678 0002']
    const made = await posted(`${at}/groups`, { name: 'Night shift', numbers })
    expect(made.statusCode).toBe(201)
    expect(made.headers['location']).toBe(one)
    expect(made.json()).toMatchObject({ id: '2000000000001', name: 'Night shift', members: 2 })
    expect((await posted(`${at}/groups`, {})).statusCode).toBe(201)
    expect((await ask(one)).json()).toMatchObject({ name: 'Night shift' })
    const patch = { method: 'PATCH' as const, url: one }
    const renamed = await ask({ ...patch, payload: { name: 'Day', remark: null } })
    expect(renamed.json()).toMatchObject({ name: 'Day' })
    expect((await ask({ ...patch, payload: {} })).statusCode).toBe(400)
    expect((await ask({ method: 'DELETE', url: one })).statusCode).toBe(204)
    expect((await ask({ method: 'DELETE', url: `${at}/groups/2000000000002` })).statusCode).toBe(
      404,
    )
  })

  test('its numbers are added, removed and overwritten, listed masked and searched', async () => {
    const { ask } = await anApi()
    const numbers = [secrets.a, secrets.b]
    const added = await posted(`${one}/members`, { numbers })
    expect(added.json()).toMatchObject({ id: '2000000000001', added: 2, removed: 0 })
    expect((await posted(`${one}/members/remove`, { numbers })).statusCode).toBe(200)
    const put = { method: 'PUT' as const, url: `${one}/members` }
    expect((await ask({ ...put, payload: { numbers } })).statusCode).toBe(200)
    expect((await ask({ ...put, payload: { numbers: [] } })).statusCode).toBe(200)
    const listed = await ask(`${one}/members`)
    expect(listed.json()).toEqual({
      items: [{ number: '138****0001', addedAt: '2030-01-30T02:00:00Z' }],
    })
    expect((await ask(`${one}/members?format=csv`)).body).toBe(
      'number,addedAt\r\n138****0001,2030-01-30T02:00:00Z\r\n',
    )
    const found = await posted(`${one}/members/search`, { number: secrets.a })
    expect(found.json().items).toHaveLength(1)
    expect((await posted(`${at}/groups/search`, { number: secrets.a })).json().items).toHaveLength(
      1,
    )
    expect((await ask(`${at}/groups?search=night&format=csv`)).body).toContain('Night shift')
    expect((await ask(`${at}/groups`)).json().items).toHaveLength(1)
  })

  test.each([
    [
      `${at}/groups`,
      { numbers: ['13800000001', 'none', 'nobody'] },
      ['body/numbers/1', 'body/numbers/2'],
    ],
    [`${one}/members`, { numbers: ['none'] }, ['body/numbers/0']],
    [`${one}/members/remove`, { numbers: [] }, ['body/numbers']],
    [`${one}/members`, { numbers: Array(201).fill('13800000001') }, ['body/numbers']],
    [`${one}/members/search`, { number: 'none' }, ['body/number']],
    [`${at}/groups/search`, { number: 'none' }, ['body/number']],
    [`${at}/groups`, { name: 'seventeen letters' }, ['body/name']],
    [`${at}/groups`, { remark: 'x'.repeat(51) }, ['body/remark']],
  ])('%s refuses %j', async (url, payload, pointers) => {
    const answer = await posted(url, payload)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toEqual(pointers)
  })
})
