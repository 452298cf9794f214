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
  ] as const)('%i is %s, Q.850 %i, and the caller gets the same status', (status, reason, q850) => {
    expect(causeOfStatus(status)).toMatchObject({ reason, q850, sipStatus: status })
  })

  test.each([
    [422, 'callee-unavailable', 480],
    [487, 'callee-unavailable', 480],
    [502, 'trunk-failed', 503],
    [608, 'callee-unavailable', 480],
    [699, 'callee-unavailable', 480],
  ] as const)('%i is %s, and the caller gets %i in its place', (status, reason, told) => {
    expect(causeOfStatus(status)).toMatchObject({ reason, sipStatus: told })
  })

  test('is total, and what the caller is told can always be sent', () => {
    const sendable = [400, 403, 404, 408, 410, 480, 484, 486, 488, 503, 600, 603, 604, 606]
    for (let status = 300; status < 700; status++) {
      expect(sendable).toContain(causeOfStatus(status).sipStatus)
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
