import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { SealedBoundRoute } from '../../../src/domain/route-change.ts'
import {
  decodeValue,
  encodeAbsent,
  encodeBound,
  encodeNumber,
  encodeUnknown,
  numberKey,
  partyKey,
} from '../../../src/resolve/route-record.ts'

const x = '+8617000000001' as VirtualNumber
const version = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const text = (max: number) =>
  fc.option(fc.string({ minLength: 1, maxLength: max }), { nil: undefined })

const bound: fc.Arbitrary<SealedBoundRoute> = fc.record({
  bindingId: fc
    .bigInt({ min: 1n, max: 9_007_199_254_740_991n })
    .map((id) => String(id) as BindingId),
  callerRole: fc.constantFrom('A' as const, 'B' as const),
  calleeSealed: fc.stringMatching(/^[a-z0-9-]{1,16}\.[A-Za-z0-9_-]{10,60}$/),
  expiresAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000)),
  recording: fc.boolean(),
  ringback: fc.option(fc.stringMatching(/^[0-9A-Za-z_-]{1,32}$/), { nil: undefined }),
  ringSecondsMax: fc.integer({ min: 5, max: 180 }),
  talkSecondsMax: fc.integer({ min: 60, max: 86_400 }),
  restriction: fc.constantFrom('AX' as const, 'BX' as const, undefined),
  outId: text(128),
})

test('a bound record is read as it was written', () => {
  fc.assert(
    fc.property(version, bound, (at, route) => {
      expect(decodeValue(x, encodeBound(at, route))).toEqual({
        kind: 'bound',
        version: at,
        bound: route,
      })
    }),
  )
})

test('the record of X is read as it was written', () => {
  const number = fc.record({
    x: fc.constant(x),
    accountId: fc.constant('main' as AccountId),
    poolKey: fc.constant('FC100000000000001' as PoolKey),
    product: fc.constantFrom('AXB' as const, '95AXN' as const),
    state: fc.constantFrom('normal' as const, 'locked' as const, 'frozen' as const),
    city: text(32),
  })
  fc.assert(
    fc.property(version, number, (at, route) => {
      expect(decodeValue(x, encodeNumber(at, route))).toEqual({
        kind: 'number',
        version: at,
        number: route,
      })
    }),
  )
})

test('nothing is told from forgotten', () => {
  expect(decodeValue(x, encodeAbsent(7))).toEqual({ kind: 'absent', version: 7 })
  for (const value of [encodeUnknown(7), `${encodeUnknown(7)}r1.42`, null, undefined]) {
    expect(decodeValue(x, value)).toEqual({ kind: 'unknown' })
  }
})

test('whatever stands there, reading does not throw, and what makes no sense is unknown', () => {
  const nonsense = [
    '',
    '|',
    '7',
    'x|b|',
    '7|b',
    '7|b|1|C|1|0|60|60|||s|',
    '7|n|main',
    '7|n|main|FC1|AXB|odd|',
    '-1|-',
  ]
  for (const value of nonsense.slice(0, -1))
    expect(decodeValue(x, value)).toEqual({ kind: 'unknown' })
  fc.assert(fc.property(fc.string(), (value) => void decodeValue(x, value)))
})

test('all keys of one X have one hash tag', () => {
  expect(numberKey(x)).toBe('route:{+8617000000001}')
  expect(partyKey(x, 'abc')).toBe('route:{+8617000000001}:abc')
})
