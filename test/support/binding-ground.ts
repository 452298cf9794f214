import { afterAll, beforeAll } from 'vitest'
import type { BindCommand } from '../../src/bindings/binding.ts'
import type { Product } from '../../src/domain/call.ts'
import type { PoolKey, VirtualNumber } from '../../src/domain/ids.ts'
import type { Redis } from '../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  routerRooms,
  testCities,
  until,
  workerRooms,
  xAt,
} from './data-rooms.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'
import { startRedis, type TestRedis } from './redis.ts'

type PoolOptions = {
  readonly product?: Product
  readonly assignmentMode?: 'default' | 'strict' | 'smart'
  readonly coolingDays?: number
}

/** An API process and a router on a Postgres and a Redis of the file's own, and a clock that the test moves. */
export function bindingGround(options: { random?: () => number } = {}) {
  let database: TestDatabase
  let server: TestRedis
  let redis: Redis
  let rooms: ReturnType<typeof apiRooms>
  let router: ReturnType<typeof routerRooms>
  let keeper: ReturnType<typeof workerRooms>['keeper']
  let now = new Date()
  let nextX = 0

  beforeAll(async () => {
    // It takes a while and lets nothing else run: connections that are being made would not wait.
    testCities.warm()
    database = await createTestDatabase()
    server = await startRedis()
    redis = await server.client()
    rooms = apiRooms({ sql: database.sql, redis, clock: { now: () => now }, ...options })
    router = routerRooms({ sql: database.sql, redis })
    // Goes by the real time, so it sweeps nothing that the test's clock has let expire.
    keeper = workerRooms({ sql: database.sql, redis }).keeper
    keeper.start()
    router.trust.start()
    await until(() => router.trust.believes(xAt(0)))
  })
  afterAll(async () => {
    await router.trust.stop()
    await keeper.stop()
    await rooms.publisher.close()
    await server.stop()
    await database.drop()
  })

  return {
    get sql() {
      return database.sql
    },
    get redis() {
      return redis
    },
    get bindings() {
      return rooms.bindings
    },
    get rooms() {
      return rooms
    },
    get router() {
      return router
    },
    get now() {
      return now
    },
    set now(time: Date) {
      now = time
    },

    /** New numbers, never used before in this file. */
    numbers(count: number): VirtualNumber[] {
      nextX += count
      return Array.from({ length: count }, (_, at) => xAt(nextX - count + at))
    },

    async pool(
      options: PoolOptions,
      numbers: readonly { readonly city?: string; readonly numbers: readonly VirtualNumber[] }[],
    ): Promise<PoolKey> {
      const asked = { accountId: mainAccount, name: 'test', product: 'AXB' as const, ...options }
      const controlUrl = asked.product === 'X_MODE' ? 'https://calls.example.com/' : undefined
      const { key } = await rooms.pools.create({ ...asked, controlUrl })
      for (const part of numbers) {
        await rooms.numbers.add({ accountId: mainAccount, poolKey: key, ...part })
      }
      return key
    },

    command(poolKey: PoolKey, change: Partial<BindCommand> = {}): BindCommand {
      return {
        accountId: mainAccount,
        poolKey,
        a: person(1),
        b: person(2),
        expiresAt: inMinutes(60, now),
        ...change,
      }
    },

    /** Live and unswept bindings against what each number says. */
    async drifted(): Promise<readonly object[]> {
      return database.sql.rows({
        name: 'test.drifted',
        text: `
          select n.x, n.bound, count(distinct l.binding_id)::int as with_legs,
                 (select count(*)::int from binding b where b.x = n.x and b.ended_at is null) as unended
            from number n left join binding_leg l on l.x = n.x
           group by n.x, n.bound
          having n.bound <> count(distinct l.binding_id)
              or n.bound <> (select count(*) from binding b where b.x = n.x and b.ended_at is null)`,
        values: [],
      })
    },
  }
}
