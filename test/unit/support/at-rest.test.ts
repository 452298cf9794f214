import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectNoNumberBelow, expectNoNumberIn, use } from '../../support/at-rest.ts'

test.each(['13857240001', '+8613857240001', '008613857240001', 'a"13857240001"b'])(
  'a used number is found as %s',
  (text) => {
    use('{"phoneA":"+8613857240001"}')
    expect(() => expectNoNumberIn('a table', text)).toThrow('a table holds 1 real numbers')
  },
)

test('a number that is written in the test is found', () => {
  const written = ['1385724', '0002'].join('')
  expect('13857240002').toBe(written)
  expect(() => expectNoNumberIn('a log', written)).toThrow('a log holds')
})

test.each(['1000138572400019', '8617000000001', '138****0001', 'nothing'])(
  '%s is not a used number',
  (text) => expect(() => expectNoNumberIn('a table', text)).not.toThrow(),
)

test('files are searched, also where one chunk ends', async () => {
  use('13857240003')
  const folder = await mkdtemp(join(tmpdir(), 'at-rest-'))
  try {
    await writeFile(join(folder, 'clean'), 'x'.repeat(100))
    await expectNoNumberBelow(folder)
    await writeFile(join(folder, 'long'), `${'x'.repeat(4 * 1024 * 1024 - 5)}13857240003`)
    await expect(expectNoNumberBelow(folder)).rejects.toThrow('real numbers in clear')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
