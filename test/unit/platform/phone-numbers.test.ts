import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'

const parser = createNumberParser({ country: 'CN' })

describe('in China', () => {
  test.each([
    ['13800000001', '+8613800000001'],
    ['+8613800000001', '+8613800000001'],
    ['8613800000001', '+8613800000001'],
    ['008613800000001', '+8613800000001'],
    ['138 0000 0001', '+8613800000001'],
    ['057188992688', '+8657188992688'],
    ['0571-88992688', '+8657188992688'],
    ['8657188992688', '+8657188992688'],
    ['01088886666', '+861088886666'],
    ['95013123456', '+8695013123456'],
    ['95187', '+8695187'],
    ['0951-8899268', '+869518899268'],
    ['4001234567', '+864001234567'],
    ['+14155552671', '+14155552671'],
    ['0014155552671', '+14155552671'],
  ])('%s is %s', (text, e164) => {
    expect(parser.real(text)?.reveal()).toBe(e164)
    expect(parser.virtual(text)).toBe(e164)
  })

  test.each([
    '',
    'anonymous',
    '110',
    '1380000000',
    '138000000011',
    '+86',
    '13800000001;ext=12',
    '+8613800000001x12',
    'sip:13800000001',
    '1'.repeat(60),
    '１３８００００００01x',
  ])('%j is no number', (text) => {
    expect(parser.real(text)).toBeUndefined()
    expect(parser.virtual(text)).toBeUndefined()
  })

  test.each([
    ['+8613800000001', '13800000001'],
    ['+8657188992688', '057188992688'],
    ['+861088886666', '01088886666'],
    ['+8695013123456', '95013123456'],
    ['+8695187', '95187'],
    ['+869518899268', '09518899268'],
    ['+864001234567', '4001234567'],
    ['+14155552671', '0014155552671'],
  ])('%s is shown as %s', (e164, national) => {
    expect(parser.national(e164)).toBe(national)
  })

  test('what is shown is read back as the same number', () => {
    const mobile = fc.integer({ min: 13_000_000_000, max: 19_999_999_999 }).map((n) => `+86${n}`)
    const service = fc.integer({ min: 95_000_000_000, max: 95_999_999_999 }).map((n) => `+86${n}`)
    const landline = fc
      .tuple(
        fc.constantFrom('571', '755', '10', '21', '951'),
        fc.integer({ min: 2_000_000, max: 8_999_999 }),
      )
      .map(([area, n]) => `+86${area}${area.length === 2 ? 6 : ''}${n}`)
    fc.assert(
      fc.property(fc.oneof(mobile, service, landline), (e164) => {
        expect(parser.virtual(e164)).toBe(e164)
        expect(parser.virtual(parser.national(e164))).toBe(e164)
      }),
    )
  })
})

test('another country writes its own numbers its own way', () => {
  const british = createNumberParser({ country: 'GB' })
  expect(british.virtual('020 7946 0018')).toBe('+442079460018')
  expect(british.national('+442079460018')).toBe('02079460018')
  expect(british.national('+8613800000001')).toBe('008613800000001')
})

test('a country without numbers is refused at start', () => {
  expect(() => createNumberParser({ country: 'XX' })).toThrow('XX')
})

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      parser.real(text)
      parser.virtual(text)
    }),
  )
})
