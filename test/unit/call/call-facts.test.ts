import { describe, expect, test } from 'vitest'
import { factsOf } from '../../../src/call/call-facts.ts'
import type { CallerRole, CallPlan, Product } from '../../../src/domain/call.ts'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { refusalOf } from '../../../src/route/plan-call.ts'
import { aBoundRoute, aNumber, anAttempt, phone, trunkId } from '../../support/builders.ts'

const peer = phone('+8613900000002')
const refusal = refusalOf('restricted', 403, 3, 'CONTROL_DISABLE')

const refused = (product: Product, callerRole: CallerRole, behind = peer): CallPlan => ({
  kind: 'refuse',
  number: aNumber({ product }),
  binding: aBoundRoute({ callerRole, peer: behind }),
  refusal,
  reasons: [],
})

describe('what is on record of a call', () => {
  test('that is connected: who is rung', () => {
    const plan: CallPlan = {
      kind: 'connect',
      number: aNumber(),
      binding: aBoundRoute({ peer }),
      callee: peer,
      ringback: undefined,
      trunks: [trunkId('carrier')],
      reasons: [],
    }
    const facts = factsOf(anAttempt({ extension: '12' }), plan, 'router')
    expect(facts).toMatchObject({
      intercepted: false,
      callee: peer,
      callerRole: 'A',
      extension: '12',
      controlMsg: 'OK',
    })
  })

  test.each([
    ['AXB', 'B'],
    ['AXB', 'A'],
    ['AXN', 'N'],
    ['AXN_EXTENSION', 'N'],
    ['AXG', 'G'],
  ] as const)(
    'that is refused at its binding, on %s as %s: the binding, and its other side',
    (product, role) => {
      expect(factsOf(anAttempt(), refused(product, role), 'router')).toMatchObject({
        intercepted: true,
        bindingId: '1000000000000001',
        callerRole: role,
        callee: peer,
        unconnectedCause: 3,
        controlMsg: 'CONTROL_DISABLE',
      })
    },
  )

  test('that is refused to A where there is no fixed other side: nobody', () => {
    for (const product of ['AXN', 'AXN_EXTENSION', '95AXN', 'AXG'] as const) {
      const facts = factsOf(anAttempt(), refused(product, 'A'), 'router')
      expect(facts).toMatchObject({ bindingId: '1000000000000001', callerRole: 'A' })
      expect(facts.callee).toBeUndefined()
    }
  })

  test('that is refused before a binding is met: X alone', () => {
    for (const kind of ['refuse', 'ask-digits'] as const) {
      const number = aNumber({ product: 'AXN_EXTENSION' })
      const plan: CallPlan =
        kind === 'refuse'
          ? { kind, number, binding: undefined, refusal, reasons: [] }
          : { kind, number, refusal, reasons: [] }
      const facts = factsOf(anAttempt(), plan, 'router')
      expect(facts).toMatchObject({ poolKey: number.poolKey, intercepted: true })
      expect([facts.bindingId, facts.callerRole, facts.callee]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    }
  })

  test('whose other side cannot be unsealed: the rest', () => {
    const lost = PhoneNumber.sealed(() => {
      throw new Error('no such key')
    })
    const facts = factsOf(anAttempt(), refused('AXN', 'N', lost), 'router')
    expect(facts).toMatchObject({ bindingId: '1000000000000001', callee: undefined })
  })
})
