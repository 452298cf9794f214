import { describe, expect, test } from 'vitest'
import { benchBindings } from '../../scripts/bench-bindings.ts'

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
