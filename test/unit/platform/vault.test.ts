import { expect, test } from 'vitest'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createVault, type VaultKey } from '../../../src/platform/vault.ts'

const key = (id: string, fill: number): VaultKey => ({ id, bytes: Buffer.alloc(32, fill) })
const vault = createVault([key('k1', 7)])
const number = PhoneNumber.fromE164('+8613800000001') as PhoneNumber

test('what was sealed and indexed before still opens and is still found', () => {
  const sealed = 'k1.cTZmL-mr63ybYRbtHLFKgBMDeojs1oHVJ2rLdkN_SEz28gNZKzqxQiy2'
  expect(vault.open(sealed).equals(number)).toBe(true)
  expect(vault.blindIndex(number)).toBe('oadsDYq5bceIVj887hrHjw')
})

test('a number and a text come back, and never look the same twice', () => {
  expect(vault.open(vault.seal(number)).equals(number)).toBe(true)
  expect(vault.seal(number)).not.toBe(vault.seal(number))
  const sealed = vault.sealText('欧阳娜娜 · O’Neill', 'name')
  expect(vault.openText(sealed, 'name')).toBe('欧阳娜娜 · O’Neill')
  expect(sealed).not.toBe(vault.sealText('欧阳娜娜 · O’Neill', 'name'))
  expect(sealed).toMatch(/^k1\.[\w-]+$/)
})

test('what was changed, or sealed as something else, does not open', () => {
  const sealed = vault.sealText('Zhang San', 'name')
  const changed = sealed.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))
  expect(() => vault.openText(changed, 'name')).toThrow()
  expect(() => vault.openText(sealed, 'document')).toThrow()
  expect(() => vault.openText(vault.seal(number), 'name')).toThrow()
  expect(() => vault.open(vault.sealText('+8613800000001', 'name'))).toThrow()
})

test('an older key opens, the first one seals', () => {
  const rotated = createVault([key('k2', 9), key('k1', 7)])
  expect(rotated.openText(vault.sealText('old', 'name'), 'name')).toBe('old')
  expect(rotated.sealText('new', 'name')).toMatch(/^k2\./)
  expect(() => vault.openText(rotated.sealText('new', 'name'), 'name')).toThrow('do not have')
})
