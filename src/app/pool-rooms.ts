import type { RouteInvalidation } from '../domain/route-change.ts'
import { createBlacklist } from '../numbers/blacklist.ts'
import { createGroups } from '../numbers/groups.ts'
import { createPools } from '../numbers/pools.ts'
import { systemClock } from '../platform/clock.ts'
import type { Settings } from '../platform/settings.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'

/** Pools, and what hangs on them. */
export function createPoolRooms({
  sql,
  vault,
  publisher,
  settings,
}: {
  sql: Sql
  vault: Vault
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
  settings: Pick<Settings, 'CONTROL_URL_PRIVATE_HOSTS' | 'RING_SECONDS_MAX' | 'TALK_SECONDS_MAX'>
}) {
  return {
    pools: createPools({
      sql,
      publisher,
      privateHosts: settings.CONTROL_URL_PRIVATE_HOSTS,
      defaults: {
        ringSecondsMax: settings.RING_SECONDS_MAX,
        talkSecondsMax: settings.TALK_SECONDS_MAX,
      },
    }),
    blacklist: createBlacklist({ sql, vault, publisher }),
    groups: createGroups({ sql, vault, clock: systemClock, publisher }),
  }
}
