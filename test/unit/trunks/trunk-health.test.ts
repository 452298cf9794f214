import { beforeEach, describe, expect, test } from 'vitest'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { createTrunkHealth, type TrunkHealth } from '../../../src/trunks/trunk-health.ts'
import { trunkId } from '../../support/builders.ts'

const aTrunk = (given: Partial<Trunk> = {}): Trunk => ({
  ...{ id: trunkId('carrier'), host: '192.0.2.1', port: 5060, transport: 'udp', addresses: [] },
  ...{ priority: 1, numberFormat: 'e164-plus', trustsIdentity: false, enabled: true },
  ...{ optionsSeconds: 30, ...given },
})

let nowMs: number
let health: TrunkHealth
const trunk = aTrunk()
const state = (of = trunk) => health.stateOf(of).health
const ping = (...answers: readonly boolean[]) => {
  for (const answered of answers) health.onPing(trunk, answered)
}
const call = (works: boolean, times = 1, of = trunk) => {
  for (let at = 0; at < times; at += 1) health.onCall(of, works)
}

beforeEach(() => {
  nowMs = 0
  health = createTrunkHealth({ nowMs: () => nowMs })
})

describe('by OPTIONS', () => {
  test('a trunk is down after three silences in a row, and there again after two answers', () => {
    expect(state()).toBe('unknown')
    ping(true)
    expect(state()).toBe('well')
    ping(false, false, true, false, false)
    expect(health.isLast(trunk)).toBe(false)
    ping(false)
    expect(health.stateOf(trunk)).toEqual({
      health: 'ill',
      detail: '192.0.2.1:5060 does not answer OPTIONS.',
    })
    ping(true)
    expect(state()).toBe('ill')
    ping(true)
    expect(state()).toBe('well')
  })

  test('one that has never answered is an alarm, but is not tried last', () => {
    ping(false, false)
    expect(state()).toBe('unknown')
    ping(false)
    expect(state()).toBe('ill')
    expect(health.isLast(trunk)).toBe(false)
  })

  test('one that answered before is tried last while it is silent', () => {
    ping(true, false, false, false)
    expect(health.isLast(trunk)).toBe(true)
    ping(true, true)
    expect(health.isLast(trunk)).toBe(false)
  })

  test('what carries calls is there, whether it answers or not', () => {
    ping(false, false, false)
    call(true)
    expect(state()).toBe('well')
    expect(health.isLast(trunk)).toBe(false)
  })

  test('silence says nothing of a trunk that is not asked any more', () => {
    ping(true, false, false, false)
    const quiet = aTrunk({ optionsSeconds: 0 })
    expect(state(quiet)).not.toBe('ill')
    expect(health.isLast(quiet)).toBe(false)
  })
})

describe('by its calls', () => {
  test('five that fail in a row are an alarm, also when OPTIONS are answered; one that works ends it', () => {
    ping(true, true)
    call(false, 4)
    expect(state()).toBe('well')
    call(false)
    expect(health.stateOf(trunk)).toEqual({
      health: 'ill',
      detail: '5 calls in a row failed at 192.0.2.1:5060.',
    })
    ping(true, true)
    expect(state()).toBe('ill')
    call(true)
    expect(state()).toBe('well')
  })

  test('failures are forgotten after ten minutes without another', () => {
    const quiet = aTrunk({ optionsSeconds: 0 })
    call(false, 5, quiet)
    expect(state(quiet)).toBe('ill')
    nowMs = 599_999
    expect(state(quiet)).toBe('ill')
    nowMs = 600_000
    expect(state(quiet)).toBe('well')
  })

  test('of a trunk that is not asked nothing is known for ten minutes, or until a call works', () => {
    const quiet = aTrunk({ optionsSeconds: 0 })
    expect(state(quiet)).toBe('unknown')
    nowMs = 600_000
    expect(state(quiet)).toBe('well')
    const other = aTrunk({ optionsSeconds: 0, id: trunkId('other') })
    call(true, 1, other)
    expect(state(other)).toBe('well')
  })
})

test('a trunk of the same name at another place is another trunk', () => {
  ping(true, false, false, false)
  expect(state()).toBe('ill')
  expect(state(aTrunk({ port: 5070 }))).toBe('unknown')
})
