import { join } from 'node:path'
import pg from 'pg'
import type { VirtualNumber } from '../src/domain/ids.ts'
import { type LoadedProduct, loadBindings, xOfBinding } from './bench-bindings-load.ts'
import { built } from './bench-built.ts'
import { type Comparison, compare, type Fact, median } from './bench-comparison.ts'
import type { BenchGround } from './bench-ground.ts'
import { aAt } from './bench-people.ts'
import { perSecond } from './bench-rate.ts'
import { redisBytes, settleRedis } from './bench-redis.ts'

export type SizesShape = {
  readonly rounds: number
  /** Live bindings, from few to many. */
  readonly sizes: readonly number[]
  /** Of each round and size. */
  readonly measuredMs?: number
  say(text: string): void
}

const inFlight = 64
/** So many of the bindings are looked up, chosen by chance, whatever the size: what the bench itself keeps is the same. */
const askedMax = 50_000
/** Of the products of which only the bytes are wanted. */
const bytesSize = 100_000

type Place = {
  readonly size: number
  once(at: number): Promise<unknown>
  readonly facts: readonly Fact[]
  close(): Promise<void>
}

/**
 * Each size has a Redis and a database of its own, all at once, so that sizes take turns within a
 * second or two of each other and share whatever else the machine is doing.
 */
export async function benchSizes(
  ground: BenchGround,
  shape: SizesShape,
): Promise<{ comparisons: Comparison[]; facts: Fact[] }> {
  const places: Place[] = []
  try {
    const facts: Fact[] = []
    const smallest = Math.min(bytesSize, shape.sizes.at(-1) ?? bytesSize)
    for (const product of ['AXN', 'AXN_EXTENSION'] as const) {
      const place = await prepare(ground, product, smallest, shape)
      facts.push(...place.facts)
      await place.close()
    }
    for (const size of shape.sizes) places.push(await prepare(ground, 'AXB', size, shape))
    const measured = await compareSizes(places, shape)
    return {
      comparisons: measured.comparisons,
      facts: [...measured.facts, ...places.flatMap((place) => place.facts), ...facts],
    }
  } finally {
    for (const place of places) await place.close()
  }
}

async function compareSizes(
  places: readonly Place[],
  shape: SizesShape,
): Promise<{ comparisons: Comparison[]; facts: Fact[] }> {
  const rates = new Map<number, number[]>(places.map(({ size }) => [size, []]))
  for (let round = 1; round <= shape.rounds; round++) {
    // There and back again: what drifts within a round hits no size more than another.
    for (const place of round % 2 === 0 ? places : places.toReversed()) {
      const ms = shape.measuredMs === undefined ? {} : { ms: shape.measuredMs }
      rates.get(place.size)?.push(await perSecond(place.once, { inFlight, ...ms }))
    }
    const line = places.map(
      ({ size }) => `${rates.get(size)?.at(-1)?.toFixed(0)} of ${shortly(size)}`,
    )
    shape.say(`round ${round} of ${shape.rounds}: lookups per second, ${line.join(', ')}`)
  }
  const facts = places.map(({ size }) => ({
    name: `lookups, ${shortly(size)} live bindings`,
    unit: 'per second',
    value: median(rates.get(size) ?? []),
  }))
  const first = places[0]?.size ?? 0
  const last = places.at(-1)?.size ?? 0
  const name = `a lookup of ${shortly(last)}, not ${shortly(first)}`
  const given = { ours: rates.get(last) ?? [], bare: rates.get(first) ?? [] }
  const comparison = compare({ name, unit: 'per second', ...given, goal: { least: 0.9 } })
  return { comparisons: [comparison], facts }
}

