import { describe, expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createSimulate } from '../../../src/route/simulate.ts'
import { aBoundRoute, aNumber, aRecord, somePoolSettings } from '../../support/builders.ts'
import { account, anApi, secrets } from './an-app.ts'
import { simulatedNow, simulatedX } from './some-simulations.ts'

const ask = async (payload: object, rooms?: Parameters<typeof anApi>[0]) => {
  const api = await anApi(rooms)
  return { api, answer: await api.ask({ method: 'POST', url: '/v1/simulate', payload }) }
}

/** The room as it is, on a record that the test gives. */
const on = (record: Parameters<typeof aRecord>[0], accountId: AccountId | undefined = account) => ({
  rooms: {
    simulate: createSimulate({
      resolve: async ({ dialled }) =>
        aRecord({ number: aNumber({ x: dialled, accountId: accountId ?? account }), ...record }),
      trunks: () => [],
      unmatchedSipStatus: 403,
      now: () => simulatedNow,
    }),
  },
})

describe('POST /v1/simulate', () => {
  test('tells the decision, why, and what it was decided on', async () => {
    const { answer } = await ask({ caller: '13812340001', x: '17012345678' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      decision: 'connect',
      reasons: [
        'the number is normal',
        'its pool has no blacklist',
        'the caller is A of binding 1000000000000001',
        'the binding is live',
        'A may call this number',
        'ring the other party over carrier-1',
      ],
      at: '2030-01-30T02:00:00Z',
      x: simulatedX,
      poolKey: 'FC100000137458124',
      product: 'AXB',
      numberState: 'normal',
      bindingId: '1000000000000001',
      bindingExpiresAt: '2030-01-31T00:00:00Z',
      callerRole: 'A',
      callee: '139****0002',
      trunks: ['carrier-1'],
      recording: false,
      ringSeconds: 30,
      talkSeconds: 3600,
      record: { source: 'redis', version: 42 },
    })
  })

  test('tells what a refused caller hears', async () => {
    const { answer } = await ask(
      { caller: '13812340001', x: '17012345678' },
      on({ binding: undefined }),
    )
    expect(answer.json()).toMatchObject({
      decision: 'refuse',
      hears: {
        sipStatus: 403,
        q850: 21,
        reason: 'no-binding',
        unconnectedCause: 2,
        controlMsg: 'NO_SUBS_EXIST',
      },
    })
    expect(answer.json()).not.toHaveProperty('callee')
  })

  test('names the binding that a call fails at', async () => {
    const binding = aBoundRoute({ restriction: 'AX', expiresAt: new Date('2030-01-31T00:00:00Z') })
    const { answer } = await ask({ caller: '13812340001', x: '17012345678' }, on({ binding }))
    expect(answer.json()).toMatchObject({
      decision: 'refuse',
      bindingId: '1000000000000001',
      callerRole: 'A',
      hears: { reason: 'restricted', unconnectedCause: 3 },
    })
  })

  test('tells who would be asked', async () => {
    const settings = somePoolSettings({ controlUrl: 'https://customer.example/x' })
    const xMode = aNumber({ accountId: account, product: 'X_MODE', settings })
    const asked = await ask({ x: '17012345678' }, on({ number: xMode, binding: undefined }))
    expect(asked.answer.json()).toMatchObject({
      decision: 'ask-customer',
      controlUrl: 'https://customer.example/x',
      hears: { reason: 'no-instructions' },
    })
    const extensions = aNumber({ accountId: account, product: 'AXN_EXTENSION' })
    const digits = await ask({ x: '17012345678' }, on({ number: extensions, binding: undefined }))
    expect(digits.answer.json()).toMatchObject({
      decision: 'ask-digits',
      hears: { reason: 'extension-missing' },
    })
    const wrong = { x: '17012345678', extension: '012' }
    const dialled = await ask(wrong, on({ number: extensions, binding: undefined }))
    expect(dialled.answer.json()).toMatchObject({ hears: { reason: 'extension-unknown' } })
  })

  test('decides by the time that is given', async () => {
    const at = (text: string) => ask({ caller: '13812340001', x: '17012345678', at: text })
    const before = await at('2030-01-31T07:59:59+08:00')
    expect(before.answer.json()).toMatchObject({ decision: 'connect', at: '2030-01-30T23:59:59Z' })
    const after = await at('2030-01-31T08:00:00+08:00')
    expect(after.answer.json()).toMatchObject({
      decision: 'refuse',
      hears: { reason: 'binding-expired' },
    })
  })

  test('never repeats the number of the caller, nor tells that of the callee', async () => {
    const api = await anApi()
    for (const caller of [secrets.a, '13812340001', '+86 138 1234 0001']) {
      const payload = { caller, x: simulatedX }
      const { body } = await api.ask({ method: 'POST', url: '/v1/simulate', payload })
      expect(body).not.toMatch(/13812340001|1234 0001|13956780002/)
    }
    expect(api.lines.join('\n')).not.toMatch(/13812340001|13956780002/)
  })

  test('refuses what is no number, without repeating it', async () => {
    for (const payload of [
      { caller: '1381234', x: simulatedX },
      { caller: 'somebody', x: simulatedX },
      { caller: secrets.a, x: '12' },
      { caller: secrets.a },
      { caller: secrets.a, x: simulatedX, extension: '1234' },
      { caller: secrets.a, x: simulatedX, extension: '' },
      { caller: secrets.a, x: simulatedX, at: 'tomorrow' },
      { caller: secrets.a, x: simulatedX, more: 1 },
    ]) {
      const { answer } = await ask(payload)
      expect([400, 422]).toContain(answer.statusCode)
      expect(answer.body).not.toMatch(/13812340001|somebody|1381234/)
    }
  })

  test('stands in the audit log, without the number, and is not done many times a minute', async () => {
    const payload = { caller: secrets.a, x: simulatedX }
    const { api, answer } = await ask(payload, {})
    expect(answer.statusCode).toBe(200)
    expect(api.notes).toMatchObject([{ action: 'simulateCall' }, { status: 200 }])
    expect(JSON.stringify(api.notes)).not.toContain('13812340001')
    const statuses = new Set<number>()
    for (let at = 0; at < 130; at += 1) {
      statuses.add((await api.ask({ method: 'POST', url: '/v1/simulate', payload })).statusCode)
    }
    expect([...statuses]).toEqual([200, 429])
  })

  test('says so when nobody can tell', async () => {
    const simulate = async () => {
      throw new DomainError('route-unavailable', 503, 'Nobody can tell now.')
    }
    const { answer } = await ask({ x: simulatedX }, { rooms: { simulate } })
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ code: 'route-unavailable' })
  })
})

