import { createHash } from 'node:crypto'
import { lstat, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownFolder, type ServiceAccount } from './service-account.ts'

/** A socket's path has at most 107 bytes (unix(7)); Postgres's own name in the folder takes 14. */
const folderBytesMax = 90

/** Only characters that need no escaping in a database URL. */
const plainPath = /^[\w./-]+$/

export type SocketFolder = { readonly dir: string; remove(): Promise<void> }

/** In the data folder where the path is short and plain, otherwise in the machine's temporary folder. */
export async function openSocketFolder(
  dataDir: string,
  account: ServiceAccount,
): Promise<SocketFolder> {
  const near = join(dataDir, 'sockets')
  const fits = plainPath.test(near) && Buffer.byteLength(near) <= folderBytesMax
  const dir = fits ? near : farFolder(dataDir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  // Anyone can make a folder or a link of this name in /tmp: looked at before it is touched.
  const found = await lstat(dir)
  if (!found.isDirectory() || ![account.uid, process.getuid?.()].includes(found.uid)) {
    throw new Error(`${dir} is not a folder of ours; remove it`)
  }
  await ownFolder(dir, account)
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

/** Always the same for one data folder, so that a crashed run leaves no second one behind. */
function farFolder(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  return join(tmpdir(), `axbridge-${name}`)
}
