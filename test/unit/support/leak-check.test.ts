import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findLeaks, findLeaksAgainst } from '../../support/leak-check.ts'

const number = '+8613857246091'
const core = '13857246091'
const message = (value: string) =>
  Buffer.from(
    `INVITE sip:+8615183409917@127.0.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK4rg7eUZ\r\nX-Any: a;b="${value}";c\r\nCall-ID: 6d5bfacb-628b-1240-d4a8-0e9223350112\r\n\r\nv=0\r\n`,
    'latin1',
  )
const hex = (text: string) => Buffer.from(text).toString('hex')
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a number is found', () => {
  const codings: [title: string, coded: string, name: string][] = [
    ['in E.164', number, 'digits'],
    ['without plus', number.slice(1), 'digits'],
    ['with 00', `00${number.slice(1)}`, 'digits'],
    ['in national form', core, 'digits'],
    ['as tel URI with separators', 'tel:+86-138-5724-6091', 'digits with separators'],
    ['with blanks', '138 5724 6091', 'digits with separators'],
    ['with brackets', '(138)5724/6091', 'digits with separators'],
    ['with every character escaped for a URI', hex(number).replace(/../g, '%$&'), 'uri escapes'],
    ['with one character escaped', `1%338${core.slice(3)}`, 'uri escapes'],
    ['escaped twice', hex(core).replace(/../g, '%25$&'), 'uri escapes > uri escapes > digits'],
    ['in backslash escapes', hex(core).replace(/../g, '\\x$&'), 'backslash escapes > digits'],
    ['in HTML entities', [...core].map((c) => `&#${c.charCodeAt(0)};`).join(''), 'html entities'],
    ['reversed', [...core].reverse().join(''), 'reversed'],
    ['in hex', hex(core), 'hex > digits'],
    [
      'in hex capitals with colons',
      hex(number)
        .toUpperCase()
        .replace(/..(?!$)/g, '$&:'),
      'hex',
    ],
    ['in base64', base64(core), 'base64 > digits'],
    ['in base64 with its plus', base64(number), 'base64 > digits'],
    ['in base64 as a whole URI', base64(`sip:${number}@10.0.0.1`), 'base64 > digits'],
    ['in base64 at the second phase', base64(`x${core}y`), 'base64 > digits'],
    ['in base64 at the third phase', base64(`xy${core}z`), 'base64 > digits'],
    ['in base64url within a longer word', `vsf-AA${base64(`??${core}`)}`, 'base64 > digits'],
    ['in hex within base64', base64(hex(core)), 'base64 > hex > digits'],
    ['reversed within base64', base64([...core].reverse().join('')), 'base64 > reversed'],
    ['as hexadecimal integer', BigInt(core).toString(16), 'hexadecimal integer'],
    ['as hexadecimal integer with country code', BigInt(number).toString(16), 'hexadecimal'],
    ['in base 36', BigInt(core).toString(36), 'base36 integer'],
    ['with each digit shifted', [...core].map((d) => (Number(d) + 3) % 10).join(''), 'shifted'],
    ['as MD5 in hex', createHash('md5').update(core).digest('hex'), 'md5 digest'],
    ['as SHA-1 in hex', createHash('sha1').update(number).digest('hex'), 'sha1 digest'],
    ['as SHA-256 in base64', createHash('sha256').update(core).digest('base64'), 'sha256 digest'],
    ['in full-width digits', Buffer.from(wide(core)).toString('latin1'), 'full-width digits'],
    ['in UTF-16', Buffer.from(core, 'utf16le').toString('latin1'), 'utf-16'],
  ]
  test.each(codings)('%s', (_title, coded, name) => {
    expect(findLeaks(message(coded), number).join('\n')).toContain(name)
  })

  test('combined with one and the same byte, whichever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (key) => {
        const bytes = Buffer.from([...core].map((c) => c.charCodeAt(0) ^ key))
        const packet = Buffer.concat([Buffer.alloc(12, 0x80), bytes, Buffer.alloc(20, 0xd5)])
        expect(findLeaks(packet, number)).toContain('xor with one byte')
      }),
    )
  })

  test('as packed decimal digits, in either order and from either place', () => {
    for (const coded of ['01385724609100', '1385724609100f', '3158276490f1', '0183754206190f']) {
      const packet = Buffer.concat([Buffer.alloc(12, 0x80), Buffer.from(coded, 'hex')])
      expect(findLeaks(packet, number), coded).toContain('packed decimal')
    }
  })

  test('as binary integer', () => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(core))
    expect(findLeaks(bytes, number)).toContain('binary integer')
  })

  test('combined with the number that is shown, in the way of a Record-Route parameter', () => {
    const x = '+8617045391680'
    const mixed = Buffer.from(
      [...`sip:${number}@a`].map((c, i) => c.charCodeAt(0) ^ `sip:${x}@a`.charCodeAt(i)),
    )
    const coded = message(`vsf=${mixed.toString('base64').replaceAll('/', '.')}`)
    expect(findLeaksAgainst(coded, number, [x])).toContain('base64 > xor with X')
    expect(findLeaksAgainst(message(x), number, [x])).toEqual([])
  })

  test('wherever it stands among other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (before, after) => {
        const bytes = Buffer.concat([before, Buffer.from(core), after])
        expect(findLeaks(bytes, number)).toContain('digits')
      }),
    )
  })
})

describe('nothing is found', () => {
  test('in a message that shows X and the called number', () => {
    expect(findLeaksAgainst(message('+8617045391680'), number, ['+8617045391680'])).toEqual([])
  })

  test('in a masked number', () => {
    expect(findLeaks(message('138****6091'), number)).toEqual([])
  })

  test('in sound and in noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 160, maxLength: 2000 }), (bytes) => {
        expect(findLeaksAgainst(bytes, number, ['+8617045391680'])).toEqual([])
      }),
    )
    expect(findLeaks(Buffer.alloc(2000, 0xd5), number)).toEqual([])
  })

  test('in random identifiers', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.base64String(), (uuid, text) => {
        expect(findLeaks(message(`${uuid};${text}`), number)).toEqual([])
      }),
    )
  })
})

function wide(digits: string): string {
  return [...digits].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join('')
}
