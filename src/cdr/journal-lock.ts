import { createHash, randomUUID } from 'node:crypto'
import { link, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DomainError } from '../domain/errors.ts'
import { pause } from './pause.ts'
import { isMissing } from './segments.ts'

export type JournalLock = {
  /** Tells others, and the next start, that this process still lives. */
  touch(): Promise<void>
  release(): Promise<void>
  /** When the process that held the lock before us and died was last alive. */
  readonly lastAliveAt: Date | undefined
}

/** `nonce`: no two holders ever write the same. */
type Holder = {
  readonly pid: number
  readonly startedTicks: string
  readonly host: string
  readonly nonce: string
}

/** A holder on another host (containers on one volume) cannot be asked whether it lives: its lock is stale when it was not touched for this long. */
const foreignLockMs = 15_000
const foreignCheckMs = 500
/** Each round that ends without an answer means that somebody else has moved on meanwhile. */
const roundsMax = 20

/** One process per folder. The lock of a process that is gone is taken over, by one of those who want it. */
export async function takeJournalLock(dir: string): Promise<JournalLock> {
  const path = join(dir, 'lock')
  const me = JSON.stringify({
    pid: process.pid,
    startedTicks: await startedTicks(process.pid),
    host: hostname(),
    nonce: randomUUID(),
  } satisfies Holder)
  for (let round = 0; round < roundsMax; round++) {
    if (await create(path, me)) return heldLock(path, undefined)
    const found = await find(path)
    if (found === undefined) continue
    const took = await takeOver({ path, me, base: found, dead: found })
    if (took) return heldLock(path, found.touchedAt)
  }
  throw inUse(path)
}

/** Whole from its first moment, so that nobody takes it for torn. False when there is a file of that name. */
async function create(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`
  await writeFile(aside, text)
  try {
    await link(aside, path)
    return true
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'EEXIST') return false
    throw err
  } finally {
    await unlink(aside)
  }
}

async function find(path: string): Promise<Found | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const { mtime } = await stat(path)
    return { path, text, touchedAt: mtime }
  } catch (err) {
    if (isMissing(err)) return undefined
    throw err
  }
}

/**
 * Each dead holder has one successor: who makes the file that is named after it. That one moves
 * its file over the lock. A successor that died before it got so far has a successor in turn.
 * False when the lock is another's by now and the question is open again.
 */
async function takeOver(of: {
  path: string
  me: string
  base: Found
  dead: Found
}): Promise<boolean> {
  const { path, me, base, dead } = of
  if (await isAlive(dead)) throw inUse(path)
  const name = createHash('sha256').update(dead.text).digest('hex').slice(0, 16)
  const succession = `${path}.after-${name}`
  if (!(await create(succession, me))) {
    const successor = await find(succession)
    return successor !== undefined && takeOver({ ...of, dead: successor })
  }
  if ((await find(path))?.text !== base.text) {
    await unlink(succession)
    return false
  }
  await rename(succession, path)
  if (dead !== base) await unlink(dead.path).catch(() => undefined)
  return true
}

type Found = { readonly path: string; readonly text: string; readonly touchedAt: Date }

async function isAlive(lock: Found): Promise<boolean> {
  const holder = parseHolder(lock.text)
  // Torn by a full disk or a crash: nobody can have gone on with it.
  if (holder === undefined) return false
  if (holder.host !== hostname()) return isTouched(lock)
  const ticks = await startedTicks(holder.pid)
  return ticks !== '' && ticks === holder.startedTicks
}

/** Waits until it is known: a container that is restarted must not fail because it is quick. */
async function isTouched({ path, touchedAt }: Found): Promise<boolean> {
  while (Date.now() - touchedAt.getTime() < foreignLockMs) {
    await pause(foreignCheckMs)
    if ((await stat(path)).mtime.getTime() !== touchedAt.getTime()) return true
  }
  return false
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isHolder =
      typeof value === 'object' &&
      value !== null &&
      'pid' in value &&
      typeof value.pid === 'number' &&
      'startedTicks' in value &&
      typeof value.startedTicks === 'string' &&
      'host' in value &&
      typeof value.host === 'string' &&
      'nonce' in value
    return isHolder ? (value as Holder) : undefined
  } catch {
    return undefined
  }
}

/** Tells a process from a later one with the same id (proc(5), field 22). Empty: no such process. */
async function startedTicks(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? 'unknown')
  } catch {
    return isRunning(pid) ? 'unknown' : ''
  }
}

/** For systems without /proc. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return err instanceof Error && 'code' in err && err.code === 'EPERM'
  }
}

function heldLock(path: string, lastAliveAt: Date | undefined): JournalLock {
  return {
    lastAliveAt,
    async touch() {
      const now = new Date()
      await utimes(path, now, now)
    },
    async release() {
      await unlink(path).catch((err: unknown) => {
        if (!isMissing(err)) throw err
      })
    },
  }
}

const inUse = (path: string) =>
  new DomainError(
    'journal-in-use',
    503,
    `the call journal is in use by another process (${path}); each router needs a folder of its own`,
  )
