import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { countEvents } from '../support/events.ts'
import { aDiskToFill } from '../support/full-disk.ts'
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

const parent = await mkdtemp(join(tmpdir(), 'axbridge-disk-'))
/** Without the right to mount there is no such test; test/integration/cdr has one that does without. */
const disks = [await aDiskToFill(join(parent, 'journal'))].filter((disk) => disk !== undefined)
afterAll(async () => {
  for (const disk of disks) await disk.remove()
  await rm(parent, { recursive: true })
})

test.each(disks)(
  'a full disk: new calls are refused with 503, those that run end in the books, and room makes it go on',
  async (disk) => {
    const other = await startGround({ JOURNAL_DIR: disk.dir })
    try {
      const onDisk = await createOrdinaryCalls(other.engine, other.runtime)
      const since = new Date()
      let filled: Promise<void> | undefined
      const seen = await onDisk.run({
        callsPerSecond: 10,
        calls: 80,
        holdSeconds: 4,
        onSecond(now) {
          if (now.connected >= 15) filled ??= disk.fill()
        },
      })
      await filled
      expect(seen.refused['503']).toBeGreaterThan(0)
      expect(seen).toMatchObject({ attempted: 80, failed: 0 })
      expect(seen.completed + (seen.refused['503'] ?? 0)).toBe(80)
      expect(await other.engine.api.isReady()).toBe(false)
      const reasons = async () =>
        (await other.engine.api.callsSince(since)).map((each) => each.releaseReason)
      await vi.waitFor(
        async () => expect(await reasons()).toEqual(Array(seen.completed).fill('normal')),
        { timeout: 30_000, interval: 500 },
      )
      const events = await countEvents(other.runtime.redisUrl)
      const torn = [...events.values()].filter(({ start, end }) => start !== 1 || end !== 1)
      expect(torn).toEqual([])
      await disk.empty()
      await onDisk.untilWorking()
    } finally {
      await other.stop()
    }
  },
)
