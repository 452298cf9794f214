import type { Embedded } from '../../src/embedded/start-embedded.ts'
import { cpuMsOf, openFilesOf } from './cpu.ts'
import { type Engine, startEngine } from './engine.ts'
import { type Runtime, startRuntime } from './runtime.ts'

/** An engine with servers of its own, and what its processes use. For load and comparison. */
export type Ground = {
  readonly runtime: Runtime
  readonly engine: Engine
  readonly processes: Readonly<Record<string, number>>
  stop(): Promise<void>
}

export async function startGround(env: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const runtime = await startRuntime()
  try {
    const engine = await startEngine(runtime, {
      env: {
        CALLS_MAX: '20000',
        CALLS_PER_SECOND_MAX: '5000',
        LOG_LEVEL: 'warn',
        ...env,
      },
    })
    return {
      runtime,
      engine,
      processes: { engine: engine.pid, ...runtime.embedded.pids() },
      async stop() {
        await engine.stop()
        await runtime.stop()
      },
    }
  } catch (err) {
    await runtime.stop()
    throw err
  }
}

export type Usage = Readonly<Record<string, { readonly cpuMs: number; readonly files: number }>>

export async function usageOf(processes: Readonly<Record<string, number>>): Promise<Usage> {
  const entries = await Promise.all(
    Object.entries(processes).map(
      async ([name, pid]) =>
        [name, { cpuMs: await cpuMsOf(pid), files: await openFilesOf(pid) }] as const,
    ),
  )
  return Object.fromEntries(entries)
}

type CountsParts = {
  counts?(part: 'sip' | 'media'): Promise<Readonly<Record<string, number>>>
}

/** What the stand-ins say they still hold: dialogs, endpoints, ports. Empty with real servers. */
export async function heldBy(runtime: Runtime): Promise<Readonly<Record<string, number>>> {
  const embedded: Embedded & CountsParts = runtime.embedded
  const own = (['sip', 'media'] as const).filter((part) => embedded.pids()[part] !== undefined)
  const parts = await Promise.all(
    own.map(async (part) =>
      Object.entries((await embedded.counts?.(part)) ?? {}).map(
        ([name, count]) => [`${part} ${name}`, count] as const,
      ),
    ),
  )
  return Object.fromEntries(parts.flat())
}
