import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Made at the first start and kept: `<data>/number-keys`, without which the numbers in the database cannot be read. */
export async function ensureKeyFile(dataDir: string): Promise<string> {
  const file = join(dataDir, 'number-keys')
  await ensureFile(file, () => `k1 ${randomBytes(32).toString('hex')}\n`)
  return file
}

/** The same token for every start, unless one is given. */
export async function ensureAdminToken(dataDir: string): Promise<string> {
  const text = await ensureFile(join(dataDir, 'admin-token'), () =>
    randomBytes(24).toString('base64url'),
  )
  return text.trim()
}

/** Readable by us alone; whole or not there at all. */
export async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

async function ensureFile(file: string, make: () => string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
    const text = make()
    await writePrivately(file, text)
    return text
  }
}
