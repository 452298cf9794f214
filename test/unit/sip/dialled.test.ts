import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { dialledIn } from '../../../src/sip/dialled.ts'

const parser = createNumberParser({ country: 'CN' })
const read = (uri: string) => dialledIn(uri, parser)
const x = '+8617000000001'
const plain = { x, extension: undefined }
const twelve = { x, extension: '12' }

describe('X without anything after it', () => {
  test.each([
    'sip:+8617000000001@h',
    'sip:8617000000001@h',
    'sip:17000000001@10.0.0.1:5060;user=phone',
    'sip:008617000000001@h',
    'sips:%2B8617000000001@[2001:db8::1]:5061;transport=tls',
    'sip:17000000001;phone-context=+86@10.0.0.1;user=phone',
    'sip:17000000001:secret@h',
    'tel:+86-170-0000-0001;npdi',
    'tel:+8617000000001',
    'SIP:+8617000000001@h',
  ])('%s', (uri) => expect(read(uri)).toEqual(plain))
})

describe('an extension', () => {
  test.each([
    ['after a pause', 'sip:+8617000000001,12@h'],
    ['after pauses', 'sip:17000000001,,12@h'],
    ['after a pause, escaped', 'sip:17000000001%2C12@h'],
    ['after p', 'sip:17000000001p12@h'],
    ['after P and pauses', 'sip:17000000001PP,12@h'],
    ['after w', 'sip:17000000001w12@h'],
    ['after a star', 'sip:17000000001*12@h'],
    ['after a hash', 'sip:17000000001#12@h'],
    ['after a hash, escaped', 'sip:17000000001%2312@h'],
    ['ended with a hash', 'sip:17000000001,12#@h'],
    ['as a parameter of the number', 'sip:+8617000000001;ext=12@h;user=phone'],
    ['in capitals', 'sip:+8617000000001;EXT=12@h'],
    ['between other parameters', 'sip:17000000001;phone-context=+86;ext=12;cpc=ordinary@h'],
    ['as a parameter of the URI', 'sip:+8617000000001@h:5060;transport=udp;ext=12?Subject=x'],
    ['of a tel URI', 'tel:+86-170-0000-0001;ext=12;isub=1'],
    ['with separators', 'tel:+8617000000001;ext=1-2'],
    ['as more digits', 'sip:+861700000000112@h'],
    ['as more digits, nationally', 'sip:1700000000112@h'],
    ['as more digits, with 86', 'sip:861700000000112@h'],
  ])('%s', (_how, uri) => expect(read(uri)).toEqual(twelve))

  test('keeps its zeros', () => {
    expect(read('sip:17000000001,012@h')).toEqual({ x, extension: '012' })
    expect(read('sip:170000000010@h')).toEqual({ x, extension: '0' })
  })

  test('that was dialled comes before one that was written, and the nearer before the farther', () => {
    expect(read('sip:17000000001,12;ext=34@h;ext=56')).toEqual(twelve)
    expect(read('sip:17000000001;ext=12@h;ext=56')).toEqual(twelve)
    expect(read('sip:1700000000134;ext=12@h')).toEqual(twelve)
  })
})

describe('what makes no sense after X is as if it was not there', () => {
  test.each([
    'sip:17000000001,@h',
    'sip:17000000001,1234@h',
    'sip:17000000001,12,34@h',
    'sip:17000000001#@h',
    'sip:17000000001;ext=@h',
    'sip:17000000001;ext=1234@h',
    'sip:17000000001;ext=a@h',
    'sip:17000000001;ext=%zz@h',
    'sip:17000000001;ext=12%0d%0aVia:@h',
    'sip:17000000001;text=12@h',
    'sip:17000000001@h?ext=12',
    'sip:17000000001@h?Subject=a;ext=12',
  ])('%s', (uri) => expect(read(uri)).toEqual(plain))
})

describe('digits that may be the number itself are never taken for an extension', () => {
  test.each([
    // Long nationwide service numbers, and landlines with area codes of any length.
    ['sip:95013123456@h', '+8695013123456'],
    ['sip:9501312345612@h', '+869501312345612'],
    ['sip:+8657188992688@h', '+8657188992688'],
    ['sip:+442079460018@h', '+442079460018'],
    ['sip:4001234567@h', '+864001234567'],
  ])('%s', (uri, number) => expect(read(uri)).toEqual({ x: number, extension: undefined }))

  test('nor those of a foreign number that begins like a Chinese mobile', () => {
    const american = createNumberParser({ country: 'US' })
    expect(dialledIn('sip:1700000000112@h', american)).toBeUndefined()
    expect(dialledIn('sip:+861700000000112@h', american)).toEqual(twelve)
  })
})

describe('nothing was dialled', () => {
  test.each([
    '',
    'sip:h',
    'sip:@h',
    'sip:,12@h',
    'sip:;ext=12@h',
    'sip:ext@h',
    'sip:%zz@h',
    'sip:alice@h;ext=12',
    'sip:17000000001x12@h',
    'sip:12@h',
    'mailto:17000000001@h',
    '<sip:17000000001@h>',
    `sip:${'1'.repeat(80)}@h`,
    `sip:17000000001${','.repeat(80)}12@h`,
    'sip:17000000001%00@h',
    'sip:１７０００００００01@h',
  ])('in %j', (uri) => expect(read(uri)).toBeUndefined())
})

test('whatever comes, reading does not throw, ends soon, and gives a number and three digits at most', () => {
  const pieces = fc.constantFrom(
    ...[
      'sip:',
      'tel:',
      '17000000001',
      '+86',
      '@',
      ';',
      'ext=',
      ',',
      'p',
      '*',
      '#',
      '12',
      '%2C',
      '%',
    ],
    ...['?', ':', '=', 'h', ' ', '\u0000', '"', '<', '>', '１', 'ext'],
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join('')),
    fc.array(pieces, { maxLength: 30 }).map((all) => `sip:${all.join('')}@h`),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const dialled = read(text)
      if (dialled === undefined) return
      expect(dialled.x).toMatch(/^\+[1-9]\d{4,14}$/)
      expect(dialled.extension ?? '1').toMatch(/^\d{1,3}$/)
    }),
    { numRuns: 2_000 },
  )
  // A pattern that goes back and forth over these would not end within the test's limit.
  for (const each of ['1', ',', ';ext=', '%2C', '-', '17000000001,']) {
    read(`sip:${each.repeat(200_000)}@h`)
    read(`tel:${each.repeat(200_000)}`)
    read(`${each.repeat(200_000)}@h`)
  }
})
