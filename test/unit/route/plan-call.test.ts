import { describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import { causeOf } from '../../../src/domain/hangup.ts'
import type { PlanInput } from '../../../src/route/plan-call.ts'
import {
  type aBoundRoute,
  aNumber,
  anAttempt,
  aRecord,
  aStanding,
  somePoolSettings,
} from '../../support/builders.ts'
import { callOn, last, peer, plan, refusalIn, sides } from './a-plan.ts'

describe('a number that is not ours', () => {
  test('is unknown, whatever else', () => {
    const record = aRecord({ number: undefined, binding: undefined })
    const made = plan({ record, unmatchedSipStatus: 403 })
    expect(refusalIn(made)).toEqual({
      reason: 'number-unknown',
      sipStatus: 404,
      unconnectedCause: 4,
      controlMsg: 'NO_NOT_EXIST',
    })
    expect(made.reasons).toEqual(['the dialled number is not one of ours'])
  })
})

describe('a caller who meets no binding', () => {
  const without = (product: Product, given: Partial<PlanInput> = {}) =>
    plan({ record: aRecord({ number: aNumber({ product }), binding: undefined }), ...given })

  test.each([403, 404] as const)('hears %i, as configured', (unmatchedSipStatus) => {
    for (const product of ['AXB', 'AXN', '95AXN', 'AXG'] as const) {
      const refusal = refusalIn(without(product, { unmatchedSipStatus }))
      expect(refusal).toEqual({
        reason: 'no-binding',
        sipStatus: unmatchedSipStatus,
        unconnectedCause: 2,
        controlMsg: 'NO_SUBS_EXIST',
      })
    }
  })

  test('is told apart in the reasons from one without a number', () => {
    expect(without('AXB').reasons.at(-1)).toBe('this caller takes part in no binding on it')
    expect(without('AXB', { attempt: anAttempt({ caller: undefined }) }).reasons.at(-1)).toBe(
      'a caller without a number takes part in no binding on it',
    )
    expect(without('AXN').reasons.at(-1)).toBe('nobody is bound on it')
  })
})

describe('an AXN extension number', () => {
  const number = aNumber({ product: 'AXN_EXTENSION' })
  const record = aRecord({ number, binding: undefined })

  test('asks for the extension that was not dialled', () => {
    expect(plan({ record })).toMatchObject({
      kind: 'ask-digits',
      number,
      refusal: {
        reason: 'extension-missing',
        sipStatus: 484,
        unconnectedCause: 2,
        controlMsg: 'NO_EXTENSION',
      },
    })
  })

  test('refuses one that nobody has', () => {
    const made = plan({ record, attempt: anAttempt({ extension: '12' }) })
    expect(made.kind).toBe('refuse')
    expect(refusalIn(made)).toEqual({
      reason: 'extension-unknown',
      sipStatus: 404,
      unconnectedCause: 2,
      controlMsg: 'NO_SUBS_EXIST',
    })
    expect(made.reasons.at(-1)).toContain('12')
  })
})

describe.each(['AXN', '95AXN', 'AXN_EXTENSION', 'AXG'] as const)('A who calls an %s', (product) => {
  const sent = (
    callbackMode: 'default-b' | 'last-caller' | 'disabled',
    given: Parameters<typeof aRecord>[0],
    binding: Parameters<typeof aBoundRoute>[0] = {},
  ) => callOn(product, 'A', { settings: { callbackMode }, record: given, binding })
  const nowhere = {
    reason: 'no-callback',
    sipStatus: 404,
    unconnectedCause: 4,
    controlMsg: 'CALLED_NOT_EXISTS',
  }

  test('is sent to B by default, also when somebody called', () => {
    expect(sent('default-b', { lastCaller: last })).toMatchObject({ callee: peer })
  })
  test('without a B is sent nowhere', () => {
    expect(refusalIn(sent('default-b', {}, { peer: undefined }))).toEqual(nowhere)
  })
  test('is sent to whoever called last, and else to B', () => {
    expect(sent('last-caller', { lastCaller: last })).toMatchObject({ callee: last })
    expect(sent('last-caller', {})).toMatchObject({ callee: peer })
    expect(refusalIn(sent('last-caller', {}, { peer: undefined }))).toEqual(nowhere)
  })
  test('is sent nowhere where that is switched off', () => {
    expect(refusalIn(sent('disabled', { lastCaller: last }))).toEqual(nowhere)
  })

  test('is barred from whom he would reach, not from anybody else', () => {
    const barred = (
      blocked: 'blockedFromPeer' | 'blockedFromLastCaller',
      mode: 'last-caller' | 'default-b',
    ) =>
      callOn(product, 'A', {
        settings: { callbackMode: mode, screened: true },
        record: { lastCaller: last, standing: aStanding({ [blocked]: true }) },
      }).kind
    expect(barred('blockedFromLastCaller', 'last-caller')).toBe('refuse')
    expect(barred('blockedFromPeer', 'last-caller')).toBe('connect')
    expect(barred('blockedFromPeer', 'default-b')).toBe('refuse')
    expect(barred('blockedFromLastCaller', 'default-b')).toBe('connect')
  })
})

test('on an AXB number A is put through whatever the callback mode', () => {
  for (const callbackMode of ['disabled', 'last-caller'] as const) {
    const made = callOn('AXB', 'A', { settings: { callbackMode }, record: { lastCaller: last } })
    expect(made).toMatchObject({ kind: 'connect', callee: peer })
  }
})

test('who is not in the group is refused as if nobody were bound', () => {
  const made = callOn('AXG', 'G', { standing: { inGroup: false } })
  expect(made).toMatchObject({ kind: 'refuse', binding: { callerRole: 'G' } })
  expect(refusalIn(made)).toEqual({
    reason: 'not-in-group',
    sipStatus: 403,
    unconnectedCause: 2,
    controlMsg: 'NO_SUBS_EXIST',
  })
})

test('a caller without a number reaches A of an AXN, and nobody of a group', () => {
  const attempt = { caller: undefined }
  expect(callOn('AXN', 'N', { attempt }).kind).toBe('connect')
  expect(callOn('AXG', 'G', { attempt, standing: { inGroup: false } }).kind).toBe('refuse')
})

describe('X mode', () => {
  const onX = (settings: Parameters<typeof somePoolSettings>[0], standing = aStanding()) =>
    plan({
      record: aRecord({
        number: aNumber({ product: 'X_MODE', settings: somePoolSettings(settings) }),
        binding: undefined,
        standing,
      }),
    })

  test('the customer is asked', () => {
    expect(onX({ controlUrl: 'https://customer.example/x' })).toMatchObject({
      kind: 'ask-customer',
      url: 'https://customer.example/x',
      refusal: { reason: 'no-instructions', sipStatus: 480, unconnectedCause: 4 },
    })
  })
  test('without an address nobody can be asked', () => {
    expect(onX({})).toMatchObject({ kind: 'refuse', refusal: { reason: 'no-instructions' } })
  })
  test('nor about a caller on the blacklist', () => {
    const made = onX(
      { controlUrl: 'https://customer.example/x', screened: true },
      aStanding({ blockedByPool: true }),
    )
    expect(made).toMatchObject({ kind: 'refuse', refusal: { reason: 'blacklisted' } })
  })
})

describe('the rules are asked in the order of the specification', () => {
  const everythingAgainst = {
    number: { state: 'frozen' },
    settings: { screened: true, callbackMode: 'disabled' },
    binding: { expiresAt: new Date('2026-11-24T08:00:00Z'), restriction: 'BX' },
    standing: { blockedByPool: true, blockedFromPeer: true, inGroup: false },
  } as const

  test('number, pool blacklist, binding, pair, restriction, group', () => {
    const { number, settings, binding, standing } = everythingAgainst
    const live = { ...binding, expiresAt: new Date('2026-11-24T09:00:00Z') }
    const steps = [
      callOn('AXG', 'G', { number, settings, binding, standing }),
      callOn('AXG', 'G', { settings, binding, standing }),
      callOn('AXG', 'G', { settings, binding, standing: { ...standing, blockedByPool: false } }),
      callOn('AXG', 'G', {
        settings,
        binding: live,
        standing: { ...standing, blockedByPool: false },
      }),
      callOn('AXG', 'G', { settings, binding: live, standing: { inGroup: false } }),
      callOn('AXG', 'G', {
        settings,
        binding: { ...live, restriction: 'AX' },
        standing: { inGroup: false },
      }),
    ]
    expect(steps.map((made) => refusalIn(made)?.reason)).toEqual([
      'number-frozen',
      'blacklisted',
      'binding-expired',
      'blacklisted',
      'restricted',
      'not-in-group',
    ])
  })

  test('every rule that was looked at is told, in that order', () => {
    const made = callOn('AXG', 'G', { settings: { screened: true } })
    expect(made.reasons).toEqual([
      'the number is normal',
      'the caller is not on the blacklist of the pool',
      'the caller is G of binding 1000000000000001',
      'the binding is live',
      'no entry of the blacklist bars the caller from the other party',
      'G may call this number',
      'the caller is in the group',
      'ring the other party over carrier',
    ])
    expect(callOn('AXN', 'A', { settings: { callbackMode: 'last-caller' } }).reasons).toEqual([
      'the number is normal',
      'its pool has no blacklist',
      'the caller is A of binding 1000000000000001',
      'the binding is live',
      'A may call this number',
      'A is sent to B',
      'ring the other party over carrier',
    ])
  })
})

test('what a refusal says to the caller is what its reason says, but for those that are configured', () => {
  const configured = new Set(['no-binding', 'binding-expired', 'not-in-group'])
  const refusals = sides.flatMap(([product, role]) => [
    callOn(product, role, { number: { state: 'frozen' } }),
    callOn(product, role, { number: { state: 'faulty' } }),
    callOn(product, role, { binding: { restriction: role === 'A' ? 'AX' : 'BX' } }),
    callOn(product, role, { binding: { peer: undefined } }),
  ])
  for (const refusal of refusals.flatMap((made) => refusalIn(made) ?? [])) {
    if (configured.has(refusal.reason)) continue
    expect(refusal.sipStatus).toBe(causeOf(refusal.reason).sipStatus)
  }
})
