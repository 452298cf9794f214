import type { RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallRecord } from '../support/api.ts'
import { everybody, numberOf, parts } from '../support/cast.ts'
import { type CatalogEntry, readCatalog, type Scene, scenesOf } from '../support/catalog.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { countEvents } from '../support/events.ts'
import { findLeaks } from '../support/leak-check.ts'
import { createLimiter } from '../support/limiter.ts'
import { play } from '../support/play.ts'
import { until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import { canBeSimulated, simulationFaults, simulationOf } from '../support/simulation-verdict.ts'
import type { Ground } from '../support/story-ground.ts'
import { verdict } from '../support/verdict.ts'
import { createWorld, type World } from '../support/world.ts'

/** Stories at the same time: enough that the slow ones do not add up, few enough for two cores. */
const atOnce = 12
const recordMsMax = 15_000

type TestTask = RunnerTestFile | RunnerTestSuite | RunnerTestCase

const entries = await readCatalog()
const inTurn = createLimiter(atOnce)
let runtime: Runtime
let engine: Engine
let world: World
const verdicts = new Map<string, Promise<string[]>>()

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime)
  world = await createWorld(engine, runtime)
})

afterAll(async () => {
  await Promise.allSettled(verdicts.values())
  world?.close()
  await engine?.stop()
  await runtime?.stop()
})

describe('the catalogue of scenarios', () => {
  test.for(entries.map((entry) => [entry.id, entry] as const))(
    '%s',
    { timeout: 240_000 },
    async ([id], { task }) => {
      if (verdicts.size === 0) playThose(namesIn(task.file))
      expect(await verdicts.get(id)).toEqual([])
    },
  )
})

describe('when all is played', () => {
  test('no call is left', async () => {
    await Promise.allSettled(verdicts.values())
    await until('all calls are over', async () => (await engine.api.liveCalls()).length === 0)
  })

  test('no server has died', async () => {
    await Promise.allSettled(verdicts.values())
    expect(runtime.deaths).toEqual([])
  })

  test('nobody was called who is not in the stories', async () => {
    await Promise.allSettled(verdicts.values())
    expect(world.stage.trunks.flatMap((trunk) => trunk.strangers)).toEqual([])
  })

  test('every call has one start and one end on the reporting stream', async () => {
    await Promise.allSettled(verdicts.values())
    const counts = await countEvents(runtime.redisUrl)
    const odd = [...counts].filter(([, each]) => each['start'] !== 1 || each['end'] !== 1)
    expect(odd).toEqual([])
    expect(counts.size).toBeGreaterThan(entries.length / 2)
  })

  test('the log shows no number', async () => {
    await Promise.allSettled(verdicts.values())
    const log = engine.log()
    const leaks = entries.flatMap((_, index) =>
      everybody
        .map((who) => numberOf(world.cast(index), who).slice(3))
        .filter((number) => log.includes(number)),
    )
    expect(leaks).toEqual([])
    const { a, b } = world.cast(0)
    expect([...findLeaks(Buffer.from(log), a), ...findLeaks(Buffer.from(log), b)]).toEqual([])
  })
})

/** Names of the tests that are not filtered out: a story that nobody asks for need not be played. */
function namesIn(task: TestTask): ReadonlySet<string> {
  if (task.type === 'test') return new Set(task.mode === 'run' ? [task.name] : [])
  return new Set(task.tasks.flatMap((each) => [...namesIn(each)]))
}

/** Slow stories first, so that they are not the last to run all alone. */
function playThose(names: ReadonlySet<string>): void {
  const order = entries
    .map((entry, index) => ({ entry, index }))
    .filter(({ entry }) => names.has(entry.id))
    .sort((a, b) => (b.entry.secondsMax ?? 0) - (a.entry.secondsMax ?? 0))
  for (const { entry, index } of order) {
    verdicts.set(
      entry.id,
      judge(entry, index).catch((err: unknown) => [`it could not be played: ${String(err)}`]),
    )
  }
}

/** Plays the calls of a story, one after the other. */
async function judge(entry: CatalogEntry, index: number): Promise<string[]> {
  const cast = world.cast(index, entry.product)
  const ground = await inTurn(() => world.prepare(entry, cast))
  const known = new Set<string>()
  const faults: string[] = []
  for (const [at, scene] of scenesOf(entry).entries()) {
    await ground.untilItIsTime(scene)
    const act = () => judgeOne(scene, ground, known)
    // What has to be in time cannot wait its turn.
    const found = await (scene.secondsToExpiry === undefined ? inTurn(act) : act())
    faults.push(...found.map((fault) => (at === 0 ? fault : `call ${at + 1}: ${fault}`)))
  }
  return faults
}

/** `isAlone`: no other call on the same X is up, whose record would be found too. */
async function judgeOne(
  scene: Scene,
  ground: Ground,
  known: Set<string>,
  isAlone = scene.meanwhile === undefined,
): Promise<string[]> {
  await ground.make(scene.before ?? [])
  const others: string[] = []
  const whenAnswered = async () => {
    await ground.make(scene.duringCall ?? [])
    if (scene.meanwhile === undefined) return
    const found = await judgeOne(scene.meanwhile, ground, known, false)
    others.push(...found.map((fault) => `meanwhile: ${fault}`))
  }
  const played = await play(scene, ground.cast, world.stage, whenAnswered)
  const bindingId = isAlone ? undefined : ground[scene.meets ?? 'first']
  const records = await recordsOf(scene, parts(scene, ground.cast).x, (record) => {
    return !known.has(record.id) && (isAlone || record.bindingId === bindingId)
  })
  for (const { id } of records) known.add(id)
  return [
    ...(await verdict(scene, ground, played, records)),
    ...(canBeSimulated(scene) ? await simulate(scene, ground) : []),
    ...others,
  ]
}

/** The simulation comes after the call, so that it cannot have prepared the look-up of the call. */
async function simulate(scene: Scene, ground: Ground): Promise<string[]> {
  const found = await ground.reader.simulate(simulationOf(scene, ground.cast))
  return simulationFaults(scene, ground, found)
}

/** Records come over journal, stream and a batch, so they are waited for. */
async function recordsOf(
  scene: Scene,
  x: string,
  isMine: (record: CallRecord) => boolean,
): Promise<readonly CallRecord[]> {
  let records: readonly CallRecord[] = []
  const complete = async () => {
    records = (await engine.api.callsTo(x)).filter(isMine)
    return records.length > 0 && records.every((each) => each.releaseTime !== undefined)
  }
  const mayBeNone = scene.cause === undefined
  await until('the record is complete', complete, mayBeNone ? 2000 : recordMsMax, 200).catch(
    () => undefined,
  )
  return records
}
