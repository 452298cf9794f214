import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isBalanced,
  param,
  parseAddress,
  parseUri,
  parseVia,
  splitList,
  tagOf,
  withTag,
} from '../../../src/embedded/sip/uri.ts'

describe('a SIP URI', () => {
  test.each([
    ['sip:a@b', { user: 'a', host: 'b', port: undefined, params: '' }],
    ['sip:+8613800000001@10.0.0.1:5070', { user: '+8613800000001', host: '10.0.0.1', port: 5070 }],
    ['sip:10.0.0.1;lr', { user: undefined, host: '10.0.0.1', params: ';lr' }],
    ['SIP:a@b;transport=tcp?x=y', { scheme: 'sip', host: 'b', params: ';transport=tcp' }],
    ['sips:a:secret@[2001:db8::1]:5061', { scheme: 'sips', host: '[2001:db8::1]', port: 5061 }],
  ])('%s', (text, parts) => {
    expect(parseUri(text)).toMatchObject(parts)
  })

  test.each(['', 'sip', 'sip:', 'tel:+123', 'sip:a@b:0', 'sip:a@b:70000', 'sip:a@b c', 'sip:a@'])(
    'is not %j',
    (text) => {
      expect(parseUri(text)).toBeUndefined()
    },
  )
})

describe('an address', () => {
  test('with brackets keeps the parameters of the URI and of the header apart', () => {
    expect(parseAddress('"A <b>" <sip:a@b;lr>;tag=1')).toEqual({
      uri: 'sip:a@b;lr',
      params: ';tag=1',
    })
  })

  test('without brackets gives all parameters to the header', () => {
    expect(parseAddress('sip:a@b;tag=1')).toEqual({ uri: 'sip:a@b', params: ';tag=1' })
  })

  test('gets a tag once only, and brackets where the tag would be ambiguous', () => {
    expect(withTag('sip:a@b;x=y', 'new')).toBe('<sip:a@b>;x=y;tag=new')
    expect(withTag('<sip:a@b>', 'new')).toBe('<sip:a@b>;tag=new')
    expect(withTag('<sip:a@b>;tag=old', 'new')).toBe('<sip:a@b>;tag=old')
    expect(tagOf('<sip:a@b;tag=not-this>')).toBeUndefined()
  })
})

describe('lists and parameters', () => {
  test('commas inside quotes and brackets separate nothing', () => {
    expect(splitList('"a, b" <sip:c,d@e>, <sip:f>,<sip:g;h="i,j">')).toEqual([
      '"a, b" <sip:c,d@e>',
      '<sip:f>',
      '<sip:g;h="i,j">',
    ])
  })

  test('a parameter is found whatever stands in quotes before it', () => {
    expect(param(';a="x;b=1;\\"" ; B = 2;c', 'b')).toBe('2')
    expect(param(';a;c', 'c')).toBe('')
    expect(param(';a;c', 'b')).toBeUndefined()
  })

  test('an open quote or bracket is noticed', () => {
    expect(isBalanced('"a \\" b" <sip:a>')).toBe(true)
    expect(isBalanced('"a \\" b <sip:a>')).toBe(false)
    expect(isBalanced('<sip:a')).toBe(false)
  })

  test('a Via', () => {
    expect(parseVia('SIP/2.0/TCP [::1]:5061;rport;branch=z9hG4bK1, SIP/2.0/UDP b')).toMatchObject({
      transport: 'tcp',
      host: '[::1]',
      port: 5061,
      branch: 'z9hG4bK1',
    })
  })
})

test('whatever the text, none of them throws or hangs', () => {
  const piece = fc.constantFrom('<', '>', '"', '\\', ';', ',', '=', 'sip:', '@', ':', ' ', 'a', '/')
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 60 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (value) => {
      parseUri(value)
      parseVia(value)
      parseVia(`SIP/2.0/UDP ${value}`)
      parseAddress(value)
      splitList(value)
      param(value, 'tag')
      tagOf(withTag(value, 'x'))
    }),
    { numRuns: 2000 },
  )
})
