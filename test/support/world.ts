import { type Cast, castOf } from './cast.ts'
import type { CatalogEntry, Product, Scene } from './catalog.ts'
import type { Engine } from './engine.ts'
import { createTrunkLine, type TrunkLine } from './lines.ts'
import { play, type Stage } from './play.ts'
import { until } from './ports.ts'
import type { Runtime } from './runtime.ts'
import { createGround, type Ground } from './story-ground.ts'

/** Trunks, pools and numbers of the catalogue's stories, made over the engine's own interface. */
export type World = {
  readonly stage: Stage
  cast(index: number, product?: Product): Cast
  /** Makes the pool, the number and the bindings that the story wants. */
  prepare(entry: CatalogEntry, cast: Cast): Promise<Ground>
  close(): void
}

export async function createWorld(engine: Engine, runtime: Runtime): Promise<World> {
  const { api } = engine
  const main = await createTrunkLine({ host: '127.0.0.1' })
  const second = await createTrunkLine({ host: '127.0.0.1' })
  await createTrunks(engine, main, second)
  const stage = { engine: runtime.sip, trunks: [main, second] }
  await untilTrunksAreKnown(stage)
  const pools = createPools(engine)
  return {
    stage,
    cast: castOf,
    async prepare(entry, cast) {
      const poolKey = await pools.keyFor(entry)
      return createGround({ api, entry, cast, poolKey })
    },
    close() {
      main.close()
      second.close()
    },
  }
}

/** One pool for all stories of a product, and one for each story that wants something of its pool. */
function createPools({ api }: Engine) {
  const shared = new Map<Product, Promise<string>>()
  const run = (Date.now() % 100_000_000).toString(36)
  let count = 0
  const create = async (product: Product, pool: CatalogEntry['pool']) => {
    const name = `story ${run} ${++count}`
    return (await api.createPool({ name, product, ...pool })).key
  }
  return {
    keyFor({ product = 'AXB', pool }: CatalogEntry): Promise<string> {
      if (pool !== undefined) return create(product, pool)
      const key = shared.get(product) ?? create(product, undefined)
      shared.set(product, key)
      return key
    },
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
  const strange: Scene = {
    caller: 'uac/expect-refusal',
    callees: [],
    dials: 'unknown',
  }
  let trial = 0
  await until(
    'the trunks are known',
    async () => (await play(strange, castOf(9000 + trial++), stage)).status === 404,
    30_000,
    500,
  )
}
