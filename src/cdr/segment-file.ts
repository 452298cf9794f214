import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Position, segmentPath } from './segments.ts'

/** The segment that is being written, up to where it is safely on disk. */
export type SegmentFile = {
  /** On disk when it resolves. When it fails nothing has moved, and the same bytes may be given again. */
  append(bytes: Buffer): Promise<void>
  /** What is appended next goes to a new segment. */
  next(): Promise<void>
  end(): Position
  ageMs(): number
  close(): Promise<void>
}

export function createSegmentFile({ dir, segment }: { dir: string; segment: number }): SegmentFile {
  const current = { segment, offset: 0, begunMs: Date.now() }
  let file: FileHandle | undefined

  async function close(): Promise<void> {
    const closing = file
    file = undefined
    await closing?.close().catch(() => undefined)
  }

  /** At the place where the last good write ended: after a failed one the same bytes are written again, which alone makes the system try them again. */
  async function write(bytes: Buffer): Promise<void> {
    file ??= await openSegment(dir, current.segment)
    let written = 0
    while (written < bytes.length) {
      const at = current.offset + written
      written += (await file.write(bytes, written, bytes.length - written, at)).bytesWritten
    }
  }

  return {
    async append(bytes) {
      try {
        await write(bytes)
      } catch (err) {
        await close()
        throw err
      }
      current.offset += bytes.length
    },
    async next() {
      await close()
      current.segment += 1
      current.offset = 0
      current.begunMs = Date.now()
    },
    end: () => ({ segment: current.segment, offset: current.offset }),
    ageMs: () => Date.now() - current.begunMs,
    close,
  }
}

/** Each write returns when its bytes are on disk: one call instead of a write and a sync. */
const durable = constants.O_RDWR | constants.O_DSYNC
const fresh = durable | constants.O_CREAT | constants.O_TRUNC

/** The folder is synced too: without that a power cut may take the whole new file. */
async function openSegment(dir: string, segment: number): Promise<FileHandle> {
  const path = segmentPath(dir, segment)
  try {
    return await open(path, durable)
  } catch {
    const file = await open(path, fresh)
    const folder = await open(dir, 'r')
    try {
      await folder.datasync()
    } finally {
      await folder.close()
    }
    return file
  }
}
