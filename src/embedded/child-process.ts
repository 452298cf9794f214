import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type Child = {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** The next line on stdout, if it talks; undefined when the program ends without one. */
  nextLine(): Promise<string | undefined>
  /** One line in, one line out. */
  ask(question: string): Promise<string | undefined>
  /** The end of what the program has written to its log. */
  lastWords(): string
}

/** One earlier log is kept beside the current one, so logs cannot grow without end. */
const logBytesMax = 8 * 1024 * 1024

/**
 * Start a program so that it never outlives us.
 *
 * - `setpriv --pdeathsig`: the kernel sends it `deathSignal` when we die, however we die. Ours to
 *   set is only the first process; all programs here end their own children.
 * - its stdin is a pipe that only we hold: the stand-ins read it and stop when it closes.
 * - a process group of its own: Ctrl-C on the terminal reaches us alone, and we stop it in order.
 */
export async function startChild(options: {
  readonly command: readonly [string, ...string[]]
  readonly setpriv?: readonly string[]
  readonly deathSignal: 'INT' | 'TERM'
  /** Where stderr goes, and stdout unless it talks to us there. */
  readonly logFile: string
  readonly talks?: boolean
  readonly cwd: string
  /** Undefined: ours. */
  readonly env?: NodeJS.ProcessEnv
}): Promise<Child> {
  const [program] = options.command
  const log = openLog(options.logFile)
  const writtenBefore = statSync(options.logFile).size
  try {
    const args = [
      ...(options.setpriv ?? []),
      `--pdeathsig=${options.deathSignal}`,
      '--',
      ...options.command,
    ]
    const child = spawn('setpriv', args, {
      cwd: options.cwd,
      detached: true,
      stdio: ['pipe', options.talks === true ? 'pipe' : log, log],
      ...(options.env === undefined ? {} : { env: options.env }),
    })
    // Writing to a program that has just ended is not a fault of ours.
    child.stdin?.on('error', () => undefined)
    const exited = exitOf(child)
    const nextLine = lineReader(child)
    const pid = await pidOf(child, program)
    return {
      pid,
      exited,
      nextLine,
      ask(question) {
        const answer = nextLine()
        child.stdin?.write(`${question}\n`)
        return answer
      },
      lastWords: () => tail(options.logFile, writtenBefore),
    }
  } finally {
    closeSync(log)
  }
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > logBytesMax) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

function pidOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0))
    child.once('error', (err) =>
      reject(new Error(`${program} cannot be started: ${err.message}`, { cause: err })),
    )
  })
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** A line that nobody waits for is dropped, so that the program never waits for us. */
function lineReader(child: ChildProcess): () => Promise<string | undefined> {
  const waiting: ((line: string | undefined) => void)[] = []
  let closed = child.stdout === null
  if (child.stdout !== null) {
    createInterface({ input: child.stdout })
      .on('line', (line) => waiting.shift()?.(line))
      .on('close', () => {
        closed = true
        for (const resolve of waiting.splice(0)) resolve(undefined)
      })
  }
  return () =>
    new Promise((resolve) => {
      if (closed) resolve(undefined)
      else waiting.push(resolve)
    })
}

function tail(file: string, from: number): string {
  const bytesMax = 4096
  try {
    const handle = openSync(file, 'r')
    try {
      const { size } = statSync(file)
      const buffer = Buffer.alloc(Math.min(Math.max(size - from, 0), bytesMax))
      readSync(handle, buffer, 0, buffer.length, size - buffer.length)
      return buffer.toString('utf8').trim().split('\n').slice(-12).join('\n')
    } finally {
      closeSync(handle)
    }
  } catch {
    return ''
  }
}