describe('a simulation', () => {
  const theirs = 'somebody-else' as AccountId
  const simulate = createSimulate({
    resolve: async () =>
      aRecord({ number: aNumber({ accountId: theirs }), binding: aBoundRoute(), version: 9 }),
    trunks: () => [],
    unmatchedSipStatus: 404,
    now: () => simulatedNow,
  })
  const call = {
    caller: PhoneNumber.fromE164('+8613800000001'),
    x: simulatedX,
    extension: undefined,
    at: undefined,
  }

  test('of an X of another account is that of an X that nobody has', async () => {
    const seen = await simulate({ ...call, accountId: account })
    const nobodys = createSimulate({
      resolve: async () => aRecord({ number: undefined, binding: undefined, version: 5 }),
      trunks: () => [],
      unmatchedSipStatus: 404,
      now: () => simulatedNow,
    })
    expect(seen).toEqual(await nobodys({ ...call, accountId: account }))
    expect(seen).toMatchObject({
      record: undefined,
      plan: { refusal: { reason: 'number-unknown' } },
    })
  })

  test('shows everything to the operator, and to its own account', async () => {
    for (const accountId of [undefined, theirs]) {
      const { record, plan } = await simulate({ ...call, accountId })
      expect(record).toMatchObject({ version: 9 })
      expect(plan.number?.accountId).toBe(theirs)
    }
  })
})
