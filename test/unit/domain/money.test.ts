import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { li, parseSignedYuan, parseYuan, times, yuanText } from '../../../src/domain/money.ts'

describe('money', () => {
  test.each([
    ['15', 15_000],
    ['5.00', 5_000],
    ['0.5', 500],
    ['0.025', 25],
    ['0.11', 110],
    ['0', 0],
    ['999999999.999', 999_999_999_999],
  ])('%s yuan are %i li', (text, amount) => {
    expect(parseYuan(text)).toBe(amount)
  })

  test.each(['', '-1', '1.', '.5', '1.0000', '1,5', '1e3', ' 1', '1 ', '12345678901', 'yuan'])(
    '%j is no amount',
    (text) => {
      expect(parseYuan(text)).toBeUndefined()
    },
  )

  test.each([
    ['-12.5', -12_500],
    ['12.5', 12_500],
    ['-0', 0],
    ['--1', undefined],
    ['-', undefined],
    ['+1', undefined],
  ])('%s yuan, to be put on or taken off, are %s li', (text, amount) => {
    expect(parseSignedYuan(text)).toBe(amount)
  })

  test.each([
    [0, '0.00'],
    [5_000, '5.00'],
    [500, '0.50'],
    [25, '0.025'],
    [110, '0.11'],
    [1_005, '1.005'],
    [-2_500, '-2.50'],
    [-5, '-0.005'],
  ])('%i li are %s', (amount, text) => {
    expect(yuanText(li(amount))).toBe(text)
  })

  test('is the same when it is written and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (amount) => {
        expect(parseYuan(yuanText(li(amount)))).toBe(amount)
      }),
    )
  })

  test('is whole and exact, or a bug', () => {
    expect(times(li(15_000), 1000)).toBe(15_000_000)
    expect(() => li(0.5)).toThrow(RangeError)
    expect(() => times(li(Number.MAX_SAFE_INTEGER), 2)).toThrow(RangeError)
  })
})
