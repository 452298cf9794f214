import { describe, expect, test } from 'vitest'
import { createLevel, createSteady } from '../../../src/alarms/steady.ts'

describe('a part that is up or down', () => {
  const times = { illAfterMs: 10_000, wellAfterMs: 15_000 }

  /** What is made of it at each moment, in seconds. */
  const seen = (moments: readonly (readonly [number, boolean])[]) => {
    const steady = createSteady(times)
    return moments.map(([second, isUp]) => steady.see(isUp, second * 1000))
  }

  test('is ill only once it has been down for a while, and well only once it has been up for one', () => {
    expect(
      seen([
        ...([
          [0, true],
          [15, true],
          [16, false],
          [25.9, false],
          [26, false],
        ] as const),
        ...([
          [27, true],
          [41.9, true],
          [42, true],
        ] as const),
      ]),
    ).toEqual(['unknown', 'well', 'well', 'well', 'ill', 'ill', 'ill', 'well'])
  })

  test('that comes and goes stays what it was', () => {
    const flapping = [
      [20, false],
      [29, true],
      [30, false],
      [39, true],
      [40, false],
      [49, false],
    ] as const
    expect(seen([[0, true], [15, true], ...flapping])).toEqual([
      'unknown',
      ...Array(7).fill('well'),
    ])
    expect(
      seen([
        [0, false],
        [10, false],
        [11, true],
        [20, false],
        [21, true],
      ]),
    ).toEqual(['unknown', ...Array(4).fill('ill')])
  })

  test('nobody can say how a part is that has only just been looked at', () => {
    expect(seen([[0, false]])).toEqual(['unknown'])
    expect(seen([[0, true]])).toEqual(['unknown'])
  })
})

test('a level between the two bounds stays what it was, and at first says nothing', () => {
  const level = createLevel({ illFrom: 70, wellBelow: 60 })
  expect([65, 59, 69, 70, 65, 60, 59.9, 100].map((each) => level.see(each))).toEqual([
    ...['unknown', 'well', 'well', 'ill', 'ill', 'ill', 'well', 'ill'],
  ])
})
