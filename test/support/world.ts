import type { BindRequest } from './api.ts'
import type { CatalogEntry } from './catalog.ts'
import type { Engine } from './engine.ts'
import { createTrunkLine, type TrunkLine } from './lines.ts'
import { type Cast, play, type Stage } from './play.ts'
import { until } from './ports.ts'
import { type Runtime, ringbackCode } from './runtime.ts'

/** Trunks, pool and numbers of the catalogue's stories, made over the engine's own interface. */
export type World = {
  readonly stage: Stage
  readonly poolKey: string
  cast(index: number): Cast
  /** Makes the binding that the entry wants; what it gives back is to be done in mid-call. */
  prepare(entry: CatalogEntry, cast: Cast): Promise<(() => Promise<void>) | undefined>
  close(): void
}

export async function createWorld(engine: Engine, runtime: Runtime): Promise<World> {
  const { api } = engine
  const main = await createTrunkLine({ host: '127.0.0.1' })
  const second = await createTrunkLine({ host: '127.0.0.1' })
  await createTrunks(engine, main, second)
  const { key: poolKey } = await api.createPool(`stories ${seed}`)
  const stage = { engine: runtime.sip, trunks: [main, second] }
  await untilTrunksAreKnown(stage)
  return {
    stage,
    poolKey,
    cast,
    async prepare(entry, people) {
      await api.addNumbers(poolKey, [people.x])
      const wanted = entry.binding ?? {}
      if (wanted.none === true) return undefined
      const { id, expiresAt } = await api.bind(bindRequest(entry, people, poolKey))
      if (wanted.expired === true) {
        const at = new Date(expiresAt).getTime()
        await until('the binding expires', () => Date.now() > at, 90_000)
      }
      if (wanted.removedDuringCall !== true) return undefined
      return async () => void (await api.unbind(id))
    },
    close() {
      main.close()
      second.close()
    },
  }
}

/** The shortest that the engine takes is a minute. */
const expiresSoonMs = 61_500
const expiresMs = 3_600_000

function bindRequest(entry: CatalogEntry, people: Cast, poolKey: string): BindRequest {
  const wanted = entry.binding ?? {}
  const livesMs = wanted.expired === true ? expiresSoonMs : expiresMs
  return {
    poolKey,
    phoneA: people.a,
    phoneB: people.b,
    x: people.x,
    expiresAt: new Date(Date.now() + livesMs).toISOString(),
    ...(wanted.recording === undefined ? {} : { recording: wanted.recording }),
    ...(wanted.ringback === true ? { tones: { a: ringbackCode, peer: ringbackCode } } : {}),
    ...(wanted.ringSeconds === undefined ? {} : { ringSeconds: wanted.ringSeconds }),
  }
}

async function createTrunks({ api }: Engine, main: TrunkLine, second: TrunkLine): Promise<void> {
  const line = { host: '127.0.0.1', transport: 'udp' as const }
  await api.createTrunk({
    ...line,
    id: 'main',
    port: main.port,
    addresses: ['127.0.0.1'],
    priority: 1,
    trustsIdentity: true,
  })
  await api.createTrunk({ ...line, id: 'second', port: second.port, addresses: [], priority: 2 })
  await api.createTrunk({ ...line, id: 'doubtful', port: 5060, addresses: ['127.0.0.2'] })
}

/** Routers look for new trunks every few seconds; until then their calls are a stranger's. */
async function untilTrunksAreKnown(stage: Stage): Promise<void> {
  const entry: CatalogEntry = {
    id: 'trial',
    story: 'A known trunk calls a number that is not ours.',
    caller: 'uac/expect-refusal',
    callees: [],
    dials: 'unknown',
  }
  let trial = 0
  await until(
    'the trunks are known',
    async () => (await play(entry, cast(9000 + trial++), stage)).status === 404,
    30_000,
    500,
  )
}

/** Other numbers in each run, so that a database that is kept between runs does no harm. */
const seed = Date.now() % 100_000_000

/** Numbers that have little in common, so that one of them is never found in another by chance. */
function cast(index: number): Cast {
  const number = (prefix: string, step: number, offset: number) =>
    `+86${prefix}${String((seed * 31 + offset + index * step) % 100_000_000).padStart(8, '0')}`
  return {
    a: number('138', 7_919_173, 0),
    b: number('159', 10_472_911, 31_415_926),
    x: number('170', 3_571_283, 62_831_853),
    stranger: number('187', 5_915_587, 27_182_818),
    unknownX: number('171', 4_256_249, 14_142_135),
  }
}
