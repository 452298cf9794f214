import { readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DomainError } from '../domain/errors.ts'
import { isMissing } from './segments.ts'

export type JournalLock = {
  /** Tells others, and the next start, that this process still lives. */
  touch(): Promise<void>
  release(): Promise<void>
  /** When the process that held the lock before us and died was last alive. */
  readonly lastAliveAt: Date | undefined
}

type Holder = { readonly pid: number; readonly startedTicks: string; readonly host: string }

/** A holder on another host (containers on one volume) cannot be asked whether it lives: its lock is stale when it was not touched for this long. */
const foreignLockSeconds = 15

/** One process per folder. The lock of a process that is gone is taken over. */
export async function takeJournalLock(dir: string): Promise<JournalLock> {
  const path = join(dir, 'lock')
  const me: Holder = {
    pid: process.pid,
    startedTicks: await startedTicks(process.pid),
    host: hostname(),
  }
  // Two rounds: the second meets the lock of someone who was quicker than we were.
  let lastAliveAt: Date | undefined
  for (let round = 0; round < 2; round++) {
    if (await create(path, me)) return heldLock(path, lastAliveAt)
    lastAliveAt = await putAsideStale(path)
  }
  throw inUse(path)
}

async function create(path: string, me: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(me), { flag: 'wx' })
    return true
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'EEXIST') return false
    throw err
  }
}

/** Moved aside under our own name before it is removed, so that of two who find it stale only one removes it. */
async function putAsideStale(path: string): Promise<Date | undefined> {
  const aside = `${path}.stale-${process.pid}`
  try {
    const [text, { mtime }] = [await readFile(path, 'utf8'), await stat(path)]
    if (await isAlive(text, mtime)) throw inUse(path)
    await rename(path, aside)
    const moved = await readFile(aside, 'utf8')
    if (moved !== text) {
      await rename(aside, path)
      throw inUse(path)
    }
    await unlink(aside)
    return mtime
  } catch (err) {
    if (isMissing(err)) return undefined
    throw err
  }
}

async function isAlive(text: string, touchedAt: Date): Promise<boolean> {
  const holder = parseHolder(text)
  // Torn by a full disk or a crash: nobody can have gone on with it.
  if (holder === undefined) return false
  if (holder.host !== hostname()) {
    return Date.now() - touchedAt.getTime() < foreignLockSeconds * 1000
  }
  const ticks = await startedTicks(holder.pid)
  return ticks !== '' && ticks === holder.startedTicks
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
      typeof value.host === 'string'
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
