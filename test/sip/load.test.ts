import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFilesOf } from '../support/cpu.ts'
import { countEvents } from '../support/events.ts'
import { type Ground, heldBy, startGround } from '../support/ground.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'
import { ringbackCode } from '../support/runtime.ts'

let ground: Ground
let calls: OrdinaryCalls

beforeAll(async () => {
  ground = await startGround()
  calls = await createOrdinaryCalls(ground.engine, ground.runtime, {
    size: 60,
    ringback: ringbackCode,
  })
})

afterAll(async () => {
  await ground?.stop()
})

test('calls with sound on both legs: none is lost, nothing is left, each has one start and one end', async () => {
  // The first calls open connections that are kept; what is compared comes after them.
  await calls.run({ callsPerSecond: 10, calls: 20, holdSeconds: 0.5, media: true })
  const filesBefore = await openFilesOf(ground.engine.pid)
  const since = new Date()

  const result = await calls.run({ callsPerSecond: 8, calls: 64, holdSeconds: 3, media: true })
  expect(result).toMatchObject({ attempted: 64, completed: 64, refused: {}, failed: 0 })

  await until('all records are complete', async () => {
    const records = await ground.engine.api.callsSince(since)
    return records.length === 64 && records.every((each) => each.releaseReason === 'normal')
  })
  const counts = await countEvents(ground.runtime.redisUrl)
  const odd = [...counts.values()].filter((each) => each['start'] !== 1 || each['end'] !== 1)
  expect(odd).toEqual([])

  await until('no dialog, endpoint or RTP port is left', async () => {
    const held = Object.entries(await heldBy(ground.runtime))
    const ofCalls = held.filter(([name]) => /dialogs|endpoints|rtpSockets|recordings/.test(name))
    return ofCalls.every(([, count]) => count === 0)
  })
  await until('no descriptor is left', async () => {
    return (await openFilesOf(ground.engine.pid)) <= filesBefore
  })
})
