import { open, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
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
  // One after the other: a file that is removed while it is filled would be held by nobody.
  let last: Promise<unknown> = Promise.resolve()

  function inTurn(work: () => Promise<boolean>): Promise<boolean> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  /** Twice, so that filling it does not take the room away from who is writing just then. */
  async function hasRoom(): Promise<boolean> {
    const disk = await statfs(dirname(path))
    return disk.bavail * disk.bsize >= 2 * bytes
  }

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
    hold: () =>
      inTurn(async () => {
        if (held) return true
        // What a process that was killed has left: it holds the room that we look for.
        await remove()
        if (!(await hasRoom())) return false
        try {
          await fill()
          held = true
        } catch {
          await remove()
        }
        return held
      }),
    giveUp: () =>
      inTurn(async () => {
        const had = held
        held = false
        await remove()
        return had
      }),
  }
}
