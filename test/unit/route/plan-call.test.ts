import { describe, expect, test } from 'vitest'
import { type PlanInput, planCall } from '../../../src/route/plan-call.ts'
import { aBoundRoute, aNumber, anAttempt, aRecord, trunkId } from '../../support/builders.ts'

function plan(given: Partial<PlanInput> = {}) {
  return planCall({
    attempt: anAttempt(),
    record: aRecord(),
    trunks: [trunkId('carrier')],
    unmatchedSipStatus: 403,
    ...given,
  })
}

test('a caller with a live binding is connected, and every rule is told', () => {
  const made = plan()
  expect(made.kind).toBe('connect')
  expect(made.reasons).toEqual([
    'the number is normal',
    'the caller is A of binding 1000000000000001',
    'the binding is live',
    'A may call this number',
    'ring the other party over carrier',
  ])
})

describe('refused', () => {
  const refused = (given: Partial<PlanInput>) => {
    const made = plan(given)
    return made.kind === 'refuse' ? made.refusal : undefined
  }

  test('a number that is not ours', () => {
    expect(refused({ record: aRecord({ number: undefined, binding: undefined }) })).toMatchObject({
      reason: 'number-unknown',
      sipStatus: 404,
    })
  })

  test.each([403, 404] as const)('a caller without a binding, with %i as configured', (status) => {
    const record = aRecord({ binding: undefined })
    expect(refused({ record, unmatchedSipStatus: status })).toEqual({
      reason: 'no-binding',
      sipStatus: status,
      unconnectedCause: 2,
      controlMsg: 'NO_SUBS_EXIST',
    })
  })

  test('a binding at the second of its expiry, and not the millisecond before', () => {
    const expiresAt = new Date('2026-11-24T09:00:00Z')
    const at = (iso: string) =>
      plan({
        attempt: anAttempt({ receivedAt: new Date(iso) }),
        record: aRecord({ binding: aBoundRoute({ expiresAt }) }),
      }).kind
    expect(at('2026-11-24T08:59:59.999Z')).toBe('connect')
    expect(at('2026-11-24T09:00:00.000Z')).toBe('refuse')
  })

  test('a frozen number, but not a locked one', () => {
    const state = (each: 'frozen' | 'locked') => aRecord({ number: aNumber({ state: each }) })
    expect(refused({ record: state('frozen') })?.reason).toBe('number-frozen')
    expect(refused({ record: state('locked') })).toBeUndefined()
  })

  test.each([
    ['A', 'AX', true],
    ['A', 'BX', false],
    ['B', 'AX', false],
    ['B', 'BX', true],
  ] as const)('caller %s under restriction %s: %s', (callerRole, restriction, barred) => {
    const record = aRecord({ binding: aBoundRoute({ callerRole, restriction }) })
    expect(refused({ record })?.unconnectedCause === 3).toBe(barred)
  })

  test('when no trunk goes out', () => {
    expect(refused({ trunks: [] })?.reason).toBe('no-trunk')
  })
})

test('no reason holds a real number', () => {
  expect(JSON.stringify(plan())).not.toContain('13900000002')
})
