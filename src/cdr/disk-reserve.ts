import { open, unlink } from 'node:fs/promises'
import { isMissing } from './segments.ts'

/**
 * A file of real bytes that is given up when the disk is full, so that the ends of the calls that
 * run at that moment can still be written down.
 */
export type DiskReserve = {
  isHeld(): boolean
  /** Makes the file if it is not there. False when the disk has no room for it. */
  hold(): Promise<boolean>
  /** False when there was nothing to give up. */
  giveUp(): Promise<boolean>
}

const pieceBytes = 1_048_576

export function createDiskReserve({ path, bytes }: { path: string; bytes: number }): DiskReserve {
  let held = false

  async function fill(): Promise<void> {
    const file = await open(path, 'w')
    try {
      const piece = Buffer.alloc(Math.min(pieceBytes, bytes))
      for (let at = 0; at < bytes; at += piece.length) {
        await file.write(piece, 0, Math.min(piece.length, bytes - at), at)
      }
      await file.datasync()
      if ((await file.stat()).size < bytes) throw new Error('short write')
    } finally {
      await file.close()
    }
  }

  async function remove(): Promise<void> {
    await unlink(path).catch((err: unknown) => {
      if (!isMissing(err)) throw err
    })
  }

  return {
    isHeld: () => held,
    async hold() {
      if (held) return true
      try {
        await fill()
        held = true
      } catch {
        await remove()
      }
      return held
    },
    async giveUp() {
      const had = held
      held = false
      await remove()
      return had
    },
  }
}
