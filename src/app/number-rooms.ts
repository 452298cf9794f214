import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Cities } from '../numbers/cities.ts'
import { createInventory } from '../numbers/inventory.ts'
import { createNumbers } from '../numbers/numbers.ts'
import { createOrders } from '../numbers/orders.ts'
import { readPriceList } from '../numbers/price-list.ts'
import { createStockLeft } from '../numbers/remaining.ts'
import { systemClock } from '../platform/clock.ts'
import type { NumberParser } from '../platform/phone-numbers.ts'
import type { Settings } from '../platform/settings.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'

/** X numbers, the stock that they come from, and its sale. Throws when the price list is not usable. */
export async function createNumberRooms(deps: {
  sql: Sql
  vault: Vault
  cities: Cities
  parser: NumberParser
  publisher: {
    forget(rows: readonly RouteInvalidation[]): Promise<void>
    settle(x: VirtualNumber): Promise<void>
  }
  settings: Settings
}) {
  const { sql, vault, cities, parser, publisher, settings } = deps
  const prices = await readPriceList(settings.PRICES_FILE)
  const stockLeft = createStockLeft({ sql, cities })
  const poolDefaults = {
    ringSecondsMax: settings.RING_SECONDS_MAX,
    talkSecondsMax: settings.TALK_SECONDS_MAX,
  }
  return {
    cities,
    stockLeft,
    numbers: createNumbers({
      sql,
      vault,
      cities,
      publisher,
      restDays: settings.NUMBER_REST_DAYS,
    }),
    inventory: createInventory({ sql, vault, cities, parser }),
    orders: createOrders({
      sql,
      clock: systemClock,
      prices,
      cities,
      stockLeft,
      publisher,
      poolDefaults,
    }),
  }
}
