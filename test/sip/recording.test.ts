import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { calleeHertz, callerHertz, play } from '../support/play.ts'
import { until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import { readStereo, shareAt } from '../support/sound.ts'
import { createWorld, type World } from '../support/world.ts'

let runtime: Runtime
let engine: Engine
let world: World

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime)
  world = await createWorld(engine, runtime)
})

afterAll(async () => {
  world?.close()
  await engine?.stop()
  await runtime?.stop()
})

test('a recording holds the caller on the left, the callee on the right, and the length of the talk', async () => {
  const entry = {
    id: 'recorded',
    story: 'A call whose binding asks for a recording.',
    caller: 'uac/talk-three-seconds',
    callees: ['uas/answer'],
    talk: true,
    binding: { recording: true },
  }
  const cast = world.cast(0)
  await world.prepare(entry, cast)
  const played = await play(entry, cast, world.stage)
  expect(played).toMatchObject({ callerFault: undefined, calleeFaults: [] })
  await until('the record is there', async () => {
    const [record] = await engine.api.callsTo(cast.x)
    return record?.recorded === true && record.releaseTime !== undefined
  })

  const folder = join(runtime.dataDir, 'engine', 'recordings')
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.wav'))
  expect(files).toHaveLength(1)
  const read = async () => readStereo(await readFile(join(folder, files[0] ?? '')))
  // The media server writes the last of it when the call is already over.
  await until('the recording is as long as the talk', async () => seconds(await read()) > 2.5, 5000)
  expect(seconds(await read())).toBeLessThan(5)
  const { left, right, rate } = await read()
  expect(shareAt(left, callerHertz, rate)).toBeGreaterThan(0.6)
  expect(shareAt(right, calleeHertz, rate)).toBeGreaterThan(0.6)
  expect(shareAt(left, calleeHertz, rate)).toBeLessThan(0.05)
  expect(shareAt(right, callerHertz, rate)).toBeLessThan(0.05)
})

const seconds = ({ left, rate }: { left: Int16Array; rate: number }) => left.length / rate
