import type { Position, Reading, ReadMax } from './segments.ts'

/** What was brought to disk between two places in the journal: frames of events, as they are there. */
type Written = {
  readonly from: Position
  readonly next: Position
  readonly events: Buffer
  readonly count: number
}

/** What was written last, so that a publisher that keeps up need not read it back from disk. */
export type RecentFrames = {
  add(written: Written): void
  /** Undefined when what begins at `from` is not here (any more): then the disk has it. */
  readFrom(from: Position, max: ReadMax): Reading | undefined
}

export function createRecentFrames(bytesMax: number): RecentFrames {
  const kept: Written[] = []
  let bytes = 0

  function dropFirst(): void {
    bytes -= kept.shift()?.events.length ?? 0
  }

  return {
    add(written) {
      kept.push(written)
      bytes += written.events.length
      while (bytes > bytesMax) dropFirst()
    },
    readFrom(from, max) {
      const at = kept.findIndex((each) => isSame(each.from, from))
      if (at < 0) return undefined
      // What begins at `from` stays: it is asked for again when Redis did not take it.
      for (let dropped = 0; dropped < at; dropped++) dropFirst()
      const pieces: Buffer[] = []
      let length = 0
      let count = 0
      let next = from
      for (const each of kept) {
        length += each.events.length
        const isTooMuch = count + each.count > max.frames || length > max.bytes
        if (!isSame(each.from, next) || isTooMuch) break
        pieces.push(each.events)
        count += each.count
        next = each.next
      }
      const [first, ...more] = pieces
      if (first === undefined) return undefined
      const events = more.length === 0 ? first : Buffer.concat([first, ...more])
      return { events, count, next, damagedBytes: 0 }
    },
  }
}

const isSame = (a: Position, b: Position) => a.segment === b.segment && a.offset === b.offset
