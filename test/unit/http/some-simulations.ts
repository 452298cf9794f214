import type { AccountId, TrunkId, VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createSimulate, type Simulate } from '../../../src/route/simulate.ts'
import { aBoundRoute, aNumber, aRecord } from '../../support/builders.ts'

export const simulatedX = '+8617012345678' as VirtualNumber
export const simulatedNow = new Date('2030-01-30T02:00:00Z')

/** One X of the account's, an AXB on which every caller is A. */
export function someSimulations(accountId: AccountId, peer: PhoneNumber): Simulate {
  return createSimulate({
    resolve: async ({ dialled }) =>
      dialled === simulatedX
        ? aRecord({
            number: aNumber({ accountId, x: dialled }),
            binding: aBoundRoute({ peer, expiresAt: new Date('2030-01-31T00:00:00Z') }),
            version: 42,
          })
        : aRecord({ number: undefined, binding: undefined }),
    trunks: () => ['carrier-1' as TrunkId],
    unmatchedSipStatus: 403,
    now: () => simulatedNow,
  })
}
