import { systemClock } from '../platform/clock.ts'
import { createCacheTrust } from '../resolve/cache-trust.ts'
import { createResolveRoute, type ResolveRoute } from '../resolve/resolve-route.ts'
import { createRouteCache } from '../resolve/route-cache.ts'
import { createSimulate, type Simulate } from '../route/simulate.ts'
import { createTrunkDirectory, type TrunkDirectory } from '../trunks/trunk-directory.ts'
import { createTrunks } from '../trunks/trunks.ts'
import type { Shared } from './shared.ts'

/** What calls are decided on: asked by the router, and by whoever wants to know beforehand. */
export type Lookups = {
  readonly resolveRoute: ResolveRoute
  readonly trunks: TrunkDirectory
  readonly simulate: Simulate
}

/** `trunksNeeded`: without them this process is of no use. */
export async function startLookups(
  { settings, sql, redis, vault, log, metrics, closers }: Shared,
  { trunksNeeded }: { readonly trunksNeeded: boolean },
): Promise<Lookups> {
  const trunks = createTrunkDirectory({ trunks: createTrunks({ sql }), log })
  closers.push({ name: 'trunks', close: () => trunks.stop() })
  await trunks.start().catch((err: unknown) => {
    if (trunksNeeded) throw err
    log.warn({ err }, 'starting without trunks')
  })

  const cache = createRouteCache({ redis })
  const trust = createCacheTrust({ redis, cache, sql, log })
  trust.start()
  closers.push({ name: 'cache trust', close: () => trust.stop() })
  const onLookup = (source: string) => metrics.resolves.inc({ source })
  const parts = { cache, trust, sql, vault, log }
  return {
    resolveRoute: createResolveRoute({ ...parts, onLookup }),
    trunks,
    simulate: createSimulate({
      // Not counted: the counter is of calls.
      resolve: createResolveRoute(parts),
      trunks: () => trunks.outgoing().map(({ id }) => id),
      unmatchedSipStatus: settings.UNMATCHED_SIP_STATUS,
      now: systemClock.now,
    }),
  }
}
