import type { Frame } from './frames.ts'
import type { Position, Reading } from './segments.ts'

/** What one write brought to disk: everything between two places in the journal. */
type Written = {
  readonly from: Position
  readonly next: Position
  readonly frames: readonly Frame[]
  readonly bytes: number
}

/** What was written last, so that a publisher that keeps up need not read it back from disk. */
export type RecentFrames = {
  add(written: Written): void
  /** Undefined when what begins at `from` is not here (any more): then the disk has it. */
  readFrom(from: Position, framesMax: number): Reading | undefined
}

export function createRecentFrames(bytesMax: number): RecentFrames {
  const kept: Written[] = []
  let bytes = 0

  function dropFirst(): void {
    bytes -= kept.shift()?.bytes ?? 0
  }

  return {
    add(written) {
      kept.push(written)
      bytes += written.bytes
      while (bytes > bytesMax) dropFirst()
    },
    readFrom(from, framesMax) {
      const at = kept.findIndex((each) => isSame(each.from, from))
      if (at < 0) return undefined
      // What begins at `from` stays: it is asked for again when Redis did not take it.
      for (let count = 0; count < at; count++) dropFirst()
      const frames: Frame[] = []
      let next = from
      for (const each of kept) {
        const isTooMuch = frames.length + each.frames.length > framesMax
        if (!isSame(each.from, next) || isTooMuch) break
        frames.push(...each.frames)
        next = each.next
      }
      return isSame(next, from) ? undefined : { frames, next, damagedBytes: 0 }
    },
  }
}

const isSame = (a: Position, b: Position) => a.segment === b.segment && a.offset === b.offset
