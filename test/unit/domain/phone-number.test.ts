import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { phone } from '../../support/builders.ts'

const number = phone('+8613812345678')

test.each([
  ['template', `${number}`],
  ['JSON', JSON.stringify({ number })],
  ['console', inspect({ number })],
  ['concatenation', `a${String(number)}`],
  ['keys', Object.keys(number).join()],
  ['entries', JSON.stringify(Object.entries(number))],
])('%s shows it masked', (_way, text) => {
  expect(text).not.toContain('12345678')
  expect(text).not.toContain('1381234')
})

test('the mask keeps enough to recognise it', () => {
  expect(String(number)).toBe('138****5678')
  expect(String(phone('+14155550123'))).toBe('141****0123')
  expect(String(phone('+8610086'))).toBe('1****')
})

test('equal numbers are equal', () => {
  expect(number.equals(phone('+8613812345678'))).toBe(true)
  expect(number.equals(phone('+8613812345679'))).toBe(false)
})
