import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { cpuMsOf } from '../test/support/cpu.ts'
import { type Engine, startEngine } from '../test/support/engine.ts'
import { createFleet, type Fleet } from '../test/support/fleet.ts'
import { type LoadResult, runLoad } from '../test/support/load.ts'
import { freeUdpPort, until } from '../test/support/ports.ts'
import { type Runtime, ringbackCode, startRuntime } from '../test/support/runtime.ts'
import { type Comparison, compare } from './bench-comparison.ts'

type Shape = {
  readonly rounds: number
  readonly callsPerSecond: number
  readonly calls: number
  readonly holdSeconds: number
  readonly media: boolean
  say(text: string): void
}

type Measured = { readonly msPerCall: number; readonly idleMsPerSecond: number }

/** Compiled and warm before anything is measured. */
const warmUpCalls = 300
const idleMs = 3000

/**
 * Both get the same calls on the same servers in turn: early media, a tone, an answer, a talk. The
 * engine runs as in production: the router, which is measured, and one process for the rest.
 */
export async function benchCall(shape: Shape): Promise<Comparison[]> {
  const runtime = await startRuntime()
  try {
    const rest = await startEngine(runtime, { name: 'rest', roles: 'api,worker', env: quiet })
    try {
      return await compareCalls(runtime, rest, shape)
    } finally {
      await rest.stop()
    }
  } finally {
    await runtime.stop()
  }
}

const quiet = { LOG_LEVEL: 'info', CALLS_MAX: '20000', CALLS_PER_SECOND_MAX: '5000' }

async function compareCalls(runtime: Runtime, rest: Engine, shape: Shape): Promise<Comparison[]> {
  const calleePort = await freeUdpPort()
  await rest.api.createTrunk({
    id: 'bench',
    host: '127.0.0.1',
    port: calleePort,
    addresses: ['127.0.0.1'],
    priority: 0,
    trustsIdentity: true,
  })
  const size = Math.ceil(shape.callsPerSecond * (shape.holdSeconds + 5))
  const fleet = await createFleet(rest.api, { size, ringback: ringbackCode })
  const ours: Measured[] = []
  const bare: Measured[] = []
  for (let round = 1; round <= shape.rounds; round++) {
    shape.say(`round ${round} of ${shape.rounds}: the bare bridge …`)
    bare.push(await measureBare({ runtime, fleet, calleePort, shape }))
    shape.say(`  ${told(bare.at(-1))}`)
    shape.say(`round ${round} of ${shape.rounds}: the engine …`)
    ours.push(await measureEngine({ runtime, fleet, calleePort, shape }))
    shape.say(`  ${told(ours.at(-1))}`)
  }
  return [
    compare({
      name: 'a call',
      unit: 'ms of CPU of the process',
      ours: ours.map((each) => each.msPerCall),
      bare: bare.map((each) => each.msPerCall),
      goal: { most: 1.25 },
    }),
  ]
}

const told = (measured: Measured | undefined) =>
  `${measured?.msPerCall.toFixed(2)} ms per call, ${measured?.idleMsPerSecond.toFixed(1)} ms per second when idle`

type Ring = {
  readonly runtime: Runtime
  readonly fleet: Fleet
  readonly calleePort: number
  readonly shape: Shape
}

async function measureEngine(ring: Ring): Promise<Measured> {
  const router = await startEngine(ring.runtime, { name: 'router', roles: 'router', env: quiet })
  try {
    return await measure(router.pid, ring)
  } finally {
    await router.stop()
  }
}

async function measureBare(ring: Ring): Promise<Measured> {
  const { runtime, calleePort } = ring
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', 'scripts/bench-bare-bridge.ts'],
      ...['--drachtio', runtime.drachtioUrl, '--freeswitch', runtime.freeswitchUrls],
      ...['--callee', `sip:+8615900000001@127.0.0.1:${calleePort}`],
      ...['--tone', join(runtime.dataDir, 'tones', `${ringbackCode}.wav`)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    if (child.stdout === null) throw new Error('the bare bridge has no output')
    await once(child.stdout, 'data')
    return await measure(child.pid ?? 0, ring)
  } finally {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

async function measure(pid: number, ring: Ring): Promise<Measured> {
  const { callsPerSecond, calls, holdSeconds, media } = ring.shape
  const { sip } = ring.runtime
  const run = (count: number, hold: number): Promise<LoadResult> =>
    runLoad({
      target: `${sip.host}:${sip.port}`,
      callers: ring.fleet.callers,
      callsPerSecond,
      calls: count,
      holdSeconds: hold,
      media,
      calleePort: ring.calleePort,
    })
  await until('a call gets through', async () => (await run(1, 0.1)).completed === 1, 20_000, 300)
  await run(warmUpCalls, 0.2)
  const idleFrom = await cpuMsOf(pid)
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const from = await cpuMsOf(pid)
  const result = await run(calls, holdSeconds)
  const spent = (await cpuMsOf(pid)) - from
  if (result.completed !== calls) {
    throw new Error(`only ${result.completed} of ${calls} calls got through\n${result.complaints}`)
  }
  return { msPerCall: spent / calls, idleMsPerSecond: ((from - idleFrom) / idleMs) * 1000 }
}
