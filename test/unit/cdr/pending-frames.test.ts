import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, type Frame } from '../../../src/cdr/frames.ts'
import { createPendingFrames, type FrameBatch, piecesOf } from '../../../src/cdr/pending-frames.ts'

const batchBytesMax = 6_000
const frame = fc.record({
  kind: fc.constant<Frame['kind']>('event'),
  id: fc.uuid(),
  json: fc.oneof(fc.json({ maxDepth: 1 }), fc.string({ unit: 'binary', maxLength: 2_500 })),
})
const frames = fc.array(frame, { maxLength: 20 })
const layOut = (each: readonly Frame[]) => Buffer.concat(each.map(encodeFrame))

describe('frames that wait for the disk', () => {
  test('come out as they came in, in bounded batches, whatever is pushed while one is written', () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 6 }), (pushes) => {
        const pending = createPendingFrames(batchBytesMax)
        const written: FrameBatch[] = []
        let underWay: FrameBatch | undefined
        const write = () => {
          // The same again after a failure, with nothing added.
          expect(pending.first()).toBe(underWay ?? pending.first())
          if (underWay === undefined) return
          written.push(underWay)
          pending.done(underWay)
        }
        for (const push of pushes) {
          for (const each of push) pending.push(each)
          write()
          underWay = pending.first()
        }
        while (underWay !== undefined) {
          write()
          underWay = pending.first()
        }
        expect(written.flatMap((batch) => batch.frames)).toEqual(pushes.flat())
        expect(Buffer.concat(written.map((batch) => batch.bytes))).toEqual(layOut(pushes.flat()))
        for (const { frames: some, bytes, ends } of written) {
          expect(bytes).toEqual(layOut(some))
          expect(ends.at(-1)).toBe(bytes.length)
          expect(bytes.length <= batchBytesMax || some.length === 1).toBe(true)
        }
        expect([pending.bytes(), pending.count()]).toEqual([0, 0])
      }),
    )
  })

  test('are counted until they are on disk', () => {
    const pending = createPendingFrames(batchBytesMax)
    const one: Frame = { kind: 'event', id: 'a:start', json: '{"city":"杭州"}' }
    const { length } = encodeFrame(one)
    pending.push(one)
    const batch = pending.first()
    pending.push(one)
    expect([pending.bytes(), pending.count()]).toEqual([2 * length, 2])
    if (batch === undefined) throw new Error('a frame waits')
    pending.done(batch)
    expect([pending.bytes(), pending.count()]).toEqual([length, 1])
    expect(() => pending.done(batch)).toThrow('only the first')
  })
})

describe('a batch in pieces', () => {
  test('has each frame once, in order, and no more in a piece than asked for', () => {
    const max = fc.record({ frames: fc.integer({ min: 1, max: 9 }), bytes: fc.nat({ max: 3_000 }) })
    fc.assert(
      fc.property(frames, max, (some, limits) => {
        const pending = createPendingFrames(1_000_000)
        for (const each of some) pending.push(each)
        const batch = pending.first()
        const pieces = batch === undefined ? [] : piecesOf(batch, limits)
        let next = 0
        let end = 0
        for (const piece of pieces) {
          const own = some.slice(next, next + piece.count)
          expect(piece.bytes).toEqual(layOut(own))
          end += piece.bytes.length
          expect(piece.end).toBe(end)
          expect(own.length).toBeLessThanOrEqual(limits.frames)
          expect(piece.bytes.length <= limits.bytes || own.length === 1).toBe(true)
          next += piece.count
        }
        expect(next).toBe(some.length)
      }),
    )
  })
})
