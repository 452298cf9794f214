import { createLogger } from '../platform/logger.ts'
import { migrate } from '../platform/migrate.ts'

/** Names of the migrations that were run. */
export function migrateDatabase(databaseUrl: string): Promise<readonly string[]> {
  return migrate({ databaseUrl, log: createLogger({ level: 'warn', destination: 2 }) })
}
