import { readFileSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'

/**
 * No real number may be found in clear in anything that the engine leaves behind: Postgres, Redis,
 * journal, log. Every test database, Redis, runtime and engine is searched at its end for every
 * number that the test file has used: those made by its helpers and sent through its client
 * (`use`), and those that are written in it.
 */
const used = new Set<string>()
let readFor: string | undefined

/** Mobiles without country code, as every notation has them. Tests give 170 and 171 to X numbers. */
const mobilePattern = /(?<!\d)(?:\+?86|0086)?(1(?:3\d|4\d|5\d|6\d|7[2-9]|8\d|9\d)\d{8})(?!\d)/g
const mobileLength = 11

/** Remembers the numbers in a text, such as the body of a request. */
export function use(text: string): void {
  for (const [, mobile] of text.matchAll(mobilePattern)) if (mobile !== undefined) used.add(mobile)
}

function useThoseOfTheFile(): void {
  // scripts/load and scripts/bench stand on the same support, and are no test.
  if (process.env['VITEST'] === undefined) return
  const { testPath } = expect.getState()
  if (testPath === undefined || testPath === readFor) return
  readFor = testPath
  use(readFileSync(testPath, 'utf8').replaceAll('_', ''))
}

/** The used numbers that stand in the text, in digits, shortened for the message. */
function foundIn(text: string): readonly string[] {
  useThoseOfTheFile()
  const found = new Set<string>()
  for (const { 0: run } of text.matchAll(/\d{11,}/g)) {
    for (let at = 0; at + mobileLength <= run.length; at += 1) {
      const digits = run.slice(at, at + mobileLength)
      // A longer run is an id or a time unless it begins with a country code.
      const isWhole = at === 0 || /^(?:00)?86$/.test(run.slice(0, at))
      if (isWhole && run.length === at + mobileLength && used.has(digits)) found.add(digits)
    }
  }
  return [...found]
}

/** Throws when a used number is in it. `where` says what was searched. */
export function expectNoNumberIn(where: string, text: string): void {
  const found = foundIn(text)
  if (found.length === 0) return
  const at = text.indexOf(found[0] ?? '')
  throw new Error(
    `${where} holds ${found.length} real numbers in clear: …${text.slice(Math.max(0, at - 120), at + 40)}…`,
  )
}

const chunkBytes = 4 * 1024 * 1024
/** What a number at the end of one chunk needs of the next. */
const overlapBytes = 64
/** Sound, and the programs' own files. */
const skippedPattern = /\.(?:wav|sock|lock|pid)$/

/** Searches every file below the folder, Postgres's and Redis's own among them. */
export async function expectNoNumberBelow(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile() || skippedPattern.test(entry.name)) continue
    await searchFile(join(entry.parentPath, entry.name))
  }
}

async function searchFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(chunkBytes)
    for (let at = 0; ; at += chunkBytes - overlapBytes) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, at)
      expectNoNumberIn(path, buffer.toString('latin1', 0, bytesRead))
      if (bytesRead < chunkBytes) return
    }
  } finally {
    await file.close()
  }
}
