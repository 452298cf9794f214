import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ground, startGround } from '../support/ground.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'

let ground: Ground
let calls: OrdinaryCalls

const callsMax = 4

beforeAll(async () => {
  ground = await startGround({ CALLS_MAX: String(callsMax), UNMATCHED_SIP_STATUS: '404' })
  calls = await createOrdinaryCalls(ground.engine, ground.runtime)
})

afterAll(async () => {
  await ground?.stop()
})

test('calls beyond the limit are refused with 503 at once, those within it are not touched', async () => {
  const running = calls.run({ callsPerSecond: 10, calls: callsMax, holdSeconds: 4 })
  await until('the limit is reached', async () => {
    return (await ground.engine.api.liveCalls()).length === callsMax
  })
  const beyond = await calls.run({ callsPerSecond: 10, calls: 5, holdSeconds: 0.2 })
  expect(beyond).toMatchObject({ completed: 0, refused: { 503: 5 } })
  expect(await running).toMatchObject({ completed: callsMax })
})

test('a caller without a binding hears 404 where the setting says so', async () => {
  await calls.fleet.unbindAll()
  expect(await calls.run({ callsPerSecond: 10, calls: 3, holdSeconds: 0.2 })).toMatchObject({
    refused: { 404: 3 },
  })
})
