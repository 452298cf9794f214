import { expect, test } from 'vitest'
import { createEventTime } from '../../../src/cdr/event-time.ts'

test('writes times as toISOString does, of every second more than once', () => {
  const written = createEventTime()
  const from = Date.parse('2026-12-31T23:59:58.999Z')
  const moments = Array.from({ length: 10_000 }, (_, at) => new Date(from + at * 997))
  const before1970 = [-1, -999, -1000, 0].map((ms) => new Date(ms))
  for (const moment of [...moments, ...moments, ...before1970]) {
    expect(written(moment)).toBe(moment.toISOString())
  }
})
