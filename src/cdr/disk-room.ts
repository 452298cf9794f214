import { statfs } from 'node:fs/promises'

/** How much room the disk has left, as of the last look. */
export function createDiskRoom(dir: string): {
  look(): Promise<void>
  /** Without end until it was looked for the first time. */
  freeBytes(): number
} {
  let free = Number.POSITIVE_INFINITY
  return {
    async look() {
      const disk = await statfs(dir)
      free = disk.bavail * disk.bsize
    },
    freeBytes: () => free,
  }
}
