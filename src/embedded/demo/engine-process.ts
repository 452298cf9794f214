import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child-process.ts'
import { ownProgram, projectFolder } from '../own-program.ts'
import { exitText } from '../part.ts'
import { endProcess, identify } from '../process-identity.ts'

export type Engine = {
  /** Resolves with what happened when it ends by itself. */
  readonly died: Promise<string>
  stop(): Promise<void>
}

const readyMsMax = 60_000

/** The engine as in production: its own program, told everything by its environment, its log in a file. */
export async function startEngine(options: {
  readonly env: NodeJS.ProcessEnv
  readonly logDir: string
  readonly api: string
  readonly signal: AbortSignal
}): Promise<Engine> {
  const { env, logDir, api, signal } = options
  const program = ownProgram('main')
  const common = {
    deathSignal: 'TERM',
    logFile: join(logDir, 'engine.log'),
    cwd: projectFolder,
    env,
  } as const
  await migrate({ ...common, command: [...program, 'migrate'] })
  const command = [...program, 'serve', '--roles', 'router,api,worker'] as const
  const child = await startChild({ ...common, command: [...command] })
  const identity = identify(child.pid)
  let stopping = false
  const stop = async () => {
    stopping = true
    // It waits for calls that are up, up to DRAIN_SECONDS_MAX.
    if (identity !== undefined) {
      const steps = [
        ['SIGTERM', 30_000],
        ['SIGKILL', 5000],
      ] as const
      await endProcess(identity, steps)
    }
    await child.exited
  }
  const died = child.exited.then((exit) => {
    if (stopping) return new Promise<string>(() => undefined)
    return `the engine ${exitText(exit)}\n${child.lastWords()}`
  })
  try {
    await untilReady(child, api, signal)
  } catch (err) {
    await stop()
    throw err
  }
  return { died, stop }
}

async function migrate(options: Parameters<typeof startChild>[0]): Promise<void> {
  const child = await startChild(options)
  const exit = await child.exited
  if (exit.code === 0) return
  throw new Error(`migrating the database ${exitText(exit)}\n${child.lastWords()}`)
}

async function untilReady(child: Child, api: string, signal: AbortSignal): Promise<void> {
  const abort = new AbortController()
  const ended = child.exited.then((exit) => {
    abort.abort()
    return exit
  })
  const until = Date.now() + readyMsMax
  let answer = 'no answer'
  while (Date.now() < until && !abort.signal.aborted && !signal.aborted) {
    const response = await fetch(`${api}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    )
    if (response?.ok === true) return
    if (response !== undefined) answer = `${response.status} ${await response.text()}`
    await sleep(50)
  }
  if (signal.aborted) throw new Error('stopped')
  const exit = await Promise.race([ended, sleep(0)])
  const what = exit === undefined ? `is not ready: ${answer}` : exitText(exit)
  throw new Error(`the engine ${what}\n${child.lastWords()}`)
}
