import {
  open,
  readdir,
  readFile,
  rename,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type Frame, readEvents, readFrames } from './frames.ts'

/** A place in the journal: everything before it is done with. */
export type Position = {
  readonly segment: number
  readonly offset: number
}

const segmentPattern = /^(\d{10})\.journal$/

export const segmentPath = (dir: string, segment: number) =>
  join(dir, `${String(segment).padStart(10, '0')}.journal`)

/** Numbers and sizes of the segments in the folder, oldest first. */
export async function listSegments(dir: string): Promise<Map<number, number>> {
  const names = await readdir(dir)
  const numbers = names
    .map((name) => segmentPattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
  const found = new Map<number, number>()
  for (const segment of numbers) {
    found.set(segment, (await stat(segmentPath(dir, segment))).size)
  }
  return found
}

export const removeSegment = (dir: string, segment: number) => unlink(segmentPath(dir, segment))

/** Everything good in a segment. A torn tail is cut off the file when `mend` is asked. */
export async function readSegment(
  dir: string,
  segment: number,
  options: { mend: boolean; unpublishedFrom: number },
): Promise<{ frames: readonly Frame[]; unpublished: number; tornBytes: number; size: number }> {
  const path = segmentPath(dir, segment)
  const bytes = await readFile(path)
  const { frames, end } = readFrames(bytes)
  const tornBytes = bytes.length - end
  if (options.mend && tornBytes > 0) await truncate(path, end)
  const from = options.unpublishedFrom
  const unpublished =
    from === 0
      ? frames.filter(({ kind }) => kind === 'event').length
      : readEvents(bytes.subarray(from)).count
  return {
    frames,
    unpublished,
    tornBytes,
    size: options.mend ? end : bytes.length,
  }
}

/** Events that stand one behind the other in the journal. */
export type Reading = {
  /** Their frames, back to back (frames.ts). */
  readonly events: Buffer
  readonly count: number
  readonly next: Position
  readonly damagedBytes: number
}

/** How much is read at once: `bytes` at least `frameBytesMax`. */
export type ReadMax = { readonly frames: number; readonly bytes: number }

const nothing = Buffer.alloc(0)

/**
 * The events behind `from`, as far as `end` (what is safely on disk), from one segment at a time.
 * `next` equals `from` when there is nothing more.
 */
export async function readFrom(options: {
  dir: string
  from: Position
  end: Position
  max: ReadMax
}): Promise<Reading> {
  const { dir, from, end, max } = options
  const none = { events: nothing, count: 0, damagedBytes: 0 }
  if (from.segment > end.segment) return { ...none, next: from }
  const limit = from.segment === end.segment ? end.offset : undefined
  if (limit !== undefined && from.offset >= limit) return { ...none, next: from }
  const chunk = await readChunk(dir, from, { limit, bytesMax: max.bytes })
  if (chunk === undefined || chunk.bytes.length === 0) {
    const next = from.segment < end.segment ? { segment: from.segment + 1, offset: 0 } : from
    return { ...none, next }
  }
  const run = readEvents(chunk.bytes, max.frames)
  // Nothing good up to the end of the segment: damage, stepped over whole.
  const isDamage = run.end === 0
  const length = isDamage && chunk.last ? chunk.bytes.length : run.end
  return {
    events: run.bytes,
    count: run.count,
    next: { segment: from.segment, offset: from.offset + length },
    damagedBytes: isDamage ? length : run.damagedBytes,
  }
}

async function readChunk(
  dir: string,
  from: Position,
  { limit, bytesMax }: { limit: number | undefined; bytesMax: number },
): Promise<{ bytes: Buffer; last: boolean } | undefined> {
  const file = await open(segmentPath(dir, from.segment), 'r').catch((err: unknown) => {
    if (isMissing(err)) return undefined
    throw err
  })
  if (file === undefined) return undefined
  try {
    const size = Math.max(0, (limit ?? (await file.stat()).size) - from.offset)
    const first = await readExactly(file, from.offset, Math.min(size, bytesMax))
    if (size <= bytesMax) return { bytes: first, last: true }
    if (readFrames(first, 1).frames.length > 0) return { bytes: first, last: false }
    return { bytes: await readExactly(file, from.offset, size), last: true }
  } finally {
    await file.close()
  }
}

async function readExactly(
  file: Awaited<ReturnType<typeof open>>,
  offset: number,
  length: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** What of the journal the stream has, and the last entry that it confirmed. */
export type Progress = Position & { readonly streamId: string | undefined }

const progressFile = (dir: string) => join(dir, 'position.json')

/** Undefined when there is none or it is torn: then everything in the folder is published again. */
export async function loadProgress(dir: string): Promise<Progress | undefined> {
  const text = await readFile(progressFile(dir), 'utf8').catch(() => '')
  const match = /^\{"v":1,"segment":(\d+),"offset":(\d+)(?:,"streamId":"(\d+-\d+)")?\}$/.exec(text)
  if (match === null) return undefined
  return { segment: Number(match[1]), offset: Number(match[2]), streamId: match[3] }
}

/** Whole or not at all. Not synced: an older position only means that some events go out twice. */
export async function saveProgress(dir: string, progress: Progress): Promise<void> {
  const { segment, offset, streamId } = progress
  const path = progressFile(dir)
  await writeFile(`${path}.new`, JSON.stringify({ v: 1, segment, offset, streamId }))
  await rename(`${path}.new`, path)
}

export const isMissing = (err: unknown) =>
  err instanceof Error && 'code' in err && err.code === 'ENOENT'
