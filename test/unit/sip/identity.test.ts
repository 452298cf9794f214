import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { callerNumber, userOfUri } from '../../../src/sip/identity-in.ts'
import { buildInvite } from '../../../src/sip/identity-out.ts'
import { phone, trunkId, x } from '../../support/builders.ts'

const parser = createNumberParser({ country: 'CN' })

describe('user part', () => {
  test.each([
    ['sip:+8617000000001@10.0.0.1:5060', '+8617000000001'],
    ['<sip:17000000001;phone-context=+86@10.0.0.1;user=phone>', '17000000001'],
    ['"Zhang <sip:evil@x>" <sip:13800000001@10.0.0.1>;tag=1', '13800000001'],
    ['tel:+86-170-0000-0001;npdi', '+86-170-0000-0001'],
    ['sip:%2B8617000000001@h', '+8617000000001'],
    ['sips:1@h', '1'],
  ])('%s', (text, user) => expect(userOfUri(text)).toBe(user))

  test.each(['', 'sip:10.0.0.1', 'mailto:a@b', 'sip:%zz@h', `sip:${'1'.repeat(80)}@h`])(
    'none in %j',
    (text) => expect(userOfUri(text)).toBeUndefined(),
  )

  test('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.string(), (text) => void userOfUri(text)))
  })
})

describe('caller', () => {
  const from = '<sip:13800000001@h>;tag=a'
  const assertedIdentity = '<sip:+8613800000009@h>'

  test('the asserted identity of a trusted trunk is believed', () => {
    expect(callerNumber({ from, assertedIdentity }, true, parser)?.reveal()).toBe('+8613800000009')
  })

  test('of any other trunk it is not', () => {
    expect(callerNumber({ from, assertedIdentity }, false, parser)?.reveal()).toBe('+8613800000001')
  })

  test.each(['"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', 'garbage', undefined])(
    'none in %j',
    (text) =>
      expect(
        callerNumber({ from: text, assertedIdentity: undefined }, true, parser),
      ).toBeUndefined(),
  )
})

describe('the INVITE to the callee', () => {
  const trunk: Trunk = {
    id: trunkId('carrier'),
    host: '10.0.0.9',
    port: 5062,
    transport: 'udp',
    addresses: [],
    priority: 1,
    numberFormat: 'national',
    trustsIdentity: true,
    enabled: true,
    optionsSeconds: 30,
  }
  const build = (given: Partial<Trunk> = {}) =>
    buildInvite({
      trunk: { ...trunk, ...given },
      callee: phone('+8613900000002'),
      x: x('+8617000000001'),
      sessionSeconds: 1800,
      national: parser.national,
    })

  test('goes to the callee, from X in every identity header', () => {
    const { uri, headers } = build()
    expect(uri).toBe('sip:13900000002@10.0.0.9:5062')
    for (const name of ['From', 'Contact', 'P-Asserted-Identity']) {
      expect(headers[name]).toBe('<sip:17000000001@localhost>')
    }
  })

  test.each([
    ['e164-plus', '+8613900000002'],
    ['e164', '8613900000002'],
  ] as const)('writes numbers as %s', (numberFormat, user) => {
    expect(build({ numberFormat }).uri).toBe(`sip:${user}@10.0.0.9:5062`)
  })

  test('says so when it goes over TCP, and brackets an IPv6 host', () => {
    const { uri, headers } = build({ transport: 'tcp', host: '2001:db8::1' })
    expect(uri).toBe('sip:13900000002@[2001:db8::1]:5062;transport=tcp')
    expect(headers['Contact']).toBe('<sip:17000000001@localhost;transport=tcp>')
  })
})
