import { execFile } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type FullDisk = {
  readonly dir: string
  /** Takes all room that is left. */
  fill(): Promise<void>
  empty(): Promise<void>
  remove(): Promise<void>
}

/** A disk that is as large as a journal needs at least. Undefined where the system does not let us make one. */
export async function aDiskToFill(dir: string): Promise<FullDisk | undefined> {
  try {
    await run('mkdir', ['-p', dir])
    await run('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', dir])
  } catch {
    return undefined
  }
  const ballast = join(dir, 'ballast')
  return {
    dir,
    async fill() {
      const file = await open(ballast, 'w')
      try {
        for (const size of [65_536, 4_096]) while (await fits(file, size));
      } finally {
        await file.close()
      }
    },
    empty: () => rm(ballast),
    async remove() {
      await run('umount', [dir])
      await rm(dir, { recursive: true })
    },
  }
}

async function fits(file: Awaited<ReturnType<typeof open>>, size: number): Promise<boolean> {
  try {
    return (await file.write(Buffer.alloc(size))).bytesWritten === size
  } catch {
    return false
  }
}
