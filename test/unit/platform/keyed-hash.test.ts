import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKeyedHash } from '../../../src/platform/keyed-hash.ts'

test('it is the HMAC-SHA-256 of the text, whatever was hashed before', () => {
  const key = Buffer.from('0123456789abcdef0123456789abcdef')
  const keyed = createKeyedHash(key)
  fc.assert(
    fc.property(fc.stringMatching(/^\+?[0-9]{0,63}$/), (text) => {
      const expected = createHmac('sha256', key).update(text).digest().subarray(0, 16)
      expect(keyed(text)).toBe(expected.toString('base64url'))
    }),
  )
})

test('a text or a key that does not fit is refused', () => {
  expect(() => createKeyedHash(Buffer.alloc(65))).toThrow('key')
  expect(() => createKeyedHash(Buffer.alloc(32))('1'.repeat(65))).toThrow('too long')
})
