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

export type AccessKey = { readonly id: string; readonly secret: string }

/** For the vendor's own SDKs; the same for every start. */
export async function ensureAccessKey(dataDir: string): Promise<AccessKey> {
  const text = await ensureFile(join(dataDir, 'access-key'), () => {
    const letters = randomBytes(64)
      .toString('base64')
      .replace(/[^0-9A-Za-z]/g, '')
    return `AK${letters.slice(0, 22)} ${randomBytes(32).toString('base64url')}\n`
  })
  const [id = '', secret = ''] = text.trim().split(' ')
  return { id, secret }
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
