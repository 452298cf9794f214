import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CallPlan } from '../../../src/domain/call.ts'
import { type PlanInput, planCall } from '../../../src/route/plan-call.ts'
import {
  aBoundRoute,
  aNumber,
  anAttempt,
  aRecord,
  aStanding,
  phone,
  somePoolSettings,
  trunkId,
} from '../../support/builders.ts'
import { last, peer, sides } from './a-plan.ts'

const at = new Date('2026-11-24T08:00:00Z').getTime()
const maybe = <T>(value: T) => fc.constantFrom(value, undefined)

/** Any record that resolve can make, and some that it cannot. */
const inputs: fc.Arbitrary<PlanInput> = fc
  .record({
    side: fc.constantFrom(...sides, ['X_MODE', 'N'] as const),
    isOurs: fc.constantFrom(true, true, true, false),
    isBound: fc.constantFrom(true, true, true, false),
    state: fc.constantFrom(
      'normal' as const,
      'locked' as const,
      'frozen' as const,
      'faulty' as const,
    ),
    settings: fc.record({
      callbackMode: fc.constantFrom(
        'default-b' as const,
        'last-caller' as const,
        'disabled' as const,
      ),
      screened: fc.boolean(),
      controlUrl: maybe('https://customer.example/x'),
    }),
    standing: fc.record({
      isKnown: fc.boolean(),
      blockedByPool: fc.boolean(),
      blockedFromPeer: fc.boolean(),
      blockedFromLastCaller: fc.boolean(),
      inGroup: fc.boolean(),
    }),
    binding: fc.record({
      expiresAt: fc.integer({ min: -2, max: 2 }).map((ms) => new Date(at + ms)),
      restriction: fc.constantFrom('AX' as const, 'BX' as const, undefined),
      peer: maybe(peer),
    }),
    lastCaller: maybe(last),
    caller: maybe(phone('+8613800000001')),
    extension: maybe('12'),
    trunks: fc.constantFrom([], [trunkId('one')], [trunkId('one'), trunkId('two')]),
    unmatchedSipStatus: fc.constantFrom(403 as const, 404 as const),
  })
  .map((each) => {
    const [product, callerRole] = each.side
    const settings = somePoolSettings(each.settings)
    const number = aNumber({ product, state: each.state, settings })
    return {
      attempt: anAttempt({
        caller: each.caller,
        extension: each.extension,
        receivedAt: new Date(at),
      }),
      record: aRecord({
        number: each.isOurs ? number : undefined,
        binding:
          each.isOurs && each.isBound ? aBoundRoute({ ...each.binding, callerRole }) : undefined,
        standing: aStanding(each.standing),
        lastCaller: each.lastCaller,
      }),
      trunks: each.trunks,
      unmatchedSipStatus: each.unmatchedSipStatus,
    }
  })

const holds = (says: (input: PlanInput, made: CallPlan) => void) =>
  fc.assert(
    fc.property(inputs, (input) => says(input, planCall(input))),
    { numRuns: 1_000 },
  )

test('the same call gives the same plan', () => {
  holds((input, made) => {
    expect(planCall(input)).toEqual(made)
  })
})

test('nobody is rung over a binding that is not live, not his, or barred to him', () => {
  holds(({ attempt, record }, made) => {
    if (made.kind !== 'connect') return
    const { binding, number, standing } = record
    if (binding === undefined || number === undefined) throw new Error('rung out of nothing')
    expect(binding.expiresAt.getTime()).toBeGreaterThan(attempt.receivedAt.getTime())
    expect(['normal', 'locked']).toContain(number.state)
    expect(standing.blockedByPool).toBe(false)
    expect(binding.restriction).not.toBe(binding.callerRole === 'A' ? 'AX' : 'BX')
    if (binding.callerRole === 'G') expect(standing.inGroup).toBe(true)
    expect(number.product).not.toBe('X_MODE')
    expect([binding.peer, record.lastCaller]).toContain(made.callee)
    expect(made.trunks.length).toBeGreaterThan(0)
  })
})

test('who is refused for nothing else is put through', () => {
  holds(({ attempt, record, trunks }, made) => {
    const { number, binding, standing } = record
    if (number === undefined || binding === undefined || trunks.length === 0) return
    const isFine =
      ['normal', 'locked'].includes(number.state) &&
      number.product !== 'X_MODE' &&
      number.settings.callbackMode === 'default-b' &&
      binding.peer !== undefined &&
      binding.expiresAt > attempt.receivedAt &&
      binding.restriction === undefined &&
      standing.inGroup &&
      !standing.blockedByPool &&
      !standing.blockedFromPeer
    if (isFine) expect(made.kind).toBe('connect')
  })
})

test('every plan says why, and no reason holds a real number', () => {
  holds((_input, made) => {
    expect(made.reasons.length).toBeGreaterThan(0)
    expect(new Set(made.reasons).size).toBe(made.reasons.length)
    const told = JSON.stringify(made.reasons)
    for (const digits of ['13800000001', '13900000002', '13700000003']) {
      expect(told).not.toContain(digits)
    }
  })
})

test('what is refused at a binding names it, and what never came so far does not', () => {
  const early = new Set(['number-unknown', 'number-frozen', 'number-faulty', 'no-binding'])
  holds(({ record }, made) => {
    if (made.kind !== 'refuse') return
    if (early.has(made.refusal.reason)) expect(made.binding).toBeUndefined()
    else if (made.binding !== undefined) expect(made.binding).toBe(record.binding)
  })
})

test('a refusal tells the caller nothing that the configured answer hides', () => {
  const hidden: ReadonlySet<string> = new Set(['no-binding', 'binding-expired', 'not-in-group'])
  holds(({ unmatchedSipStatus }, made) => {
    if (made.kind === 'refuse' && hidden.has(made.refusal.reason)) {
      expect(made.refusal.sipStatus).toBe(unmatchedSipStatus)
      expect(made.refusal.controlMsg).toBe('NO_SUBS_EXIST')
    }
  })
})

test('digits are asked for only where an extension is all that is missing', () => {
  holds(({ attempt, record }, made) => {
    if (made.kind !== 'ask-digits') return
    expect(record.number?.product).toBe('AXN_EXTENSION')
    expect(record.binding).toBeUndefined()
    expect(attempt.extension).toBeUndefined()
  })
})
