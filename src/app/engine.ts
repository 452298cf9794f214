import { createAccountRooms } from '../accounts/account-rooms.ts'
import { createAuditSweep } from '../accounts/audit-sweep.ts'
import { createAlarms } from '../alarms/alarms.ts'
import { createBindings } from '../bindings/bindings.ts'
import { createCacheKeeper } from '../bindings/cache-keeper.ts'
import { createRoutePublisher } from '../bindings/route-publisher.ts'
import { createLiveCalls } from '../call/live-calls.ts'
import { createCallRecordWriter } from '../cdr/call-record-writer.ts'
import { createCallRecords } from '../cdr/call-records.ts'
import { createOrphanCloser } from '../cdr/orphan-closer.ts'
import { createCertification } from '../certification/certification.ts'
import type { AccountId } from '../domain/ids.ts'
import { createAuthenticate } from '../http/auth.ts'
import { buildHttpApp } from '../http/build-http-app.ts'
import { createCities } from '../numbers/cities.ts'
import { readBlocks } from '../numbers/number-blocks.ts'
import { createNumberMigrations } from '../numbers/number-migrations.ts'
import { createPoolRefresh } from '../numbers/pool-refresh.ts'
import { systemClock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createNumberParser } from '../platform/phone-numbers.ts'
import { createRedis, redisReady } from '../platform/redis.ts'
import type { Settings } from '../platform/settings.ts'
import { createSql } from '../platform/sql.ts'
import { createVault, readVaultKeys } from '../platform/vault.ts'
import { createQueueSweep } from '../receipts/queue-sweep.ts'
import { createRouteCache } from '../resolve/route-cache.ts'
import { createTrunks } from '../trunks/trunks.ts'
import { alarmDuties } from './alarm-duties.ts'
import { type Closers, closeAll } from './closers.ts'
import { foldersOf } from './folders.ts'
import { startKafka } from './kafka.ts'
import { type Lookups, startLookups } from './lookups.ts'
import { createNumberRooms } from './number-rooms.ts'
import { createPoolRooms } from './pool-rooms.ts'
import { createReceiptRooms, receiptDuties, startPushes } from './pushes.ts'
import { joinReceiptQueues } from './receipt-queues.ts'
import { startReceipts } from './receipts.ts'
import { type Router, startRouter } from './router-role.ts'
import type { Shared } from './shared.ts'
import { joinVendorRpc } from './vendor-rpc.ts'

export type Role = 'router' | 'api' | 'worker'

export type Engine = {
  /** Takes no new call, waits for the running ones, ends those that are left, and closes everything. */
  stop(): Promise<void>
}

/** The account that the database begins with. It runs the installation. */
const firstAccount = 'main' as AccountId

/**
 * Start the roles that are asked for: platform first, then records, then background, then calls,
 * and HTTP last. Nobody may call before we can answer, and nobody be told that we are ready before.
 */
export async function startEngine(
  settings: Settings,
  roles: readonly Role[],
  log: Logger,
): Promise<Engine> {
  const closers: Closers = []
  try {
    return await startRoles(settings, new Set(roles), log, closers)
  } catch (err) {
    await closeAll(closers, log)
    throw err
  }
}

async function startRoles(
  settings: Settings,
  roles: ReadonlySet<Role>,
  log: Logger,
  closers: Closers,
): Promise<Engine> {
  const shared = await startShared(settings, log, closers)
  if (roles.has('worker')) startWorker(shared)
  const lookups = await startLookups(shared, { trunksNeeded: roles.has('router') })
  const router = roles.has('router') ? await startRouter(shared, lookups) : undefined
  // Also without the api role: health and metrics are asked of every process.
  await startHttp(shared, lookups, router)
  log.info({ roles: [...roles] }, 'engine is up')
  return {
    async stop() {
      await router?.drain()
      await closeAll(closers, log)
      log.info('engine is down')
    },
  }
}

async function startShared(settings: Settings, log: Logger, closers: Closers): Promise<Shared> {
  const vault = createVault(await readVaultKeys(foldersOf(settings).keyFile))
  const sql = createSql({ url: settings.DATABASE_URL, log })
  closers.push({ name: 'postgres', close: () => sql.close() })
  const redis = createRedis({ url: settings.REDIS_URL, log, name: 'axbridge' })
  closers.push({ name: 'redis', close: () => redis.disconnect() })
  // Redis away is no reason not to start: calls are looked up in Postgres then.
  await redisReady(redis).catch((err: unknown) => log.warn({ err }, 'starting without redis'))
  const metrics = createMetrics()
  return { settings, log, metrics, sql, redis, vault, liveCalls: createLiveCalls(), closers }
}

