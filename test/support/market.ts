import { createRoutePublisher } from '../../src/bindings/route-publisher.ts'
import { createInventory } from '../../src/numbers/inventory.ts'
import { createOrders } from '../../src/numbers/orders.ts'
import { priceListFrom } from '../../src/numbers/price-list.ts'
import { createStockLeft } from '../../src/numbers/remaining.ts'
import { type Clock, systemClock } from '../../src/platform/clock.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { createNumberParser } from '../../src/platform/phone-numbers.ts'
import type { Redis } from '../../src/platform/redis.ts'
import type { Sql } from '../../src/platform/sql.ts'
import { createRouteCache } from '../../src/resolve/route-cache.ts'
import { testCities, testVault } from './data-rooms.ts'

/** What sells numbers. */
export function marketRooms({ sql, redis, clock }: { sql: Sql; redis: Redis; clock?: Clock }) {
  const cities = testCities
  const log = createLogger({ level: 'silent' })
  const publisher = createRoutePublisher({ sql, records: createRouteCache({ redis }), log })
  const stockLeft = createStockLeft({ sql, cities })
  const parser = createNumberParser({ country: 'CN' })
  return {
    publisher,
    cities,
    stockLeft,
    inventory: createInventory({ sql, vault: testVault, cities, parser }),
    orders: createOrders({
      sql,
      clock: clock ?? systemClock,
      prices: priceListFrom({}),
      cities,
      stockLeft,
      publisher,
    }),
  }
}

/** Lines `number,class,city` for numbers that follow each other. */
export function stockCsv(first: string, count: number, facts: string): string {
  const lines = Array.from({ length: count }, (_, at) => `${BigInt(first) + BigInt(at)},${facts}`)
  return `number,class,city\n${lines.join('\n')}\n`
}
