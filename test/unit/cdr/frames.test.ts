import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, type Frame, readEvents, readFrames } from '../../../src/cdr/frames.ts'

const frame = fc.record({
  kind: fc.constantFrom<Frame['kind'][]>('event', 'open'),
  id: fc.tuple(fc.uuid(), fc.constantFrom('start', 'end')).map((parts) => parts.join(':')),
  json: fc.json({ maxDepth: 2 }),
})
const journal = fc.array(frame, { minLength: 1, maxLength: 12 })

function layOut(frames: readonly Frame[]) {
  const pieces = frames.map(encodeFrame)
  let at = 0
  const ends = pieces.map((piece) => {
    at += piece.length
    return at
  })
  return { bytes: Buffer.concat(pieces), ends }
}

describe('the frames of the journal', () => {
  test('what was written is read again', () => {
    fc.assert(
      fc.property(journal, (frames) => {
        const { bytes } = layOut(frames)
        expect(readFrames(bytes)).toEqual({ frames, end: bytes.length, damagedBytes: 0 })
      }),
    )
  })

  test('a torn tail loses the last frame and nothing else', () => {
    fc.assert(
      fc.property(journal, fc.nat(), (frames, cut) => {
        const { bytes, ends } = layOut(frames)
        const length = cut % bytes.length
        const whole = ends.filter((end) => end <= length)
        expect(readFrames(bytes.subarray(0, length))).toEqual({
          frames: frames.slice(0, whole.length),
          end: whole.at(-1) ?? 0,
          damagedBytes: 0,
        })
      }),
    )
  })

  test('a changed byte costs the frame it is in, at most', () => {
    fc.assert(
      fc.property(journal, fc.nat(), fc.integer({ min: 1, max: 255 }), (frames, at, change) => {
        const { bytes, ends } = layOut(frames)
        const place = at % bytes.length
        bytes[place] = (bytes[place] ?? 0) ^ change
        const hit = ends.findIndex((end) => place < end)
        const others = frames.filter((_, index) => index !== hit)
        const found = readFrames(bytes).frames
        expect(found.filter((each) => frames.some((one) => same(one, each)))).toEqual(found)
        expect(others.every((one) => found.some((each) => same(one, each)))).toBe(true)
      }),
    )
  })

  test('whatever is written over it, what stands before is read and nothing is made up', () => {
    const damage = fc.uint8Array({ minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(journal, fc.nat(), damage, (frames, at, garbage) => {
        const { bytes, ends } = layOut(frames)
        const place = at % bytes.length
        bytes.set(garbage.subarray(0, bytes.length - place), place)
        const before = frames.slice(0, ends.filter((end) => end <= place).length)
        const found = readFrames(bytes).frames
        expect(found.slice(0, before.length)).toEqual(before)
        expect(found.every((each) => frames.some((one) => same(one, each)))).toBe(true)
      }),
    )
  })

  test('events alone are read as they stand there, whatever stands between them', () => {
    const damage = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(journal, fc.nat(), damage, fc.nat({ max: 12 }), (frames, at, garbage, max) => {
        const { bytes } = layOut(frames)
        const place = at % bytes.length
        bytes.set(garbage.subarray(0, bytes.length - place), place)
        const whole = readFrames(bytes, max)
        const events = whole.frames.filter(({ kind }) => kind === 'event')
        const { bytes: found, ...walked } = readEvents(bytes, max)
        expect(walked).toEqual({
          count: events.length,
          end: whole.end,
          damagedBytes: whole.damagedBytes,
        })
        // Not byte by byte: what is in the place of the last line feed does not matter.
        expect(readFrames(found)).toEqual({ frames: events, end: found.length, damagedBytes: 0 })
      }),
    )
  })

  test('bytes that were never a journal give nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(readFrames(Buffer.from(bytes)).frames).toEqual([])
      }),
    )
  })
})

const same = (a: Frame, b: Frame) => a.kind === b.kind && a.id === b.id && a.json === b.json
