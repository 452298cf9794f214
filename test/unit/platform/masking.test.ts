import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskDigitRuns } from '../../../src/platform/masking.ts'

describe('a number in a text that others wrote', () => {
  test.each([
    [
      'invalid request-uri: INVITE sip:+8613900000002@h',
      'invalid request-uri: INVITE sip:+86****02@h',
    ],
    ['tel:+86-139-0000-0002;npdi', 'tel:+86****02;npdi'],
    ['"139 0000 0002"', '"13****02"'],
    ['(0571) 8899-2688 rang', '(05****88 rang'],
    ['sip:%31%33%39%30%30%30%30%30%30%30%32@h', 'sip:13****02@h'],
    ['sip:%2B861390000%30%30%302@h', 'sip:%2B86****02@h'],
  ])('%s', (text, masked) => expect(maskDigitRuns(text)).toBe(masked))

  test.each([
    'connect ECONNREFUSED 127.0.0.1:5060',
    'at step (/app/dist/call/call-machine.js:123:45)',
    'took longer than 4000 ms',
    'Sip non-success response: 486',
  ])('%s holds none', (text) => expect(maskDigitRuns(text)).toBe(text))

  test('of a quoted SIP message only the first line is shown', () => {
    const text =
      'unable to parse incoming message: INVITE sip:x@h SIP/2.0\r\nFrom: "Zhang" <sip:a@b>\r\n'
    expect(maskDigitRuns(text)).toBe('unable to parse incoming message: INVITE sip:x@h SIP/2.0')
  })

  test('never stays, wherever it stands', () => {
    const around = fc.string()
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(maskDigitRuns(`${before}13900000002${after}`)).not.toContain('13900000002')
      }),
    )
  })
})
