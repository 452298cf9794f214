import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { VirtualNumber } from '../../../src/domain/ids.ts'
import {
  callerKey,
  decodeValue,
  encodeAbsent,
  encodeBound,
  encodeCaller,
  encodeNumber,
  encodeUnknown,
  numberKey,
  partyKey,
} from '../../../src/resolve/route-record.ts'
import { holdings, legs, numberRoutes, x } from './some-records.ts'

const version = fc.nat({ max: Number.MAX_SAFE_INTEGER })

test('the record of a leg is read as it was written', () => {
  fc.assert(
    fc.property(version, legs, (at, bound) => {
      expect(decodeValue(x, encodeBound(at, bound))).toEqual({ kind: 'bound', version: at, bound })
    }),
  )
})

test('the record of X is read as it was written, with the one binding that it may carry', () => {
  fc.assert(
    fc.property(version, numberRoutes, (at, number) => {
      expect(decodeValue(x, encodeNumber(at, number))).toEqual({
        kind: 'number',
        version: at,
        number,
      })
    }),
  )
})

test('what is held about a caller is read as it was written', () => {
  fc.assert(
    fc.property(version, fc.oneof(holdings, fc.constant('much' as const)), (at, held) => {
      expect(decodeValue(x, encodeCaller(at, held))).toEqual({
        kind: 'caller',
        version: at,
        holdings: held,
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
  const ofPool = (length: number) => JSON.stringify(Array.from({ length }, () => null))
  const ofX = (single: unknown) => JSON.stringify(['main', 'FC1', 'AXB', 'normal', null, single])
  expect(decodeValue(x, `7|n${ofPool(7)}\n${ofX(null)}`)).toMatchObject({ kind: 'number' })
  const nonsense = [
    '',
    '|',
    '7',
    'x|b[]',
    '7|b',
    '7|b[',
    '7|b{}',
    '7|bnull',
    '7|z[]',
    // Of another version of this program: more fields, or fewer.
    `7|b${JSON.stringify(Array.from({ length: 12 }, () => '1'))}`,
    `7|b${JSON.stringify(Array.from({ length: 10 }, () => '1'))}`,
    `7|n${ofPool(7)}`,
    `7|n${ofPool(8)}\n${ofX(null)}`,
    `7|n${ofPool(7)}\n${JSON.stringify([1, 2, 3, 4, 5])}`,
    `7|n${ofPool(7)}\n${ofX(['too', 'short'])}`,
    `7|n${ofPool(7)}\n${ofX('text')}`,
    `7|n${ofPool(7)}\n`,
    `7|n\n${ofX(null)}`,
    '7|c[[],[]]',
    '7|c[[],[],"no"]',
  ]
  for (const value of nonsense) expect(decodeValue(x, value)).toEqual({ kind: 'unknown' })
  fc.assert(fc.property(fc.string(), (value) => void decodeValue(x, value)))
  fc.assert(
    fc.property(fc.constantFrom('n', 'b', 'c'), fc.json(), (kind, json) => {
      decodeValue(x, `7|${kind}${json}`)
    }),
  )
})

test('all keys of one X have one hash tag, and what is held about a caller has his', () => {
  expect(numberKey(x)).toBe('route:{+8617000000001}')
  expect(partyKey(x, 'abc')).toBe('route:{+8617000000001}:abc')
  expect(callerKey('abc')).toBe('route:{abc}')
})

test('no key of one kind is ever a key of another', () => {
  const index = fc.stringMatching(/^[A-Za-z0-9_-]{22,43}$/)
  const number = fc.stringMatching(/^\+[1-9]\d{4,14}$/).map((text) => text as VirtualNumber)
  fc.assert(
    fc.property(number, index, (at, party) => {
      expect(new Set([numberKey(at), partyKey(at, party), callerKey(party)]).size).toBe(3)
    }),
  )
})
