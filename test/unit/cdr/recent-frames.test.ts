import { describe, expect, test } from 'vitest'
import type { Frame } from '../../../src/cdr/frames.ts'
import { createRecentFrames } from '../../../src/cdr/recent-frames.ts'

const at = (offset: number, segment = 1) => ({ segment, offset })
const frame = (id: string): Frame => ({ kind: 'event', id, json: '{}' })

function recentOf(bytesMax = 1_000) {
  const recent = createRecentFrames(bytesMax)
  const write = (from: number, next: number, ...ids: string[]) =>
    recent.add({ from: at(from), next: at(next), frames: ids.map(frame), bytes: next - from })
  const idsFrom = (offset: number, framesMax = 100) =>
    recent.readFrom(at(offset), framesMax)?.frames.map(({ id }) => id)
  return { recent, write, idsFrom }
}

describe('what was just written', () => {
  test('is read from where the reader stands, several writes at once', () => {
    const { recent, write } = recentOf()
    write(0, 10, 'a')
    write(10, 30, 'b', 'c')
    expect(recent.readFrom(at(0), 100)).toEqual({
      frames: ['a', 'b', 'c'].map(frame),
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
    const { recent, write, idsFrom } = recentOf()
    write(0, 20, 'a', 'b')
    expect(idsFrom(10)).toBeUndefined()
    expect(idsFrom(20)).toBeUndefined()
    expect(recent.readFrom(at(0, 2), 100)).toBeUndefined()
  })

  test('gives no more frames than asked for: a write that is larger is read from disk', () => {
    const { write, idsFrom } = recentOf()
    write(0, 10, 'a')
    write(10, 30, 'b', 'c')
    expect(idsFrom(0, 2)).toEqual(['a'])
    expect(idsFrom(10, 1)).toBeUndefined()
  })

  test('takes no more memory than it may: the oldest goes', () => {
    const { write, idsFrom } = recentOf(25)
    write(0, 10, 'a')
    write(10, 20, 'b')
    write(20, 30, 'c')
    expect(idsFrom(0)).toBeUndefined()
    expect(idsFrom(10)).toEqual(['b', 'c'])
  })

  test('stops where a new segment begins', () => {
    const { recent, write } = recentOf()
    write(0, 10, 'a')
    recent.add({ from: at(0, 2), next: at(10, 2), frames: [frame('b')], bytes: 10 })
    expect(recent.readFrom(at(0), 100)?.next).toEqual(at(10))
    expect(recent.readFrom(at(0, 2), 100)?.frames).toEqual([frame('b')])
  })
})
