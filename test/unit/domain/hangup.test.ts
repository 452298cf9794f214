import { describe, expect, test } from 'vitest'
import { causeOfQ850, causeOfStatus, mayTryNextTrunk } from '../../../src/domain/hangup.ts'

describe('a final status of the callee’s network', () => {
  test.each([
    [404, 'number-unassigned', 1],
    [480, 'callee-unavailable', 18],
    [486, 'callee-busy', 17],
    [503, 'trunk-failed', 38],
    [600, 'callee-busy', 17],
    [603, 'callee-declined', 21],
    [699, 'callee-unavailable', 18],
  ] as const)('%i is %s, Q.850 %i, and the caller gets the same status', (status, reason, q850) => {
    expect(causeOfStatus(status)).toMatchObject({ reason, q850, sipStatus: status })
  })

  test('is total', () => {
    for (let status = 300; status < 700; status++) {
      expect(causeOfStatus(status).sipStatus).toBe(status)
    }
  })
})

test('only what speaks for the trunk lets the next one be tried', () => {
  expect([408, 500, 503, 599].every(mayTryNextTrunk)).toBe(true)
  expect([302, 403, 404, 480, 486, 487, 600, 603].some(mayTryNextTrunk)).toBe(false)
})

test('a Q.850 value that we do not act on says nothing', () => {
  expect(causeOfQ850(3)).toBeUndefined()
  expect(causeOfQ850(19)?.reason).toBe('no-answer')
})
