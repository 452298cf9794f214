import { createBindings } from '../../src/bindings/bindings.ts'
import { createCacheKeeper } from '../../src/bindings/cache-keeper.ts'
import { createRoutePublisher } from '../../src/bindings/route-publisher.ts'
import type { Product } from '../../src/domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../../src/domain/ids.ts'
import { PhoneNumber } from '../../src/domain/phone-number.ts'
import { createBlacklist } from '../../src/numbers/blacklist.ts'
import { createCities } from '../../src/numbers/cities.ts'
import { createGroups } from '../../src/numbers/groups.ts'
import { createNumbers } from '../../src/numbers/numbers.ts'
import { createPoolRefresh } from '../../src/numbers/pool-refresh.ts'
import { createPools } from '../../src/numbers/pools.ts'
import { type Clock, systemClock } from '../../src/platform/clock.ts'
import { createLogger } from '../../src/platform/logger.ts'
import type { Redis } from '../../src/platform/redis.ts'
import type { Sql } from '../../src/platform/sql.ts'
import { createVault } from '../../src/platform/vault.ts'
import { createCacheTrust } from '../../src/resolve/cache-trust.ts'
import { createResolveRoute, type LookupSource } from '../../src/resolve/resolve-route.ts'
import { createRouteCache } from '../../src/resolve/route-cache.ts'
import { use } from './at-rest.ts'

export const testVault = createVault([{ id: 'k1', bytes: Buffer.alloc(32, 7) }])
export const testCities = createCities()
export const mainAccount = 'main' as AccountId
const log = createLogger({ level: 'silent' })

/** What an API process has. `lateMsMax`: how late, at random, its writes reach Redis. */
export function apiRooms({
  sql,
  redis,
  clock,
  lateMsMax = 0,
  random = Math.random,
}: {
  sql: Sql
  redis: Redis
  clock?: Clock
  lateMsMax?: number
  /** Decides which X is allocated. */
  random?: () => number
}) {
  const cache = createRouteCache({ redis })
  const write: typeof cache.write = async (change) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * lateMsMax))
    await cache.write(change)
  }
  const records = lateMsMax === 0 ? cache : { ...cache, write }
  const publisher = createRoutePublisher({ sql, records, log })
  const vault = testVault
  return {
    publisher,
    bindings: createBindings({
      sql,
      vault,
      clock: clock ?? systemClock,
      cities: testCities,
      publisher,
      random,
    }),
    pools: createPools({ sql, publisher }),
    blacklist: createBlacklist({ sql, vault, publisher }),
    groups: createGroups({ sql, vault, clock: clock ?? systemClock, publisher }),
    numbers: createNumbers({ sql, vault, cities: testCities, publisher }),
  }
}

/** What a router process has. `sources` counts where its answers came from. */
export function routerRooms({ sql, redis }: { sql: Sql; redis: Redis }) {
  const cache = createRouteCache({ redis })
  const trust = createCacheTrust({ redis, cache, sql, log })
  const sources: Record<LookupSource, number> = { redis: 0, miss: 0, postgres: 0, failed: 0 }
  const onLookup = (source: LookupSource) => {
    sources[source] += 1
  }
  const vault = testVault
  return {
    cache,
    trust,
    sources,
    resolve: createResolveRoute({ cache, trust, sql, vault, log, onLookup }),
  }
}

/** What a worker process has. */
export function workerRooms({ sql, redis, clock }: { sql: Sql; redis: Redis; clock?: Clock }) {
  const records = createRouteCache({ redis })
  const publisher = createRoutePublisher({ sql, records, log })
  const duties = [
    { name: 'pool-refresh', everyMs: 0, work: createPoolRefresh({ sql, publisher }).finishLeft },
  ]
  return { keeper: createCacheKeeper({ sql, records, clock: clock ?? systemClock, log, duties }) }
}

export function phone(e164: string): PhoneNumber {
  use(e164)
  const number = PhoneNumber.fromE164(e164)
  if (number === undefined) throw new Error('not E.164')
  return number
}

/** Real numbers for tests, all different: `+8613800000000` and up. */
export function person(at: number): PhoneNumber {
  return phone(`+86138${String(at).padStart(8, '0')}`)
}

export function xAt(at: number): VirtualNumber {
  return `+86170${String(at).padStart(8, '0')}` as VirtualNumber
}

export function inMinutes(minutes: number, from = new Date()): Date {
  return new Date(from.getTime() + minutes * 60_000)
}

export async function poolWith(
  rooms: Pick<ReturnType<typeof apiRooms>, 'pools' | 'numbers'>,
  numbers: readonly VirtualNumber[],
  product: Product = 'AXB',
): Promise<PoolKey> {
  const controlUrl = product === 'X_MODE' ? 'https://calls.example.com/' : undefined
  const asked = { accountId: mainAccount, name: 'test', product, controlUrl }
  const pool = await rooms.pools.create(asked)
  for (let at = 0; at < numbers.length; at += 1000) {
    const part = numbers.slice(at, at + 1000)
    await rooms.numbers.add({ accountId: mainAccount, poolKey: pool.key, numbers: part })
  }
  return pool.key
}

/** Waits for a condition, with a limit. */
export async function until(condition: () => boolean | Promise<boolean>, msMax = 15_000) {
  const end = Date.now() + msMax
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition did not come true')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
