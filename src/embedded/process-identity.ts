import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process, told apart from a later one that was given the same pid. */
export type ProcessIdentity = {
  readonly pid: number
  /** Boot id of the machine and start time of the process in clock ticks since boot. */
  readonly startedAt: string
}

/** Signals in the order in which they are tried, each with the time that it is given to work. */
export type EndSteps = readonly (readonly [signal: NodeJS.Signals, msMax: number])[]

/** Undefined when there is no such process, or only its zombie is left. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold spaces: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state] = fields
    if (state === 'Z' || state === 'X') return undefined
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return { pid, startedAt: `${boot}/${fields[19]}` }
  } catch {
    return undefined
  }
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startedAt === process.startedAt
}

/** The words of the command line; empty when the process is gone. */
export function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Every process that works in the folder, as far as we may see. */
export function processesIn(folder: string): readonly ProcessIdentity[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    if (workingFolder(pid) !== folder) return []
    return identify(Number(pid)) ?? []
  })
}

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

export async function endProcess(target: ProcessIdentity, steps: EndSteps): Promise<void> {
  for (const [signal, msMax] of steps) {
    if (!sendSignal(target, signal)) return
    if (await goneWithin(target, msMax)) return
  }
  throw new Error(`process ${target.pid} does not end`)
}

/** False when the process is gone already. */
function sendSignal(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false
  try {
    process.kill(target.pid, signal)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw new Error(
      `process ${target.pid} is left over from an earlier run and belongs to another user`,
      {
        cause: err,
      },
    )
  }
}

async function goneWithin(target: ProcessIdentity, msMax: number): Promise<boolean> {
  const until = Date.now() + msMax
  while (Date.now() < until) {
    if (!isAlive(target)) return true
    await sleep(20)
  }
  return !isAlive(target)
}
