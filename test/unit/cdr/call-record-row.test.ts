import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldRows, mergeRows, rowOf } from '../../../src/cdr/call-record-row.ts'
import {
  createEventSealer,
  endOfLostCall,
  parseStoredEvent,
  type StoredEvent,
} from '../../../src/cdr/stored-event.ts'
import type { CallId } from '../../../src/domain/ids.ts'
import { aCall, aVault } from '../../support/call-events.ts'

const seal = createEventSealer(aVault())

function storedCall(callId = 'one'): readonly StoredEvent[] {
  return aCall({ callId: callId as CallId }).map((event) => {
    const parsed = parseStoredEvent(seal(event))
    if (parsed.kind === 'poison') throw new Error(parsed.reason)
    return parsed.event
  })
}

const call = storedCall()
const [start, ring, answer, end] = call
if (!start || !ring || !answer || !end) throw new Error('a call has these')
const lostAt = (seconds: number, last: StoredEvent) =>
  endOfLostCall(last, new Date(Date.parse(start.callTime) + seconds * 1000))

describe('the row of a call', () => {
  test('is the same in whatever order its events come, and how often', () => {
    const rows = [start, ring, answer, end, lostAt(5, answer), lostAt(8, ring)].map(rowOf)
    const whole = foldRows(rows)
    const order = fc.shuffledSubarray([...rows, ...rows], { minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(order, (shuffled) => {
        expect(foldRows(shuffled)).toEqual(whole)
      }),
    )
    expect(whole).toHaveLength(1)
  })

  test('has the facts of the end, and both events', () => {
    expect(foldRows([rowOf(end), rowOf(start)])).toEqual([
      { ...rowOf(end), start_event_id: 'one:start' },
    ])
  })

  test('believes the own end of a router that was taken for lost', () => {
    for (const pair of [
      [lostAt(5, answer), end],
      [end, lostAt(5, answer)],
    ] as const) {
      const [row] = foldRows(pair.map(rowOf))
      expect(row).toMatchObject({ release_reason: 'normal', release_time: end.releaseTime })
    }
  })

  test('of a lost call takes in an answer that turns up late, and does not end before it', () => {
    const row = mergeRows(rowOf(lostAt(1, ring)), rowOf(answer))
    expect(row).toMatchObject({
      release_reason: 'router-lost',
      start_time: answer.startTime,
      release_time: answer.startTime,
    })
  })

  test('of a call that was closed twice ends at the later of the two', () => {
    const rows = [lostAt(9, answer), lostAt(6, answer)].map(rowOf)
    for (const pair of [rows, [...rows].reverse()]) {
      expect(foldRows(pair)[0]?.release_time).toBe('2026-11-24T02:00:09.000Z')
    }
  })

  test('is one per call, in one order', () => {
    const [other] = storedCall('another')
    if (!other) throw new Error('a call has a start')
    expect(foldRows([start, other, end].map(rowOf)).map((row) => row.call_id)).toEqual([
      'another',
      'one',
    ])
  })
})
