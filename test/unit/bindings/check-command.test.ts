import { describe, expect, test } from 'vitest'
import type { BindableProduct } from '../../../src/bindings/bindable.ts'
import type { BindCommand, BindingChange, Survey } from '../../../src/bindings/binding.ts'
import { checkChange, checkCommand } from '../../../src/bindings/check-command.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { Tones } from '../../../src/domain/tones.ts'
import { person } from '../../support/data-rooms.ts'

const now = new Date('2026-01-01T00:00:00Z')
const command = (change: Partial<BindCommand> = {}): BindCommand => ({
  accountId: 'main' as AccountId,
  poolKey: 'FC100000000000001' as PoolKey,
  a: person(1),
  b: person(2),
  expiresAt: new Date('2026-01-01T01:00:00Z'),
  ...change,
})
const check = (change: Partial<BindCommand> = {}, product: BindableProduct = 'AXB') =>
  checkCommand(command(change), product, now)
const later = (ms: number) => new Date(now.getTime() + ms)
const x = '+8617000000001' as VirtualNumber
const survey: Survey = { side: 'A', question: '10000005', keys: ['1', '2'] }

test('an ordinary command is fine', () => {
  expect(check()).toBeUndefined()
  const terms = {
    tones: { a: '10000002', peerPickup: 'x_1' },
    ringSecondsMax: 5,
    talkSecondsMax: 86_400,
    outId: 'o',
    outOrderId: 'p',
    asr: true,
    asrModel: 'm',
    survey,
    idempotencyKey: 'k',
  }
  expect(check(terms)).toBeUndefined()
})

test('one millisecond more than a minute ahead is enough', () => {
  expect(check({ expiresAt: later(60_001) })).toBeUndefined()
})

test.each<[string, Partial<BindCommand>]>([
  ['expiry-illegal', { expiresAt: later(60_000) }],
  ['expiry-illegal', { expiresAt: later(-1) }],
  ['expiry-illegal', { expiresAt: new Date(Number.NaN) }],
  ['expiry-illegal', { expiresAt: new Date('9999-01-01T00:00:00Z') }],
  ['parties-equal', { b: person(1) }],
  ['b-needed', { b: undefined }],
  ['invalid-parameters', { ringSecondsMax: 181 }],
  ['invalid-parameters', { ringSecondsMax: 5.5 }],
  ['invalid-parameters', { talkSecondsMax: 59 }],
  ['invalid-parameters', { outId: '' }],
  ['invalid-parameters', { outId: 'a\0b' }],
  ['invalid-parameters', { outOrderId: 'x'.repeat(129) }],
  ['invalid-parameters', { idempotencyKey: 'k'.repeat(256) }],
  ['invalid-parameters', { tones: { a: 'a b' } }],
  ['invalid-parameters', { tones: { [String(Object)]: '1' } as Tones }],
  ['invalid-parameters', { asr: true }],
  ['invalid-parameters', { asrModel: '' }],
  ['invalid-parameters', { survey: { ...survey, question: '../etc' } }],
  ['invalid-parameters', { survey: { ...survey, thanks: '' } }],
  ['invalid-parameters', { survey: { ...survey, keys: [] } }],
  ['invalid-parameters', { survey: { ...survey, keys: ['1', '1'] } }],
  ['invalid-parameters', { survey: { ...survey, keys: ['1', '2', '3'] } }],
  ['invalid-parameters', { survey: { ...survey, keys: ['12'] } }],
  ['invalid-parameters', { survey: { ...survey, waitSeconds: 31 } }],
  ['invalid-parameters', { survey: { ...survey, loopsMax: 6 } }],
  ['invalid-parameters', { survey: { ...survey, endSeconds: 11 } }],
])('%s: %j', (code, change) => {
  const fault = check(change)
  expect(fault).toMatchObject({ code, httpStatus: 422 })
  expect(fault?.message).not.toContain('00000001')
})

describe('by product', () => {
  const noB = { b: undefined }
  test.each<[BindableProduct, Partial<BindCommand>]>([
    ['AXN', noB],
    ['95AXN', noB],
    ['AXN_EXTENSION', noB],
    ['AXN_EXTENSION', { ...noB, x, extension: '7' }],
    ['AXN_EXTENSION', { x, extension: '007' }],
    ['AXG', { ...noB, groupId: '2000000000001' }],
  ])('%s may be asked with %j', (product, change) => {
    expect(check(change, product)).toBeUndefined()
  })

  test.each<[BindableProduct, Partial<BindCommand>]>([
    ['AXB', { x, extension: '7' }],
    ['AXN', { x, extension: '7' }],
    ['AXN_EXTENSION', { extension: '7' }],
    ['AXN_EXTENSION', { x, extension: '' }],
    ['AXN_EXTENSION', { x, extension: '1234' }],
    ['AXN_EXTENSION', { x, extension: '1a' }],
    ['AXG', {}],
    ['AXN', { groupId: '2000000000001' }],
    ['AXN', { survey }],
  ])('%s is refused with %j', (product, change) => {
    expect(check(change, product)).toMatchObject({
      code: 'invalid-parameters',
      vendorCode: 'isv.INVALID_PARAMETERS',
    })
  })
})

describe('a change', () => {
  test.each<[BindingChange]>([
    [{ a: person(1) }],
    [{ b: null }],
    [{ a: person(1), b: person(2), expiresAt: later(61_000) }],
    [{ recording: null, tones: null, restriction: null, outId: null, asr: null, survey: null }],
  ])('%j is fine', (change) => {
    expect(checkChange(change, now)).toBeUndefined()
  })

  test.each<[string, BindingChange]>([
    ['invalid-parameters', {}],
    ['invalid-parameters', { a: undefined }],
    ['parties-equal', { a: person(1), b: person(1) }],
    ['expiry-illegal', { expiresAt: later(60_000) }],
    ['invalid-parameters', { asr: true }],
    ['invalid-parameters', { asr: true, asrModel: null }],
    ['invalid-parameters', { talkSecondsMax: 0 }],
  ])('%s: %j', (code, change) => {
    expect(checkChange(change, now)).toMatchObject({ code, httpStatus: 422 })
  })
})
