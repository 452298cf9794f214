import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startEngine } from '../test/support/engine.ts'
import { createFleet, type Fleet } from '../test/support/fleet.ts'
import { type Runtime, startRuntime } from '../test/support/runtime.ts'
import { built } from './bench-built.ts'
import { type Comparison, compare } from './bench-comparison.ts'
import { perSecond } from './bench-rate.ts'

type Shape = { readonly rounds: number; say(text: string): void }

const inFlight = 64
/** Short and many: what disturbs one of them does not decide. */
const roundsPerRound = 3
const bindings = 500
/** About what a bound route record holds. */
const valueBytes = 300

/** Lookups of the engine's own resolve, as built, against GETs of the same client library. */
export async function benchResolve(shape: Shape): Promise<Comparison[]> {
  const runtime = await startRuntime()
  try {
    const rest = await startEngine(runtime, { name: 'rest', roles: 'api,worker' })
    try {
      const fleet = await createFleet(rest.api, { size: bindings })
      return await compareLookups(runtime, fleet, shape)
    } finally {
      await rest.stop()
    }
  } finally {
    await runtime.stop()
  }
}

async function compareLookups(runtime: Runtime, fleet: Fleet, shape: Shape): Promise<Comparison[]> {
  const bare = await createBareGets(runtime, fleet)
  const ours = await createLookups(runtime, fleet)
  const rates = { ours: [] as number[], bare: [] as number[] }
  try {
    const rounds = shape.rounds * roundsPerRound
    for (let round = 1; round <= rounds; round++) {
      rates.bare.push(await perSecond(bare.once, { inFlight }))
      rates.ours.push(await perSecond(ours.once, { inFlight }))
      shape.say(
        `round ${round} of ${rounds}: ${rates.bare.at(-1)?.toFixed(0)} GETs, ${rates.ours.at(-1)?.toFixed(0)} lookups per second`,
      )
    }
  } finally {
    await bare.close()
    await ours.close()
  }
  return [compare({ name: 'a lookup', unit: 'per second', ...rates, goal: { least: 0.6 } })]
}

type Subject = { once(at: number): Promise<unknown>; close(): Promise<void> }

async function createBareGets(runtime: Runtime, fleet: Fleet): Promise<Subject> {
  const redis = new Redis(runtime.redisUrl.replace(/^unix:\/\//, ''))
  const keys = fleet.callers.map((_, at) => `bench:${at}`)
  await Promise.all(keys.map((key) => redis.set(key, 'x'.repeat(valueBytes))))
  return {
    once: (at) => redis.get(keys[at % keys.length] ?? ''),
    async close() {
      await redis.del(...keys)
      redis.disconnect()
    },
  }
}

async function createLookups(runtime: Runtime, fleet: Fleet): Promise<Subject> {
  const { createLogger } = await built.logger()
  const { createRedis, redisReady } = await built.redis()
  const { createSql } = await built.sql()
  const vaults = await built.vault()
  const { createNumberParser } = await built.phoneNumbers()
  const { createRouteCache } = await built.routeCache()
  const { createCacheTrust } = await built.cacheTrust()
  const { createResolveRoute } = await built.resolveRoute()
  const log = createLogger({ level: 'silent' })
  const redis = createRedis({ url: runtime.redisUrl, log, name: 'bench' })
  await redisReady(redis)
  const sql = createSql({ url: runtime.databaseUrl, log })
  const vault = vaults.createVault(
    await vaults.readVaultKeys(join(runtime.dataDir, 'engine', 'number-keys')),
  )
  const cache = createRouteCache({ redis })
  const trust = createCacheTrust({ redis, cache, sql, log })
  trust.start()
  const sources: Record<string, number> = {}
  const onLookup = (source: string) => {
    sources[source] = (sources[source] ?? 0) + 1
  }
  const resolve = createResolveRoute({ cache, trust, sql, vault, log, onLookup })
  const parser = createNumberParser({ country: 'CN' })
  const attempts = fleet.callers.flatMap(({ caller, dialled }) => {
    const x = parser.virtual(dialled)
    return x === undefined ? [] : [{ caller: parser.real(caller), dialled: x }]
  })
  return {
    once: async (at) => {
      const attempt = attempts[at % attempts.length]
      const route = attempt === undefined ? undefined : await resolve(attempt)
      if (route?.binding === undefined) throw new Error('a lookup found no binding')
    },
    async close() {
      await trust.stop()
      redis.disconnect()
      await sql.close()
      const others = Object.keys(sources).filter((source) => source !== 'redis')
      const fromElsewhere = others.reduce((sum, source) => sum + (sources[source] ?? 0), 0)
      if (fromElsewhere > fleet.callers.length * 2) throw new Error('Redis was hardly asked')
    },
  }
}
