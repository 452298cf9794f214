import { describe, expect, test } from 'vitest'
import { aBoundRoute, aNumber, aRecord, aStanding } from '../../support/builders.ts'
import { callOn, peer, plan, refusalIn, sides } from './a-plan.ts'

describe.each(sides)('on an %s number, as %s', (product, role) => {
  test('the other party is rung', () => {
    const made = callOn(product, role)
    expect(made).toMatchObject({ kind: 'connect', callee: peer, trunks: ['carrier'] })
    expect(made.reasons.at(-1)).toBe('ring the other party over carrier')
  })

  test('the tone is that of the moment', () => {
    const made = callOn(product, role, { binding: { tones: { a: 'tone-a', peer: 'tone-p' } } })
    expect(made).toMatchObject({ ringback: role === 'A' ? 'tone-a' : 'tone-p' })
    expect(callOn(product, role)).toMatchObject({ ringback: undefined })
  })

  test.each([
    ['frozen', 'number-frozen', 'NO_FROZEN'],
    ['faulty', 'number-faulty', 'NO_FAULTY'],
  ] as const)('a %s number carries no call', (state, reason, controlMsg) => {
    const refusal = refusalIn(callOn(product, role, { number: { state } }))
    expect(refusal).toEqual({ reason, sipStatus: 480, unconnectedCause: 4, controlMsg })
  })

  test('a locked number carries the calls of its bindings', () => {
    expect(callOn(product, role, { number: { state: 'locked' } }).kind).toBe('connect')
  })

  test('a restriction bars its own side and no other', () => {
    const ax = callOn(product, role, { binding: { restriction: 'AX' } })
    const bx = callOn(product, role, { binding: { restriction: 'BX' } })
    const [barred, free] = role === 'A' ? [ax, bx] : [bx, ax]
    expect(free.kind).toBe('connect')
    expect(refusalIn(barred)).toEqual({
      reason: 'restricted',
      sipStatus: 403,
      unconnectedCause: 3,
      controlMsg: 'CONTROL_DISABLE',
    })
    expect(barred).toMatchObject({ binding: { callerRole: role } })
  })

  test('a binding ends at the second of its expiry, and not the millisecond before', () => {
    const expiresAt = new Date('2026-11-24T09:00:00Z')
    const at = (iso: string) =>
      callOn(product, role, { attempt: { receivedAt: new Date(iso) }, binding: { expiresAt } })
    expect(at('2026-11-24T08:59:59.999Z').kind).toBe('connect')
    expect(refusalIn(at('2026-11-24T09:00:00.000Z'))).toEqual({
      reason: 'binding-expired',
      sipStatus: 403,
      unconnectedCause: 2,
      controlMsg: 'NO_SUBS_EXIST',
    })
  })

  test('whoever is on the blacklist of the pool meets no binding', () => {
    const made = callOn(product, role, {
      settings: { screened: true },
      standing: { blockedByPool: true },
    })
    expect(made).toMatchObject({ kind: 'refuse', binding: undefined })
    expect(refusalIn(made)).toEqual({
      reason: 'blacklisted',
      sipStatus: 403,
      unconnectedCause: 1,
      controlMsg: 'BLACKLIST',
    })
  })

  test('whoever is barred from the other party is refused at the binding', () => {
    const made = callOn(product, role, {
      settings: { screened: true },
      standing: { blockedFromPeer: true },
    })
    expect(made).toMatchObject({ kind: 'refuse', binding: { callerRole: role } })
    expect(refusalIn(made)).toMatchObject({ reason: 'blacklisted', unconnectedCause: 1 })
  })

  test('a caller about whom nobody can tell goes on, and that is told', () => {
    const made = callOn(product, role, {
      settings: { screened: true },
      standing: { isKnown: false },
    })
    expect(made.kind).toBe('connect')
    expect(made.reasons.join('; ')).toContain('the call goes on without it')
  })

  test('without a trunk nobody is rung', () => {
    const record = aRecord({
      number: aNumber({ product }),
      binding: aBoundRoute({ callerRole: role, peer }),
      standing: aStanding({ inGroup: true }),
    })
    expect(refusalIn(plan({ record, trunks: [] }))).toEqual({
      reason: 'no-trunk',
      sipStatus: 503,
      unconnectedCause: 4,
      controlMsg: 'NO_TRUNK',
    })
  })
})
