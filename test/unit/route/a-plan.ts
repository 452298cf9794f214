import type { CallerRole, Product, Refusal } from '../../../src/domain/call.ts'
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

export const peer = phone('+8613900000002')
export const last = phone('+8613700000003')

export function plan(given: Partial<PlanInput> = {}) {
  return planCall({
    attempt: anAttempt(),
    record: aRecord(),
    trunks: [trunkId('carrier')],
    unmatchedSipStatus: 403,
    ...given,
  })
}

/** A call that is connected unless something is said against it. */
export function callOn(
  product: Product,
  role: CallerRole,
  given: {
    attempt?: Parameters<typeof anAttempt>[0]
    number?: Parameters<typeof aNumber>[0]
    settings?: Parameters<typeof somePoolSettings>[0]
    binding?: Parameters<typeof aBoundRoute>[0]
    record?: Parameters<typeof aRecord>[0]
    standing?: Parameters<typeof aStanding>[0]
  } = {},
) {
  const settings = somePoolSettings(given.settings)
  const standing = aStanding({ inGroup: role === 'G', ...given.standing })
  return plan({
    attempt: anAttempt(given.attempt),
    record: aRecord({
      number: aNumber({ product, settings, ...given.number }),
      binding: aBoundRoute({ callerRole: role, peer, ...given.binding }),
      standing,
      ...given.record,
    }),
  })
}

export function refusalIn(made: ReturnType<typeof plan>): Refusal | undefined {
  return made.kind === 'connect' ? undefined : made.refusal
}

export const sides: readonly (readonly [Product, CallerRole])[] = [
  ['AXB', 'A'],
  ['AXB', 'B'],
  ['AXN', 'A'],
  ['AXN', 'N'],
  ['95AXN', 'A'],
  ['95AXN', 'N'],
  ['AXN_EXTENSION', 'A'],
  ['AXN_EXTENSION', 'N'],
  ['AXG', 'A'],
  ['AXG', 'G'],
]
