import { describe, expect, test } from 'vitest'
import { createAdmission } from '../../../src/sip/admission.ts'

function admission(given: { callsMax?: number; perSecond?: number } = {}) {
  const world = { nowMs: 0, live: 0, full: false }
  const made = createAdmission({
    callsMax: given.callsMax ?? 10,
    callsPerSecondMax: given.perSecond ?? 2,
    liveCalls: () => world.live,
    recordsFull: () => world.full,
    nowMs: () => world.nowMs,
  })
  return { world, made }
}

describe('admission', () => {
  test('lets a second’s calls in, then refuses, then lets in again', () => {
    const { world, made } = admission({ perSecond: 2 })
    expect([made.refusal(), made.refusal(), made.refusal()]).toEqual([
      undefined,
      undefined,
      'over-limit',
    ])
    world.nowMs = 500
    expect(made.refusal()).toBeUndefined()
  })

  test('refuses when as many calls are up as may be', () => {
    const { world, made } = admission({ callsMax: 3 })
    world.live = 3
    expect(made.refusal()).toBe('over-limit')
  })

  test('refuses when call records could not be kept', () => {
    const { world, made } = admission()
    world.full = true
    expect(made.refusal()).toBe('unrecordable')
    made.startDraining()
    expect(made.refusal()).toBe('unrecordable')
  })

  test('refuses everything once draining', () => {
    const { made } = admission()
    made.startDraining()
    expect(made.refusal()).toBe('draining')
  })

  test('a clock that goes back does not open the gate', () => {
    const { world, made } = admission({ perSecond: 1 })
    expect(made.refusal()).toBeUndefined()
    world.nowMs = -10_000
    expect(made.refusal()).toBe('over-limit')
  })
})
