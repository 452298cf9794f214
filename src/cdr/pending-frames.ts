import { type Frame, frameSpace, writeFrame } from './frames.ts'
import type { ReadMax } from './segments.ts'

/** Frames as they go to disk, back to back, in one write. */
export type FrameBatch = {
  readonly frames: readonly Frame[]
  /** Where in `bytes` each of them ends. */
  readonly ends: readonly number[]
  readonly bytes: Buffer
}

/** What waits for the disk, in the order in which it came. */
export type PendingFrames = {
  /** Laid out at once, so that a frame is written only once on our side. */
  push(frame: Frame): void
  /** The oldest, to which nothing is added any more. The same again until it is `done`. */
  first(): FrameBatch | undefined
  done(batch: FrameBatch): void
  bytes(): number
  count(): number
}

type Growing = { readonly frames: Frame[]; readonly ends: number[]; room: Buffer }

const roomBytesMin = 4_096

/** `batchBytesMax`: of one batch, unless a single frame is longer. */
export function createPendingFrames(batchBytesMax: number): PendingFrames {
  const whole: FrameBatch[] = []
  let last: Growing | undefined
  let bytes = 0
  let count = 0

  function close(): void {
    if (last === undefined) return
    const { frames, ends, room } = last
    whole.push({ frames, ends, bytes: room.subarray(0, ends.at(-1) ?? 0) })
    last = undefined
  }

  /** With room for so many bytes more. */
  function growing(space: number): Growing {
    const used = last?.ends.at(-1) ?? 0
    if (used + space > batchBytesMax) close()
    last ??= { frames: [], ends: [], room: Buffer.allocUnsafeSlow(Math.max(space, roomBytesMin)) }
    const needed = (last.ends.at(-1) ?? 0) + space
    if (needed > last.room.length) {
      const room = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(2 * last.room.length, batchBytesMax)),
      )
      last.room.copy(room)
      last.room = room
    }
    return last
  }

  return {
    push(frame) {
      const { frames, ends, room } = growing(frameSpace(frame))
      const at = ends.at(-1) ?? 0
      const end = writeFrame(frame, room, at)
      frames.push(frame)
      ends.push(end)
      bytes += end - at
      count += 1
    },
    first() {
      if (whole.length === 0) close()
      return whole[0]
    },
    done(batch) {
      if (whole[0] !== batch) throw new Error('only the first batch can be done')
      whole.shift()
      bytes -= batch.bytes.length
      count -= batch.frames.length
    },
    bytes: () => bytes,
    count: () => count,
  }
}

/** A batch in pieces of no more than `max`, unless a single frame is. */
export function piecesOf(batch: FrameBatch, max: ReadMax) {
  const pieces: { readonly bytes: Buffer; readonly end: number; readonly count: number }[] = []
  const { ends } = batch
  let from = 0
  for (let first = 0; first < ends.length; ) {
    let next = first + 1
    while (
      next < ends.length &&
      next - first < max.frames &&
      (ends[next] ?? 0) - from <= max.bytes
    ) {
      next += 1
    }
    const end = ends[next - 1] ?? from
    pieces.push({ bytes: batch.bytes.subarray(from, end), end, count: next - first })
    first = next
    from = end
  }
  return pieces
}