function startWorker(shared: Shared): void {
  const { settings, sql, redis, log, closers } = shared
  const clock = systemClock
  const keepDays = settings.AUDIT_KEEP_DAYS
  const records = createRouteCache({ redis })
  const publisher = createRoutePublisher({ sql, records, log })
  closers.push({ name: 'route publisher of the worker', close: () => publisher.close() })
  const duties = [
    { name: 'pool-refresh', everyMs: 0, work: createPoolRefresh({ sql, publisher }).finishLeft },
    ...alarmDuties(shared, firstAccount),
    ...receiptDuties(shared),
    { name: 'audit-sweep', everyMs: 60_000, work: createAuditSweep({ sql, clock, keepDays }) },
    { name: 'queue-sweep', everyMs: 60_000, work: createQueueSweep({ sql }) },
  ]
  const keeper = createCacheKeeper({ sql, records, clock, log, duties })
  const writer = createCallRecordWriter({ redis, sql, clock, log })
  const closer = createOrphanCloser({ redis, clock, log })
  startReceipts(shared, [startPushes(shared), startKafka(shared)])
  const { keeper: certifications } = certificationOf(shared)
  for (const [name, part] of Object.entries({ keeper, writer, closer, certifications })) {
    part.start()
    closers.push({ name, close: () => part.stop() })
  }
}

function certificationOf({ settings, sql, vault, log }: Shared) {
  const here = `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}`
  const publicUrl = settings.PUBLIC_URL ?? here
  return createCertification({ sql, vault, clock: systemClock, log, publicUrl })
}

async function startHttp(
  shared: Shared,
  lookups: Lookups,
  router: Router | undefined,
): Promise<void> {
  const { settings, log, metrics, sql, redis, vault, closers } = shared
  const publisher = createRoutePublisher({ sql, records: createRouteCache({ redis }), log })
  closers.push({ name: 'route publisher', close: () => publisher.close() })
  const cities = createCities(await readBlocks(settings.HOME_CITIES_FILE))
  cities.warm()
  const parser = createNumberParser({ country: settings.DEFAULT_COUNTRY })
  const numberRooms = await createNumberRooms({ sql, vault, cities, parser, publisher, settings })
  const accountRooms = createAccountRooms({ sql, vault, clock: systemClock, log })
  closers.push({ name: 'audit', close: () => accountRooms.audit.settle() })
  const app = await buildHttpApp({
    authenticate: createAuthenticate({
      admin: { token: settings.AXBRIDGE_ADMIN_TOKEN, accountId: firstAccount },
      tokens: accountRooms.tokenLookup,
    }),
    rpc: await joinVendorRpc(shared, accountRooms, firstAccount),
    mns: joinReceiptQueues(shared, accountRooms),
    requestsPerMinuteMax: settings.HTTP_REQUESTS_PER_MINUTE_MAX,
    trustedProxies: settings.HTTP_TRUSTED_PROXIES?.split(',').map((each) => each.trim()),
    rooms: {
      ...accountRooms,
      ...numberRooms,
      bindings: createBindings({ sql, vault, clock: systemClock, cities, publisher }),
      ...createPoolRooms({ sql, vault, publisher, settings }),
      ...createReceiptRooms(shared),
      alarms: createAlarms({ sql }),
      numberMigrations: createNumberMigrations({ sql, clock: systemClock, publisher }),
      certification: certificationOf(shared),
      trunks: createTrunks({ sql }),
      callRecords: createCallRecords({ sql, vault }),
      simulate: lookups.simulate,
      parser,
    },
    operations: {
      checks: {
        postgres: () => sql.rows({ name: 'ready', text: 'select 1', values: [] }),
        redis: () => redis.ping(),
        ...router?.checks,
      },
      isDraining: () => router?.admission.draining ?? false,
      metrics: metrics.registry,
    },
    requestSeconds: metrics.httpRequests,
    log,
  })
  closers.push({ name: 'http', close: () => app.close() })
  await app.listen({ host: settings.HTTP_HOST, port: settings.HTTP_PORT })
}
