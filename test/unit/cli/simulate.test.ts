import { describe, expect, test } from 'vitest'
import { cli, problem } from './a-cli.ts'

const connected = {
  decision: 'connect',
  reasons: ['the number is normal', 'ring the other party over carrier-1, then carrier-2'],
  at: '2030-01-30T02:00:00Z',
  x: '+8617000000001',
  poolKey: 'FC100000000000001',
  product: 'AXB',
  bindingId: '1000000000000001',
  bindingExpiresAt: '2030-01-31T16:00:00Z',
  callerRole: 'A',
  callee: '139****0002',
  trunks: ['carrier-1', 'carrier-2'],
  ringback: '10000002',
  record: { source: 'redis', version: 42 },
}
const hears = {
  sipStatus: 403,
  q850: 21,
  reason: 'no-binding',
  unconnectedCause: 2,
  controlMsg: 'NO_SUBS_EXIST',
}
const { reasons, at, x } = connected
const simulate = (answer: object, ...more: string[]) =>
  cli(['simulate', '--x', '17000000001', ...more], { answer: () => Response.json(answer) })

describe('axbridge simulate', () => {
  test('asks the API, and tells what it decided and why', async () => {
    const { code, out, asked } = await simulate(connected, '--caller', '13800000001')
    expect(code).toBe(0)
    expect(asked).toMatchObject([
      {
        method: 'POST',
        url: 'http://127.0.0.1:8080/v1/simulate',
        body: { caller: '13800000001', x: '17000000001' },
      },
    ])
    expect(
      out,
    ).toBe(`Connected at 2030-01-30T02:00:00Z: 139****0002 is rung from +8617000000001 over carrier-1, then carrier-2.
  1. the number is normal
  2. ring the other party over carrier-1, then carrier-2
X: AXB of pool FC100000000000001
Binding: 1000000000000001 until 2030-01-31T16:00:00Z, the caller is A
Ringback: tone 10000002
Record: version 42, from redis
`)
    expect(out).not.toContain('13800000001')
  })

  test('gives everything that is asked for', async () => {
    const given = ['--caller', '13800000001', '--extension', '012', '--at', '2030-01-31T08:00:00Z']
    const { asked } = await simulate(connected, ...given)
    expect(asked[0]?.body).toEqual({
      caller: '13800000001',
      x: '17000000001',
      extension: '012',
      at: '2030-01-31T08:00:00Z',
    })
    const withheld = await simulate(connected)
    expect(withheld.asked[0]?.body).toEqual({ x: '17000000001' })
  })

  test('tells what a refused caller hears', async () => {
    const { out } = await simulate({ decision: 'refuse', reasons, at, x, hears })
    expect(out).toContain('Refused at 2030-01-30T02:00:00Z.\n')
    expect(out).toContain('The caller hears: SIP 403, Q.850 21 (no-binding, NO_SUBS_EXIST)\n')
    expect(out).toContain('Record: none\n')
  })

  test.each([
    [{ decision: 'ask-digits' }, 'At 2030-01-30T02:00:00Z the caller is asked for the extension.'],
    [
      { decision: 'ask-customer', controlUrl: 'https://customer.example/x' },
      'At 2030-01-30T02:00:00Z https://customer.example/x is asked what to do.',
    ],
  ])('tells who is asked: %j', async (asking, text) => {
    const { out } = await simulate({ ...asking, reasons, at, x, hears })
    expect(out.split('\n')[0]).toBe(text)
    expect(out).toContain('Where that cannot be, the caller hears: SIP 403')
  })

  test('as JSON gives the answer as it is', async () => {
    const { out } = await simulate(connected, '--json')
    expect(JSON.parse(out)).toEqual(connected)
  })

  test('says what was wrong, and never the number', async () => {
    const refusing = await cli(['simulate', '--caller', '13800000001', '--x', '1'], {
      answer: () =>
        problem(422, {
          code: 'invalid-request',
          errors: [{ pointer: 'body/x', detail: 'is not a phone number' }],
        }),
    })
    expect(refusing).toMatchObject({ code: 1, out: '' })
    expect(refusing.err).toContain('body/x is not a phone number')
    const extension = await cli(['simulate', '--x', '17000000001', '--extension', '1234'])
    expect(extension.code).toBe(1)
    expect(extension.err).toContain('1 to 3 digits')
    const without = await cli(['simulate', '--caller', '13800000001'])
    expect(without.err).toContain('--x')
    expect(without.err).not.toContain('13800000001')
  })
})
