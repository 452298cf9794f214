import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'

let runtime: Runtime
let first: Engine
let second: Engine
let calls: OrdinaryCalls

beforeAll(async () => {
  runtime = await startRuntime()
  first = await startEngine(runtime, { name: 'first' })
  second = await startEngine(runtime, { name: 'second', roles: 'router' })
  calls = await createOrdinaryCalls(first, runtime)
})

afterAll(async () => {
  await first?.stop()
  second?.signal('SIGKILL')
  await runtime?.stop()
})

/** How often an engine's log tells of a new call. */
async function callsOf(engine: Engine): Promise<number> {
  const text = await engine.api.metrics()
  const lines = text.split('\n').filter((line) => /^axbridge_calls_started_total\b/.test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test('two routers share the calls evenly', async () => {
  const before = await Promise.all([callsOf(first), callsOf(second)])
  const result = await calls.run({ callsPerSecond: 10, calls: 40, holdSeconds: 0.5 })
  expect(result).toMatchObject({ attempted: 40, completed: 40 })
  const after = await Promise.all([callsOf(first), callsOf(second)])
  expect(after.map((count, at) => count - (before[at] ?? 0))).toEqual([20, 20])
})

test('a router that dies: its calls are closed by the other, and new calls all go there', async () => {
  const since = new Date()
  const running = calls.run({ callsPerSecond: 20, calls: 10, holdSeconds: 8 })
  await until('all are up', async () => {
    const live = await first.api.liveCalls()
    return live.filter((call) => call.startTime !== undefined).length === 10
  })
  second.signal('SIGKILL')
  await second.exited

  const afterwards = await calls.run({ callsPerSecond: 5, calls: 10, holdSeconds: 0.5 })
  expect(afterwards).toMatchObject({ completed: 10 })

  expect(await running).toMatchObject({ connected: 10 })
  await until(
    'all records are closed',
    async () => {
      const records = await first.api.callsSince(since)
      return records.length === 20 && records.every((each) => each.releaseTime !== undefined)
    },
    60_000,
    500,
  )
  const reasons = (await first.api.callsSince(since)).map((record) => record.releaseReason)
  expect(reasons.filter((reason) => reason === 'router-lost')).toHaveLength(5)
  expect(reasons.filter((reason) => reason === 'normal')).toHaveLength(15)
})
