import type { Logger } from '../platform/logger.ts'
import type { JournalLimits } from './journal-limits.ts'
import { isMissing, type Position, type Progress, removeSegment, saveProgress } from './segments.ts'

/** Remembers how far the stream has got, and removes what is no longer needed. */
export type SegmentKeeper = {
  onProgress(progress: Progress): Promise<void>
  /** What is only a matter of time. */
  tidy(): Promise<void>
  oldest(): Position
  bytes(): number
}

/** The position is written at most this often: a crash repeats this much of the stream. */
const saveMsMin = 1_000

export function createSegmentKeeper(deps: {
  dir: string
  sizes: Map<number, number>
  limits: JournalLimits
  log: Logger
}): SegmentKeeper {
  const { dir, sizes, limits, log } = deps
  const confirmedMs = new Map<number, number>()
  let progress: Progress = { segment: 0, offset: 0, streamId: undefined }
  let saved = progress
  let savedMs = 0
  let busy = false

  const bytes = () => [...sizes.values()].reduce((sum, size) => sum + size, 0)

  async function save(): Promise<void> {
    const saving = progress
    await saveProgress(dir, saving)
    saved = saving
    savedMs = Date.now()
  }

  async function cut(): Promise<void> {
    for (const segment of [...sizes.keys()]) {
      if (segment >= progress.segment) break
      const sinceMs = confirmedMs.get(segment) ?? Date.now()
      confirmedMs.set(segment, sinceMs)
      const isInTheWay = bytes() > limits.bytesMax / 2
      if (!isInTheWay && Date.now() - sinceMs < limits.keepMs) continue
      await removeSegment(dir, segment).catch((err: unknown) => {
        if (!isMissing(err)) throw err
      })
      sizes.delete(segment)
      confirmedMs.delete(segment)
    }
  }

  /** Failing here costs only repeats or space, and is tried again. */
  async function tidy(due: boolean): Promise<void> {
    if (busy) return
    busy = true
    try {
      if (due && progress !== saved) await save()
      await cut()
    } catch (err) {
      log.warn({ err, dir }, 'call journal cannot be tidied')
    } finally {
      busy = false
    }
  }

  return {
    async onProgress(next) {
      progress = next
      await tidy(Date.now() - savedMs >= saveMsMin)
    },
    tidy: () => tidy(true),
    oldest: () => ({ segment: sizes.keys().next().value ?? progress.segment, offset: 0 }),
    bytes,
  }
}
