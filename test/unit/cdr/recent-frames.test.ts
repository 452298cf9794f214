import { describe, expect, test } from 'vitest'
import { encodeFrame, readFrames } from '../../../src/cdr/frames.ts'
import { createRecentFrames } from '../../../src/cdr/recent-frames.ts'

const at = (offset: number, segment = 1) => ({ segment, offset })
const framesOf = (ids: readonly string[]) =>
  Buffer.concat(ids.map((id) => encodeFrame({ kind: 'event', id, json: '{}' })))
const frameBytes = framesOf(['a']).length
const idsIn = (events: Buffer | undefined) =>
  events === undefined ? undefined : readFrames(events).frames.map(({ id }) => id)

function recentOf(framesKept = 100) {
  const recent = createRecentFrames(framesKept * frameBytes)
  const write = (from: number, next: number, ...ids: string[]) =>
    recent.add({ from: at(from), next: at(next), events: framesOf(ids), count: ids.length })
  const readFrom = (offset: number, { frames = 100, bytes = 10_000 } = {}, segment = 1) =>
    recent.readFrom(at(offset, segment), { frames, bytes })
  const idsFrom = (offset: number, max?: { frames?: number; bytes?: number }) =>
    idsIn(readFrom(offset, max)?.events)
  return { recent, write, readFrom, idsFrom }
}

describe('what was just written', () => {
  test('is read from where the reader stands, several writes at once', () => {
    const { write, readFrom } = recentOf()
    write(0, 10, 'a')
    write(10, 30, 'b', 'c')
    expect(readFrom(0)).toEqual({
      events: framesOf(['a', 'b', 'c']),
      count: 3,
      next: at(30),
      damagedBytes: 0,
    })
  })

  test('is read again by a reader that could not make use of it', () => {
    const { write, idsFrom } = recentOf()
    write(0, 10, 'a')
    expect(idsFrom(0)).toEqual(['a'])
    expect(idsFrom(0)).toEqual(['a'])
  })

  test('is forgotten once the reader is beyond it', () => {
    const { write, idsFrom } = recentOf()
    write(0, 10, 'a')
    write(10, 20, 'b')
    expect(idsFrom(10)).toEqual(['b'])
    expect(idsFrom(0)).toBeUndefined()
  })

  test('is not there for a reader that stands within a write, behind the last, or in another segment', () => {
    const { write, readFrom, idsFrom } = recentOf()
    write(0, 20, 'a', 'b')
    expect(idsFrom(10)).toBeUndefined()
    expect(idsFrom(20)).toBeUndefined()
    expect(readFrom(0, {}, 2)).toBeUndefined()
  })

  test('gives no more than asked for: a write that is larger is read from disk', () => {
    const { write, idsFrom } = recentOf()
    write(0, 10, 'a')
    write(10, 30, 'b', 'c')
    expect(idsFrom(0, { frames: 2 })).toEqual(['a'])
    expect(idsFrom(0, { bytes: 3 * frameBytes - 1 })).toEqual(['a'])
    expect(idsFrom(10, { frames: 1 })).toBeUndefined()
    expect(idsFrom(10, { bytes: 2 * frameBytes - 1 })).toBeUndefined()
  })

  test('takes no more memory than it may: the oldest goes', () => {
    const { write, idsFrom } = recentOf(2)
    write(0, 10, 'a')
    write(10, 20, 'b')
    write(20, 30, 'c')
    expect(idsFrom(0)).toBeUndefined()
    expect(idsFrom(10)).toEqual(['b', 'c'])
  })

  test('stops where a new segment begins', () => {
    const { recent, write, readFrom } = recentOf()
    write(0, 10, 'a')
    recent.add({ from: at(0, 2), next: at(10, 2), events: framesOf(['b']), count: 1 })
    expect(readFrom(0)?.next).toEqual(at(10))
    expect(idsIn(readFrom(0, {}, 2)?.events)).toEqual(['b'])
  })
})
