import type { Engine } from './engine.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { type LoadCounts, type LoadResult, runLoad } from './load.ts'
import { freeUdpPort, until } from './ports.ts'
import type { Runtime } from './runtime.ts'

/** A trunk of its own with people behind it who call each other in an ordinary way. */
export type OrdinaryCalls = {
  readonly fleet: Fleet
  run(shape: {
    callsPerSecond: number
    calls: number
    holdSeconds: number
    media?: boolean
    patienceMs?: number
    onSecond?(now: LoadCounts): void
  }): Promise<LoadResult>
  /** Waits until a call gets through from end to end. */
  untilWorking(msMax?: number): Promise<void>
}

export async function createOrdinaryCalls(
  engine: Engine,
  runtime: Runtime,
  options: { size: number; ringback?: string } = { size: 50 },
): Promise<OrdinaryCalls> {
  const calleePort = await freeUdpPort()
  await engine.api.createTrunk({
    id: 'ordinary',
    host: '127.0.0.1',
    port: calleePort,
    addresses: ['127.0.0.1'],
    priority: 1,
    trustsIdentity: true,
  })
  const fleet = await createFleet(engine.api, options)
  const target = `${runtime.sip.host}:${runtime.sip.port}`
  const run: OrdinaryCalls['run'] = (shape) =>
    runLoad({ media: false, ...shape, target, callers: fleet.callers, calleePort })
  const untilWorking = (msMax = 20_000) =>
    until(
      'a call gets through',
      async () => (await run({ callsPerSecond: 1, calls: 1, holdSeconds: 0.1 })).completed === 1,
      msMax,
      200,
    )
  await untilWorking()
  return { fleet, run, untilWorking }
}
