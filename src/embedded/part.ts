import { setTimeout as sleep } from 'node:timers/promises'
import type { Child, Exit } from './child-process.ts'
import { type EndSteps, endProcess, identify, type ProcessIdentity } from './process-identity.ts'
import type { RunFolder } from './run-folder.ts'

export type PartName = 'postgres' | 'redis' | 'sip' | 'media'

/** What is different from program to program. */
export type PartProgram = {
  readonly name: PartName
  /** Start it; called again for every restart. */
  launch(): Promise<Child>
  /** Resolves when it serves; gives up when the signal is aborted. */
  ready(child: Child, signal: AbortSignal): Promise<void>
  readonly endSteps: EndSteps
}

type PartOptions = {
  readonly program: PartProgram
  readonly run: RunFolder
  readonly restartOnExit: boolean
  onExit(name: PartName, exit: Exit, lastWords: string): void
}

type Running = { readonly child: Child; readonly identity: ProcessIdentity }

const readyMsMax = 30_000
const restartDelayMsMin = 100
const restartDelayMsMax = 5000
/** One that has run this long was well; its next crash is not counted with the ones before. */
const wellAfterMs = 10_000

/** Runs one program: starts it, notes its pid, tells of its death and, if asked, starts it again. */
export class Part {
  readonly name: PartName
  readonly #options: PartOptions
  #running: Running | undefined
  #wanted = false
  #crashes = 0
  #startedAtMs = 0
  #timer: NodeJS.Timeout | undefined
  /** Starts and stops never overlap. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: PartOptions) {
    this.name = options.program.name
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#running?.child.pid
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      const { run, program } = this.#options
      await run.endLeftover(this.name, program.endSteps)
      this.#wanted = true
      await this.#startNow()
    })
  }

  /** Ends in order, and is not started again. */
  stop(): Promise<void> {
    this.#wanted = false
    return this.#inTurn(() => this.#endNow())
  }

  /** A crash, as far as everybody else can tell. Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    process.kill(running.child.pid, signal)
    await running.child.exited
  }

  /** One line in, one line out; undefined when it is not running. */
  async ask(question: string): Promise<string | undefined> {
    return await this.#running?.child.ask(question)
  }

  /** Running and ready again, whatever it was before. */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      this.#wanted = false
      await this.#endNow()
      this.#wanted = true
      await this.#startNow()
    })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  async #startNow(): Promise<void> {
    if (this.#running !== undefined) return
    const { program, run } = this.#options
    this.#startedAtMs = Date.now()
    const child = await program.launch()
    run.note(this.name, child.pid)
    const identity = identify(child.pid)
    try {
      await untilReady(program, child)
      if (identity === undefined) throw new Error(`${this.name} ended at once`)
    } catch (err) {
      if (identity !== undefined) await endProcess(identity, program.endSteps)
      run.forget(this.name)
      throw err
    }
    const running = { child, identity }
    this.#running = running
    void child.exited.then((exit) => this.#exited(running, exit))
  }

  #exited(running: Running, exit: Exit): void {
    if (this.#running !== running) return
    this.#running = undefined
    this.#options.run.forget(this.name)
    if (!this.#wanted) return
    this.#crashes = Date.now() - this.#startedAtMs > wellAfterMs ? 1 : this.#crashes + 1
    this.#options.onExit(this.name, exit, running.child.lastWords())
    if (this.#options.restartOnExit) this.#reviveLater()
  }

  #reviveLater(): void {
    const delay = restartDelayMsMin * 2 ** Math.min(this.#crashes - 1, 10)
    this.#timer = setTimeout(
      () => {
        this.#inTurn(async () => {
          if (this.#wanted) await this.#startNow()
        }).catch(() => {
          this.#crashes += 1
          if (this.#wanted) this.#reviveLater()
        })
      },
      Math.min(delay, restartDelayMsMax),
    )
  }

  async #endNow(): Promise<void> {
    clearTimeout(this.#timer)
    const running = this.#running
    if (running === undefined) return
    await endProcess(running.identity, this.#options.program.endSteps)
    await running.child.exited
    this.#running = undefined
    this.#options.run.forget(this.name)
  }
}

/** Ready, or a fault that says what the program itself said last. */
async function untilReady(program: PartProgram, child: Child): Promise<void> {
  const abort = new AbortController()
  const { signal } = abort
  const late = sleep(readyMsMax, 'late' as const, { signal }).catch(() => 'late' as const)
  const ready = program.ready(child, signal)
  try {
    const first = await Promise.race([ready, child.exited, late])
    if (first === undefined) return
    const what = first === 'late' ? `is not ready after ${readyMsMax / 1000} s` : exitText(first)
    throw new Error(`${program.name} ${what}\n${child.lastWords()}`)
  } finally {
    abort.abort()
    ready.catch(() => undefined)
  }
}

export function exitText(exit: Exit): string {
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`
}
