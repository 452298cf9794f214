import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk of two megabytes where the system lets us make one; otherwise a limit of the journal's own. */
export async function aSmallDisk(parent: string) {
  const dir = join(parent, 'small')
  await mkdir(dir)
  const limits = { reserveBytes: 262_144, segmentBytes: 200_000, keepMs: 0 }
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir])
    return { dir, limits, remove: () => run('umount', [dir]) }
  } catch {
    return { dir, limits: { ...limits, bytesMax: 2_000_000 }, remove: async () => undefined }
  }
}
