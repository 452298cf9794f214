import type { LiveCalls } from '../call/live-calls.ts'
import type { Logger } from '../platform/logger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Redis } from '../platform/redis.ts'
import type { Settings } from '../platform/settings.ts'
import type { SqlPool } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Closers } from './closers.ts'

/** What every role of one process stands on. */
export type Shared = {
  readonly settings: Settings
  readonly log: Logger
  readonly metrics: Metrics
  readonly sql: SqlPool
  readonly redis: Redis
  readonly vault: Vault
  readonly liveCalls: LiveCalls
  readonly closers: Closers
}