async function prepare(
  ground: BenchGround,
  product: LoadedProduct,
  size: number,
  { say }: SizesShape,
): Promise<Place> {
  const began = performance.now()
  const name = `${product.toLowerCase()}_${size}`
  const databaseUrl = await ground.database(name)
  const redisUrl = await ground.redis(name)
  const emptyBytes = await redisBytes(redisUrl)
  const engine = await connectEngine(ground, databaseUrl, redisUrl)
  await loadBindings({ ...engine, databaseUrl, product, count: size })
  await engine.cache.setReplayed(await engine.cache.runId())
  engine.trust.start()
  await settleRedis(redisUrl)
  const inRedis = (await redisBytes(redisUrl)) - emptyBytes
  say(
    `${shortly(size)} ${product} bindings loaded in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  return {
    size,
    facts: await bytesFacts(databaseUrl, { product, size, inRedis }),
    once: await createLookups(engine, product, size),
    close: () => engine.close(),
  }
}

async function connectEngine(ground: BenchGround, databaseUrl: string, redisUrl: string) {
  const [loggers, redises, sqls] = await Promise.all([built.logger(), built.redis(), built.sql()])
  const [vaults, caches, trusts] = await Promise.all([
    built.vault(),
    built.routeCache(),
    built.cacheTrust(),
  ])
  const log = loggers.createLogger({ level: 'silent' })
  const redis = redises.createRedis({ url: redisUrl, log, name: 'bench', commandMsMax: 60_000 })
  await redises.redisReady(redis)
  // A copy of the file being written in the background is no part of a lookup.
  await redis.config('SET', 'auto-aof-rewrite-percentage', '0')
  const sql = sqls.createSql({ url: databaseUrl, log })
  const keys = await vaults.readVaultKeys(join(ground.dataDir, 'engine', 'number-keys'))
  const vault = vaults.createVault(keys)
  const cache = caches.createRouteCache({ redis })
  const trust = trusts.createCacheTrust({ redis, cache, sql, log })
  return {
    ...{ log, sql, vault, cache, trust },
    async close() {
      await trust.stop()
      redis.disconnect()
      await sql.close()
    },
  }
}

type ConnectedEngine = Awaited<ReturnType<typeof connectEngine>>

async function createLookups(
  { cache, trust, sql, vault, log }: ConnectedEngine,
  product: LoadedProduct,
  size: number,
): Promise<Place['once']> {
  const { createResolveRoute } = await built.resolveRoute()
  const { PhoneNumber } = await built.phoneNumber()
  const resolve = createResolveRoute({ cache, trust, sql, vault, log })
  const asked = Array.from({ length: Math.min(askedMax, size * 10) }, () => {
    const at = Math.floor(Math.random() * size)
    return {
      caller: PhoneNumber.fromE164(aAt(at)),
      dialled: xOfBinding(product, at) as VirtualNumber,
    }
  })
  return async (at) => {
    const attempt = asked[at % asked.length]
    const route = attempt === undefined ? undefined : await resolve(attempt)
    if (route?.binding === undefined) throw new Error('a lookup found no binding')
    if (route.source !== 'redis') throw new Error('a lookup was not answered from Redis')
  }
}

async function bytesFacts(
  databaseUrl: string,
  { product, size, inRedis }: { product: LoadedProduct; size: number; inRedis: number },
): Promise<Fact[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ tables: string; indexes: string }>(`
    select sum(pg_table_size(each)) as tables, sum(pg_indexes_size(each)) as indexes
      from unnest(array['binding', 'binding_leg']::regclass[]) as each`)
  await client.end()
  const perBinding = (bytes: number) => Math.round(bytes / size)
  const of = `${product}, ${shortly(size)} bindings`
  return [
    { name: `Redis, ${of}`, unit: 'bytes per binding', value: perBinding(inRedis) },
    {
      name: `Postgres, rows, ${of}`,
      unit: 'bytes per binding',
      value: perBinding(Number(rows[0]?.tables)),
    },
    {
      name: `Postgres, indexes, ${of}`,
      unit: 'bytes per binding',
      value: perBinding(Number(rows[0]?.indexes)),
    },
  ]
}

/** `5·10⁶` in plain text. */
function shortly(size: number): string {
  if (size >= 1_000_000) return `${size / 1_000_000} million`
  return size.toLocaleString('en').replaceAll(',', ' ')
}
