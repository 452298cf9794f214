import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { countEvents } from '../support/events.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'

let runtime: Runtime
let engine: Engine
let calls: OrdinaryCalls

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime)
  calls = await createOrdinaryCalls(engine, runtime)
})

afterAll(async () => {
  await runtime?.stop()
})

test('on SIGTERM calls go on, new ones are refused with 503, and the engine goes when the last has ended', async () => {
  const running = calls.run({ callsPerSecond: 10, calls: 5, holdSeconds: 6 })
  await until('five calls are up', async () => {
    const live = await engine.api.liveCalls()
    return live.filter((call) => call.startTime !== undefined).length === 5
  })

  engine.signal('SIGTERM')
  await until('it says that it is not ready', async () => !(await engine.api.isReady()))
  const late = await calls.run({ callsPerSecond: 10, calls: 3, holdSeconds: 1 })
  expect(late).toMatchObject({ completed: 0, refused: { 503: 3 } })

  expect(await running).toMatchObject({ connected: 5, completed: 5, failed: 0 })
  expect(await engine.exited).toBe(0)
  const counts = await countEvents(runtime.redisUrl)
  const odd = [...counts.values()].filter((each) => each['start'] !== 1 || each['end'] !== 1)
  expect(odd).toEqual([])
})
