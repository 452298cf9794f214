import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type EndSteps,
  endProcess,
  identify,
  isAlive,
  type ProcessIdentity,
} from './process-identity.ts'

/**
 * `<data>/run`: who owns the data folder now, and which processes the owner started. After a crash
 * the next run finds here what is still running. Every entry carries the start time of its
 * process, so a stranger that was given the same pid is never taken for ours.
 */
export type RunFolder = {
  /** Remember a child. Synchronous, so that no crash can fall between its start and the note. */
  note(name: string, pid: number): void
  forget(name: string): void
  /** End what an earlier run left under this name. */
  endLeftover(name: string, steps: EndSteps): Promise<boolean>
  release(): Promise<void>
}

/** Fails when a living process holds the data folder. */
export async function takeRunFolder(dataDir: string): Promise<RunFolder> {
  const dir = join(dataDir, 'run')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const lock = join(dir, 'owner.json')
  await takeLock(lock, dataDir)
  const fileOf = (name: string) => join(dir, `${name}.json`)

  return {
    note(name, pid) {
      const identity = identify(pid)
      if (identity === undefined) return
      writeFileSync(`${fileOf(name)}.new`, JSON.stringify(identity))
      renameSync(`${fileOf(name)}.new`, fileOf(name))
    },
    forget(name) {
      rmSync(fileOf(name), { force: true })
    },
    async endLeftover(name, steps) {
      const left = readIdentity(fileOf(name))
      const found = left !== undefined && isAlive(left)
      if (found) await endProcess(left, steps)
      rmSync(fileOf(name), { force: true })
      return found
    },
    async release() {
      await rm(lock, { force: true })
    },
  }
}

async function takeLock(lock: string, dataDir: string): Promise<void> {
  const self = identify(process.pid)
  if (self === undefined) throw new Error('/proc is needed to run the embedded services')
  const mine = `${lock}.${process.pid}`
  await writeFile(mine, JSON.stringify(self))
  try {
    // A stale lock is moved away and looked at again before it counts as gone: another process
    // may have taken it over in the meantime.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (await linked(mine, lock)) return
      const owner = readIdentity(lock)
      if (owner !== undefined && isAlive(owner)) throw inUse(dataDir, owner.pid)
      const stale = `${mine}.stale`
      await rename(lock, stale).catch(() => undefined)
      const moved = readIdentity(stale)
      if (moved !== undefined && isAlive(moved)) {
        await linked(stale, lock)
        throw inUse(dataDir, moved.pid)
      }
      await rm(stale, { force: true })
    }
    throw new Error(`${lock} cannot be taken`)
  } finally {
    await rm(mine, { force: true })
    await rm(`${mine}.stale`, { force: true })
  }
}

const inUse = (dataDir: string, pid: number) =>
  new Error(
    `${dataDir} is in use by process ${pid}; stop it, or set AXBRIDGE_DATA to another folder`,
  )

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>
    const fits = Number.isInteger(pid) && typeof startedAt === 'string'
    return fits ? ({ pid, startedAt } as ProcessIdentity) : undefined
  } catch {
    return undefined
  }
}
