import type { Logger } from '../platform/logger.ts'
import type { DiskReserve } from './disk-reserve.ts'
import { encodeFrame, type Frame } from './frames.ts'
import type { JournalLimits } from './journal-limits.ts'
import type { OpenCalls } from './open-calls.ts'
import { pause } from './pause.ts'
import { createPendingFrames, type FrameBatch, piecesOf } from './pending-frames.ts'
import type { RecentFrames } from './recent-frames.ts'
import { createSegmentFile, type SegmentFile } from './segment-file.ts'
import type { Position, ReadMax } from './segments.ts'

export type SegmentWriter = {
  /** Takes the frame and returns at once. */
  push(frame: Frame): void
  /** Up to where the journal is on disk for good. */
  durableEnd(): Position
  pendingBytes(): number
  pendingFrames(): number
  /** The disk does not take what we write. */
  isFailing(): boolean
  /** Resolves when what was pushed before is on disk. Does not wait for more to gather. */
  flushed(): Promise<void>
  /** Writes what is pending, as far as the disk lets it within `msMax`. */
  close(msMax: number): Promise<void>
}

type WriterDeps = {
  readonly dir: string
  /** The first one to write; must not exist. */
  readonly segment: number
  readonly limits: JournalLimits
  /** Bytes per segment; kept up to date here. */
  readonly sizes: Map<number, number>
  readonly openCalls: OpenCalls
  readonly recent: RecentFrames
  readonly reserve: DiskReserve
  /** What the publisher takes at once. */
  readonly readMax: ReadMax
  readonly log: Logger
  onDurable(): void
  onFailure(): void
}

/** One write and one sync for at most this much, so that in a backlog the first does not wait for the last. */
const batchBytesMax = 1_048_576
/**
 * What comes within this time goes out in one write: at ten calls a second that more than halves the writes,
 * and with them what goes to Redis. It is also what a kill -9 can take.
 */
const gatherMs = 40
/** So much is worth a write of its own. */
const gatherBytesMax = 65_536

export function createSegmentWriter(deps: WriterDeps): SegmentWriter {
  const { dir, sizes, openCalls, recent, readMax, limits, log } = deps
  const file = createSegmentFile(deps)
  const disk = createPersistence({ ...deps, file })
  const pending = createPendingFrames(batchBytesMax)
  let running: Promise<void> | undefined
  const gathering = createGathering()
  let isUrgent = false

  async function writeBatch(): Promise<boolean> {
    const isOld = file.ageMs() > limits.segmentMs && file.end().offset > 0
    if (isOld || file.end().offset >= limits.segmentBytes) await file.next()
    // Each segment begins with the calls that are open, so that those before it can be removed
    // however long a call lasts.
    const head = file.end().offset === 0 ? openCalls.frames().map(encodeFrame) : []
    const batch = pending.first()
    if (batch === undefined) return true
    const { bytes, frames } = batch
    const from = file.end()
    if (!(await disk.append(head.length === 0 ? bytes : Buffer.concat([...head, bytes]))))
      return false
    pending.done(batch)
    for (const frame of frames) openCalls.apply(frame)
    remember(recent, batch, { from, end: file.end(), readMax })
    sizes.set(file.end().segment, file.end().offset)
    deps.onDurable()
    return true
  }

  async function writePending(): Promise<void> {
    try {
      do await gathering.over(isUrgent || pending.bytes() > gatherBytesMax)
      while ((await writeBatch()) && pending.count() > 0)
    } catch (err) {
      log.error({ err, dir }, 'call journal writer failed')
    } finally {
      // In the same turn in which nothing was pending, so that no push falls between.
      running = undefined
      isUrgent = false
    }
  }

  function run(): void {
    if (pending.count() > 0) running ??= writePending()
  }

  async function runAtOnce(): Promise<void> {
    run()
    isUrgent = running !== undefined
    gathering.end()
    await running
  }

  return {
    push(frame) {
      pending.push(frame)
      run()
      if (pending.bytes() > gatherBytesMax) gathering.end()
    },
    durableEnd: () => file.end(),
    pendingBytes: () => pending.bytes(),
    pendingFrames: () => pending.count(),
    isFailing: () => disk.isFailing(),
    async flushed() {
      while (pending.count() > 0) await runAtOnce()
    },
    async close(msMax) {
      disk.giveUpAfter(msMax)
      await runAtOnce()
      await file.close()
    },
  }
}

/** The time in which more may come that goes out with what is there. */
function createGathering() {
  let end: () => void = () => undefined
  return {
    end: () => end(),
    /** At the least until the next turn of the event loop, for what is pushed in this one. */
    over: (atOnce: boolean): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, gatherMs)
        end = () => {
          clearTimeout(timer)
          setImmediate(resolve)
        }
        if (atOnce) end()
      }),
  }
}

const retryMsMin = 20
const retryMsMax = 1_000

/** Writes until the disk has taken it, with the reserve's help when it is full. */
function createPersistence(deps: {
  readonly dir: string
  readonly file: SegmentFile
  readonly reserve: DiskReserve
  readonly log: Logger
  onFailure(): void
}) {
  const { dir, file, reserve, log } = deps
  let failing = false
  let deadlineMs = Number.POSITIVE_INFINITY

  async function attempt(bytes: Buffer): Promise<'written' | 'failed' | 'again'> {
    try {
      await file.append(bytes)
      if (failing) log.info({ dir }, 'call journal is being written again')
      failing = false
      return 'written'
    } catch (err) {
      if (!failing) log.error({ err, dir }, 'call journal cannot be written: no new calls')
      failing = true
      deps.onFailure()
      const relieved = isDiskFull(err) && (await reserve.giveUp().catch(() => false))
      return relieved ? 'again' : 'failed'
    }
  }

  return {
    isFailing: () => failing,
    giveUpAfter(msMax: number): void {
      deadlineMs = Date.now() + msMax
    },
    /** False when the time to give up has come. */
    async append(bytes: Buffer): Promise<boolean> {
      let retryMs = retryMsMin
      for (;;) {
        const outcome = await attempt(bytes)
        if (outcome === 'written') return true
        if (outcome === 'again') continue
        if (Date.now() + retryMs > deadlineMs) return false
        await pause(retryMs)
        retryMs = Math.min(2 * retryMs, retryMsMax)
      }
    },
  }
}

/** For the publisher, in pieces of which it takes one at a time. What stands at the head of a segment is not in them. */
function remember(
  recent: RecentFrames,
  batch: FrameBatch,
  of: { from: Position; end: Position; readMax: ReadMax },
): void {
  const { segment, offset } = of.end
  let { from } = of
  for (const { bytes, end, count } of piecesOf(batch, of.readMax)) {
    const next = { segment, offset: offset - batch.bytes.length + end }
    recent.add({ from, next, events: bytes, count })
    from = next
  }
}

const isDiskFull = (err: unknown) =>
  err instanceof Error && 'code' in err && (err.code === 'ENOSPC' || err.code === 'EDQUOT')
