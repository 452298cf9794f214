import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { type Ask, asker } from '../../support/two-accounts.ts'

/** Bindings of every product through the running engine. */
let engine: ApiEngine
let ask: Ask
let nextNumber = 0
const pools: Record<string, string> = {}
const numbers: Record<string, string[]> = {}
const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
const phones = Array.from({ length: 30 }, (_, at) => `138000020${String(at).padStart(2, '0')}`)
const products = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG'] as const

beforeAll(async () => {
  engine = await startApiEngine()
  ask = asker(engine.base, engine.adminToken)
  for (const product of products) {
    const pool = await ask('POST', '/v1/pools', { name: product, product })
    expect(pool.status, pool.text).toBe(201)
    const poolKey = String(pool.json['key'])
    pools[product] = poolKey
    numbers[product] = Array.from({ length: 3 }, () => {
      nextNumber += 1
      const digits = String(nextNumber).padStart(6, '0')
      return product === '95AXN' ? `+8695013${digits}` : `+861700${digits}9`
    })
    const added = await ask('POST', '/v1/numbers', { poolKey, numbers: numbers[product] })
    expect(added.status, added.text).toBe(201)
  }
})
afterAll(() => engine.stop())

const bind = (product: string, body: object) =>
  ask('POST', '/v1/bindings', { poolKey: pools[product], product, expiresAt, ...body })
const group = async (members: string[]) => {
  const made = await ask('POST', `/v1/pools/${pools['AXG']}/groups`, { numbers: members })
  return String(made.json['id'])
}

describe('every product', () => {
  test.each<[string, () => Promise<object> | object, object]>([
    ['AXB', () => ({ phoneB: phones[1] }), { phoneB: '138****2001' }],
    ['AXN', () => ({}), {}],
    [
      'AXN_EXTENSION',
      () => ({ phoneB: phones[1] }),
      { extension: expect.stringMatching(/^\d{3}$/) },
    ],
    ['95AXN', () => ({ expectCity: '全国通用' }), {}],
    [
      'AXG',
      async () => ({ groupId: await group([phones[2] ?? '']) }),
      { groupId: expect.any(String) },
    ],
  ])('%s is bound, shown, changed and ended', async (product, more, shown) => {
    const bound = await bind(product, { phoneA: phones[0], ...(await more()) })
    expect(bound.status, bound.text).toBe(201)
    const { id, x } = bound.json as { id: string; x: string }
    expect(bound.json).toMatchObject({ product, phoneA: '138****2000', status: 'live', ...shown })
    expect(numbers[product]).toContain(x)
    const path = `/v1/bindings/${id}`
    expect((await ask('GET', path)).json).toEqual(bound.json)

    const changed = await ask(
      'PATCH',
      `${path}?poolKey=${pools[product]}&x=${encodeURIComponent(x)}`,
      {
        phoneA: phones[5],
        recording: true,
        callRestrict: 'CONTROL_BX_DISABLE',
        outId: `of ${product}`,
        asr: true,
        asrModel: 'm',
      },
    )
    expect(changed.json, changed.text).toMatchObject({
      phoneA: '138****2005',
      recording: true,
      callRestrict: 'CONTROL_BX_DISABLE',
      asrModel: 'm',
    })
    const cleared = await ask('PATCH', path, { callRestrict: null, recording: null })
    expect(cleared.json).not.toHaveProperty('callRestrict')
    expect(cleared.json).not.toHaveProperty('recording')
    const elsewhere = await ask('PATCH', `${path}?poolKey=FC999999999999999`, { recording: true })
    expect(elsewhere).toMatchObject({
      status: 404,
      json: { code: 'binding-unknown', vendorCode: 'isv.SUBS_NOT_EXIST' },
    })

    const found = await ask('POST', '/v1/bindings/search', { phone: phones[5], product })
    expect(found.json).toMatchObject({ items: [{ id }] })
    expect((await ask('DELETE', path)).status).toBe(204)
    expect((await ask('PATCH', path, { recording: true })).status).toBe(404)
    const live = await ask('GET', `/v1/bindings?product=${product}&status=live`)
    expect(live.json).toMatchObject({ items: [] })
    const ended = await ask(
      'GET',
      `/v1/bindings?outId=${encodeURIComponent(`of ${product}`)}&status=unbound`,
    )
    expect(ended.json).toMatchObject({ items: [{ id, status: 'unbound' }] })
  })
})

describe('refusals', () => {
  test.each<[string, object, number, string, string]>([
    ['AXB', {}, 422, 'b-needed', 'isv.ILLEGAL_ARGUMENT'],
    ['AXN', { product: 'AXB', phoneB: phones[1] }, 409, 'product-mismatch', 'isv.FORBIDDEN_ACTION'],
    [
      'AXN',
      { extension: '1', x: '+8617000000049' },
      422,
      'invalid-parameters',
      'isv.INVALID_PARAMETERS',
    ],
    ['AXN', { expectCity: '三亚' }, 422, 'city-unknown', 'isv.ILLEGAL_ARGUMENT'],
    ['AXN_EXTENSION', { extension: '12' }, 422, 'invalid-parameters', 'isv.INVALID_PARAMETERS'],
    ['AXG', {}, 422, 'invalid-parameters', 'isv.INVALID_PARAMETERS'],
    ['AXG', { groupId: '2999999999999' }, 404, 'group-unknown', 'isv.FORBIDDEN_ACTION'],
  ])('%s with %j is refused: %i %s', async (product, more, status, code, vendorCode) => {
    const answer = await bind(product, { phoneA: phones[0], ...more })
    expect(answer).toMatchObject({ status, json: { code, vendorCode } })
  })
})

describe('many at once', () => {
  test('each for itself, once for a key, and out again; the list is to be had as CSV', async () => {
    const x = numbers['AXN_EXTENSION']?.[0]
    const common = { poolKey: pools['AXN_EXTENSION'], x, expiresAt, outId: 'of the bulk' }
    const items = [
      { ...common, phoneA: phones[10], extension: '7' },
      { ...common, phoneA: phones[11], extension: '7' },
      { ...common, phoneA: phones[12] },
      { ...common, phoneA: 'nobody' },
    ]
    const send = () => ask('POST', '/v1/bindings/bulk', { items })
    const first = await send()
    // They are bound beside each other: which of two wins is not said.
    const seven = { binding: { extension: '7' } }
    const late = { problem: { code: 'bind-conflict', vendorCode: 'isv.BIND_CONFLICT' } }
    const isSecond =
      (first.json as { items: { problem?: object }[] }).items[0]?.problem !== undefined
    expect(first.json, first.text).toMatchObject({
      done: 2,
      failed: 2,
      items: [
        ...(isSecond ? [late, seven] : [seven, late]),
        { binding: { status: 'live' } },
        { problem: { code: 'request-invalid' } },
      ],
    })
    const csv = await ask('GET', '/v1/bindings?outId=of%20the%20bulk&format=csv')
    const rows = parse<Record<string, string>>(csv.text, { columns: true })
    expect(rows.map(({ phoneA, extension }) => [phoneA, extension === '7']).toSorted()).toEqual([
      [isSecond ? '138****2011' : '138****2010', true],
      ['138****2012', false],
    ])
    const ids = rows.map(({ id }) => ({ id }))
    const ended = await ask('POST', '/v1/bindings/bulk-unbind', { items: [...ids, { id: '1' }] })
    expect(ended.json).toMatchObject({ done: 2, failed: 1 })
  })
})
