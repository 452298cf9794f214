import fc from 'fast-check'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type {
  CallerHoldings,
  OwnTerms,
  SealedBinding,
  SealedLeg,
  SealedNumberRoute,
} from '../../../src/domain/route-change.ts'
import type { Tones } from '../../../src/domain/tones.ts'

/** Records of every kind, as they may stand in the cache. */
export const x = '+8617000000001' as VirtualNumber

const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const text = (max: number) => maybe(fc.string({ minLength: 1, maxLength: max }))
const sealed = fc.stringMatching(/^[a-z0-9-]{1,16}\.[A-Za-z0-9_-]{10,60}$/)
const index = fc.stringMatching(/^[A-Za-z0-9_-]{22}$/)
const code = fc.stringMatching(/^[0-9A-Za-z_-]{1,32}$/)
const poolKey = fc.stringMatching(/^FC\d{15}$/).map((key) => key as PoolKey)
const groupId = fc.stringMatching(/^2\d{12}$/)

const tones: fc.Arbitrary<Tones> = fc.record(
  { a: code, alone: code, peer: code, aPickup: code, peerPickup: code },
  { requiredKeys: [] },
)

const ownTerms: { [Term in keyof OwnTerms]: fc.Arbitrary<OwnTerms[Term]> } = {
  recording: maybe(fc.boolean()),
  tones: maybe(tones),
  ringSecondsMax: maybe(fc.integer({ min: 5, max: 180 })),
  talkSecondsMax: maybe(fc.integer({ min: 60, max: 86_400 })),
}

const common = {
  bindingId: fc
    .bigInt({ min: 1n, max: 9_007_199_254_740_991n })
    .map((id) => String(id) as BindingId),
  expiresAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((at) => new Date(at * 1000)),
  restriction: fc.constantFrom('AX' as const, 'BX' as const, undefined),
  outId: text(128),
  ...ownTerms,
}

export const legs: fc.Arbitrary<SealedLeg> = fc.record({
  ...common,
  callerRole: fc.constantFrom('A' as const, 'B' as const, 'N' as const),
  peerSealed: maybe(sealed),
  aIndex: maybe(index),
})

const singles: fc.Arbitrary<SealedBinding> = fc.record({
  ...common,
  aIndex: index,
  aSealed: sealed,
  bSealed: maybe(sealed),
  groupId: maybe(groupId),
})

export const numberRoutes: fc.Arbitrary<SealedNumberRoute> = fc.record({
  x: fc.constant(x),
  accountId: fc.constant('main' as AccountId),
  poolKey,
  product: fc.constantFrom(
    'AXB' as const,
    'AXN' as const,
    'AXN_EXTENSION' as const,
    '95AXN' as const,
    'AXG' as const,
    'X_MODE' as const,
  ),
  state: fc.constantFrom(
    'normal' as const,
    'locked' as const,
    'frozen' as const,
    'faulty' as const,
  ),
  city: text(32),
  settings: fc.record({
    callbackMode: fc.constantFrom(
      'default-b' as const,
      'last-caller' as const,
      'disabled' as const,
    ),
    screened: fc.boolean(),
    controlUrl: maybe(fc.webUrl()),
    recording: fc.boolean(),
    tones,
    ringSecondsMax: fc.integer({ min: 5, max: 180 }),
    talkSecondsMax: fc.integer({ min: 60, max: 86_400 }),
  }),
  single: maybe(singles),
})

export const holdings: fc.Arbitrary<CallerHoldings> = fc.record({
  groups: fc.array(groupId, { maxLength: 5 }),
  blockedBy: fc.array(poolKey, { maxLength: 5 }),
  blockedFrom: fc.array(fc.tuple(poolKey, index), { maxLength: 5 }),
})
