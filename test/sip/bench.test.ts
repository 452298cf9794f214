import { describe, expect, test } from 'vitest'
import { benchBindings } from '../../scripts/bench-bindings.ts'
import { benchEvents } from '../../scripts/bench-events.ts'
import { benchRpc } from '../../scripts/bench-rpc.ts'

/** That the bench still measures what it says, with sizes that say nothing about speed. */
describe('scripts/bench bindings', () => {
  test('binds and unbinds on both sides, looks up in every size, and counts the bytes', async () => {
    const said: string[] = []
    const { comparisons, facts } = await benchBindings({
      ...{ rounds: 1, count: 20, numbers: 10, sizes: [30, 100], measuredMs: 50 },
      say: (line) => void said.push(line),
    })
    expect(comparisons.map(({ name }) => name)).toEqual([
      'a bind',
      'an unbind',
      'a lookup of 100, not 30',
    ])
    for (const { ours, bare, ratio } of comparisons) {
      expect([ours.length, bare.length]).toEqual([3, 3])
      expect(Math.min(...ours, ...bare)).toBeGreaterThan(0)
      expect(ratio).toBeGreaterThan(0)
    }
    // Two sizes of AXB, then what one binding of each product takes: Redis, rows, indexes.
    expect(facts).toHaveLength(2 + 3 * 4)
    for (const { value } of facts) expect(value).toBeGreaterThan(0)
    expect(said.filter((line) => line.startsWith('round'))).toHaveLength(6)
  })
})

describe('scripts/bench events', () => {
  test('brings events on each way on both sides, and waits for pushes', async () => {
    const said: string[] = []
    const { comparisons, facts } = await benchEvents({
      ...{ rounds: 1, calls: 50, up: 10, delayCalls: 5 },
      say: (line) => void said.push(line),
    })
    expect(comparisons.map(({ name }) => name)).toEqual([
      'an event, journal to stream : an XADD',
      'an event, append to stream : an XADD',
      'an event to the records : a row copied',
    ])
    for (const { ours, bare, ratio } of comparisons) {
      expect([ours.length, bare.length]).toEqual([3, 3])
      expect(Math.min(...ours, ...bare)).toBeGreaterThan(0)
      expect(ratio).toBeGreaterThan(0)
    }
    expect(facts).toHaveLength(4)
    for (const { value } of facts) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThan(60_000)
    }
    expect(said).toHaveLength(8)
  })
})

describe('scripts/bench rpc', () => {
  test('binds and asks in both ways', async () => {
    const said: string[] = []
    const say = (line: string) => void said.push(line)
    const comparisons = await benchRpc({ rounds: 2, count: 20, say })
    expect(comparisons.map(({ name }) => name)).toEqual([
      'BindAxb, against /v1',
      'QuerySubscriptionDetail',
    ])
    for (const { ours, bare } of comparisons) {
      expect([ours.length, bare.length]).toEqual([2, 2])
      expect(Math.min(...ours, ...bare)).toBeGreaterThan(0)
    }
    expect(said).toHaveLength(2)
  })
})
