import { describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { BindingId, PoolKey } from '../../../src/domain/ids.ts'
import type {
  SealedBinding,
  SealedLeg,
  SealedNumberRoute,
} from '../../../src/domain/route-change.ts'
import { meet } from '../../../src/resolve/meet.ts'
import { standingOf } from '../../../src/resolve/standing.ts'
import { aNumber } from '../../support/builders.ts'

const now = new Date('2026-11-24T08:00:00Z')
const later = new Date(now.getTime() + 60_000)
const secondsAgo = (seconds: number) => new Date(now.getTime() - seconds * 1000)

const own = {
  expiresAt: later,
  restriction: undefined,
  outId: undefined,
  recording: undefined,
  tones: undefined,
  ringSecondsMax: undefined,
  talkSecondsMax: undefined,
}
const id = (text: string) => text as BindingId
const leg = (given: Partial<SealedLeg> = {}): SealedLeg => ({
  ...own,
  bindingId: id('1'),
  callerRole: 'A',
  peerSealed: 'b',
  ...given,
})
const single = (given: Partial<SealedBinding> = {}): SealedBinding => ({
  ...own,
  bindingId: id('1'),
  aIndex: 'index-a',
  aSealed: 'a',
  bSealed: 'b',
  groupId: undefined,
  ...given,
})
const noLegs = { own: undefined, dialled: undefined }
const numberOf = (product: Product, carries?: SealedBinding): SealedNumberRoute => ({
  ...aNumber({ product }),
  single: carries,
})

describe('on an AXB number', () => {
  const number = numberOf('AXB')

  test('a caller meets his own leg and no other', () => {
    expect(meet(number, { own: leg(), dialled: undefined }, 'index-a', now)).toMatchObject({
      callerRole: 'A',
      peerSealed: 'b',
    })
    expect(meet(number, noLegs, 'index-c', now)).toBeUndefined()
  })
  test('digits after it lead nowhere else', () => {
    const legs = { own: undefined, dialled: leg({ callerRole: 'N' }) }
    expect(meet(number, legs, 'index-c', now)).toBeUndefined()
  })
})

describe.each(['AXN', '95AXN'] as const)('on an %s number', (product) => {
  const number = numberOf(product, single())

  test('A is A, and everybody else N, also without a number', () => {
    expect(meet(number, noLegs, 'index-a', now)).toMatchObject({ callerRole: 'A', peerSealed: 'b' })
    expect(meet(number, noLegs, 'index-n', now)).toMatchObject({ callerRole: 'N', peerSealed: 'a' })
    expect(meet(number, noLegs, undefined, now)).toMatchObject({ callerRole: 'N', peerSealed: 'a' })
  })
  test('B calls as everybody else and rings A', () => {
    expect(meet(number, noLegs, 'index-b', now)).toMatchObject({ callerRole: 'N', peerSealed: 'a' })
  })
  test('nobody is met where nobody is bound', () => {
    expect(meet(numberOf(product), noLegs, 'index-n', now)).toBeUndefined()
  })
})

test('on an AXG number everybody but A must be in the group', () => {
  const number = numberOf('AXG', single({ groupId: '2000000000001' }))
  expect(meet(number, noLegs, 'index-n', now)).toMatchObject({
    callerRole: 'G',
    groupId: '2000000000001',
  })
  expect(meet(number, noLegs, 'index-a', now)).toMatchObject({ callerRole: 'A' })
})

describe('on an AXN extension number', () => {
  const mine = leg({ bindingId: id('1'), peerSealed: 'b' })
  const extension = (given: Partial<SealedLeg> = {}) =>
    leg({ bindingId: id('2'), callerRole: 'N', peerSealed: 'a2', ...given })
  const met = (own: SealedLeg | undefined, dialled: SealedLeg | undefined) =>
    meet(numberOf('AXN_EXTENSION'), { own, dialled }, 'index', now)

  test('A needs no extension', () => {
    expect(met(mine, undefined)).toMatchObject({ binding: { bindingId: '1' }, callerRole: 'A' })
  })
  test('an extension leads to its own binding, whoever calls', () => {
    expect(met(undefined, extension())).toMatchObject({
      binding: { bindingId: '2' },
      callerRole: 'N',
    })
    expect(met(mine, extension())).toMatchObject({ binding: { bindingId: '2' }, callerRole: 'N' })
  })
  test('A who dials his own extension is A', () => {
    expect(met(mine, extension({ bindingId: id('1') }))).toMatchObject({ callerRole: 'A' })
  })
  test('without one, and without a binding, nobody is met', () => {
    expect(met(undefined, undefined)).toBeUndefined()
  })
  test('what has expired makes way for what has not', () => {
    const over = secondsAgo(1)
    expect(met(leg({ expiresAt: over }), extension())).toMatchObject({
      binding: { bindingId: '2' },
    })
    expect(met(mine, extension({ expiresAt: over }))).toMatchObject({ binding: { bindingId: '1' } })
    expect(met(leg({ expiresAt: over }), undefined)).toBeUndefined()
  })
})

test('a binding is told as expired for a minute, then as none, swept or not', () => {
  for (const product of ['AXB', 'AXN', 'AXG', 'AXN_EXTENSION'] as const) {
    const at = (expiresAt: Date) =>
      meet(
        numberOf(product, single({ expiresAt })),
        {
          own: product === 'AXB' ? leg({ expiresAt }) : undefined,
          dialled: leg({ expiresAt, callerRole: 'N' }),
        },
        'index-n',
        now,
      )
    expect(at(secondsAgo(59))?.binding.bindingId).toBe('1')
    expect(at(secondsAgo(60))).toBeUndefined()
  }
})

describe('what is held about a caller', () => {
  const number = numberOf('AXG', single({ groupId: '7' }))
  const pool = number.poolKey
  const other = 'FC100000000000009' as PoolKey
  const met = meet(number, noLegs, 'index-n', now)
  const indexOf = (sealed: string) => `index-${sealed}`
  const nothing = { groups: [], blockedBy: [], blockedFrom: [] }
  const standing = (held: Partial<Parameters<typeof standingOf>[0]>, lastCaller?: string) =>
    standingOf({ ...nothing, ...held }, { poolKey: pool, met, lastCaller }, indexOf)

  test('counts for this pool, this binding and these parties', () => {
    expect(standing({})).toEqual({
      isKnown: true,
      blockedByPool: false,
      blockedFromPeer: false,
      blockedFromLastCaller: false,
      inGroup: false,
    })
    expect(standing({ groups: ['6', '7'] }).inGroup).toBe(true)
    expect(standing({ groups: ['6'] }).inGroup).toBe(false)
    expect(standing({ blockedBy: [pool] }).blockedByPool).toBe(true)
    expect(standing({ blockedBy: [other] }).blockedByPool).toBe(false)
    expect(standing({ blockedFrom: [[pool, 'index-a']] }).blockedFromPeer).toBe(true)
    expect(standing({ blockedFrom: [[other, 'index-a']] }).blockedFromPeer).toBe(false)
    expect(standing({ blockedFrom: [[pool, 'index-l']] }, 'l')).toMatchObject({
      blockedFromPeer: false,
      blockedFromLastCaller: true,
    })
  })

  test('opens no number of anybody unless there is an entry in this pool', () => {
    const never = () => {
      throw new Error('opened')
    }
    const call = { poolKey: pool, met, lastCaller: 'l' }
    const held = { groups: ['7'], blockedBy: [pool], blockedFrom: [[other, 'index-a']] as const }
    expect(standingOf(held, call, never).blockedFromPeer).toBe(false)
  })
})
