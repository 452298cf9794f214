import { expect, test } from 'vitest'
import type { BindCommand } from '../../../src/bindings/binding.ts'
import { checkCommand } from '../../../src/bindings/check-command.ts'
import type { AccountId, PoolKey } from '../../../src/domain/ids.ts'
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
const after = (ms: number) => new Date(now.getTime() + ms)

test('an ordinary command is fine', () => {
  expect(checkCommand(command(), now)).toBeUndefined()
  const terms = {
    ringback: '10000002',
    ringSecondsMax: 5,
    talkSecondsMax: 86_400,
    outId: 'o',
    idempotencyKey: 'k',
  }
  expect(checkCommand(command(terms), now)).toBeUndefined()
})

test.each<[string, Partial<BindCommand>]>([
  ['expiry-illegal', { expiresAt: after(60_000) }],
  ['expiry-illegal', { expiresAt: after(-1) }],
  ['expiry-illegal', { expiresAt: new Date(Number.NaN) }],
  ['expiry-illegal', { expiresAt: new Date('9999-01-01T00:00:00Z') }],
  ['parties-equal', { b: person(1) }],
  ['invalid-parameters', { ringSecondsMax: 181 }],
  ['invalid-parameters', { ringSecondsMax: 5.5 }],
  ['invalid-parameters', { talkSecondsMax: 59 }],
  ['invalid-parameters', { outId: '' }],
  ['invalid-parameters', { outId: 'a\0b' }],
  ['invalid-parameters', { idempotencyKey: 'k'.repeat(256) }],
  ['invalid-parameters', { ringback: 'a b' }],
])('%s: %j', (code, change) => {
  const fault = checkCommand(command(change), now)
  expect(fault).toMatchObject({ code, httpStatus: 422 })
  expect(fault?.message).not.toContain('00000001')
})

test('one millisecond more than a minute ahead is enough', () => {
  expect(checkCommand(command({ expiresAt: after(60_001) }), now)).toBeUndefined()
})
