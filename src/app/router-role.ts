import { type CallJournal, createCallJournal } from '../cdr/call-journal.ts'
import { createRouterLease } from '../cdr/router-lease.ts'
import { causeOf } from '../domain/hangup.ts'
import type { ReadinessCheck } from '../http/operations.ts'
import { systemClock } from '../platform/clock.ts'
import { createNumberParser } from '../platform/phone-numbers.ts'
import { within } from '../platform/within.ts'
import { type Admission, createAdmission } from '../sip/admission.ts'
import { type Calls, startCalls } from './calls.ts'
import { foldersOf } from './folders.ts'
import type { Lookups } from './lookups.ts'
import { startRouterSightings } from './router-sightings.ts'
import type { Shared } from './shared.ts'
import { newTrunkHealth, startTrunkWatch } from './trunk-watch.ts'

export type Router = {
  readonly admission: Admission
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  drain(): Promise<void>
}

/** Everything that a call needs, started in the order in which a call needs it, SIP last. */
export async function startRouter(shared: Shared, lookups: Lookups): Promise<Router> {
  const { settings, log, metrics, liveCalls, closers } = shared
  const folders = foldersOf(settings)
  const journal = await startRecords(shared, folders.journal)
  const admission = createAdmission({
    callsMax: settings.CALLS_MAX,
    callsPerSecondMax: settings.CALLS_PER_SECOND_MAX,
    liveCalls: liveCalls.count,
    recordsFull: journal.isFull,
    nowMs: () => performance.now(),
  })
  metrics.watch({
    callsLive: liveCalls.count,
    journalBacklog: () => journal.stats().backlogEvents,
  })
  const trunkHealth = newTrunkHealth()
  const calls = startCalls({
    settings,
    log,
    metrics,
    admission,
    liveCalls,
    parser: createNumberParser({ country: settings.DEFAULT_COUNTRY }),
    resolveRoute: lookups.resolveRoute,
    append: journal.append,
    trunks: lookups.trunks,
    trunkHealth,
    folders,
  })
  closers.push({ name: 'calls', close: () => calls.close() })
  const { outgoing } = lookups.trunks
  startTrunkWatch({ servers: calls.servers, outgoing, health: trunkHealth, closers })
  startRouterSightings(shared, {
    ...{ hosts: calls.hosts, trunks: lookups.trunks, trunkHealth },
    ...{ journal, journalDir: folders.journal },
  })
  return {
    admission,
    checks: checksOf(calls, journal),
    drain: () => drain(calls, admission, shared),
  }
}

/** Journal and lease: without a place for its records no call may begin. */
async function startRecords(shared: Shared, dir: string): Promise<CallJournal> {
  const { settings, log, redis, vault, closers } = shared
  const journal = createCallJournal({ dir, redis, vault, clock: systemClock, log })
  await journal.start()
  const lease = createRouterLease({
    redis,
    routerId: settings.ROUTER_ID,
    journal,
    clock: systemClock,
    log,
  })
  lease.start()
  // The journal closes first: given back earlier, the lease would let a worker close calls whose end is on its way.
  closers.push({ name: 'lease', close: () => lease.stop() })
  closers.push({ name: 'journal', close: () => journal.close() })
  return journal
}

function checksOf(calls: Calls, journal: CallJournal): Router['checks'] {
  const demand = async (holds: boolean, otherwise: string) => {
    if (!holds) throw new Error(otherwise)
  }
  return {
    sip: () =>
      demand(
        calls.servers.some((server) => server.up),
        'no SIP server is connected',
      ),
    media: () =>
      demand(
        calls.hosts.some((host) => host.up),
        'no media host is connected',
      ),
    journal: () => demand(!journal.isFull(), 'the call journal is full'),
  }
}

/** Longer than any call is looked up. */
const lookupMsMax = 4_000

/** No new call; the running ones have until the limit. */
async function drain(calls: Calls, admission: Admission, shared: Shared): Promise<void> {
  const { settings, log, liveCalls } = shared
  admission.startDraining()
  for (const server of calls.servers) server.stopInvites()
  log.info({ calls: liveCalls.count() }, 'draining')
  const ms = settings.DRAIN_SECONDS_MAX * 1000
  await within(ms, 'draining', liveCalls.none()).catch(async () => {
    log.warn({ calls: liveCalls.count() }, 'calls are ended by draining')
    liveCalls.endAll(causeOf('draining'))
    await within(lookupMsMax, 'the last lookups', liveCalls.none()).catch((err: unknown) =>
      log.warn({ err }, 'calls are left as they are'),
    )
  })
}
