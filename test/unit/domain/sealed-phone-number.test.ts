import { expect, test } from 'vitest'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'

function aNumber(e164: string): PhoneNumber {
  const number = PhoneNumber.fromE164(e164)
  if (number === undefined) throw new Error('not E.164')
  return number
}

test('a sealed number is opened when it is first used, once, and then is like any other', () => {
  let opened = 0
  const number = PhoneNumber.sealed(() => {
    opened += 1
    return aNumber('+8613800000001')
  })
  expect(opened).toBe(0)
  expect(String(number)).toBe('138****0001')
  expect(JSON.stringify({ number })).toBe('{"number":"138****0001"}')
  expect(number.equals(aNumber('+8613800000001'))).toBe(true)
  expect(number.reveal()).toBe('+8613800000001')
  expect(opened).toBe(1)
})

test('a seal that cannot be opened says so every time', () => {
  const number = PhoneNumber.sealed(() => {
    throw new Error('no such key')
  })
  expect(() => number.reveal()).toThrow('no such key')
  expect(() => number.reveal()).toThrow('no such key')
})
