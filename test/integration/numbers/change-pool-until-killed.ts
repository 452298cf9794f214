import { createRoutePublisher } from '../../../src/bindings/route-publisher.ts'
import type { AccountId, PoolKey } from '../../../src/domain/ids.ts'
import { createPools } from '../../../src/numbers/pools.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createRedis, redisReady } from '../../../src/platform/redis.ts'
import { createSql } from '../../../src/platform/sql.ts'
import { createRouteCache } from '../../../src/resolve/route-cache.ts'

/** An API process for the tests: changes a pool's ring limit, and is killed before it has done so. */
async function changePoolUntilKilled(
  databaseUrl: string,
  redisUrl: string,
  poolKey: string,
): Promise<void> {
  const log = createLogger({ level: 'silent' })
  const sql = createSql({ url: databaseUrl, log })
  const redis = createRedis({ url: redisUrl, log, name: 'child' })
  await redisReady(redis)
  const publisher = createRoutePublisher({ sql, records: createRouteCache({ redis }), log })
  const pools = createPools({ sql, publisher })
  await pools.change('main' as AccountId, poolKey as PoolKey, { ringSecondsMax: 33 })
}

const [, , databaseUrl = '', redisUrl = '', poolKey = ''] = process.argv
await changePoolUntilKilled(databaseUrl, redisUrl, poolKey)
