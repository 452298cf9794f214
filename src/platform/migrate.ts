import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import type { Logger } from './logger.ts'

/**
 * Brings the schema up to date with `migrations/*.sql`, forward only; several processes may try at
 * once: the others wait and find it done. Returns the names of the migrations that it ran.
 */
export async function migrate(options: { databaseUrl: string; log: Logger }): Promise<string[]> {
  const { log } = options
  const done = await runner({
    databaseUrl: options.databaseUrl,
    dir: fileURLToPath(new URL('./migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'schema_migration',
    checkOrder: true,
    advisoryLockMode: 'wait',
    // Their text contains whole statements: only for a developer.
    logger: {
      debug: (text) => log.trace(text),
      info: (text) => log.debug(text),
      warn: (text) => log.warn(text),
      error: (text) => log.error(text),
    },
  })
  return done.map((each) => each.name)
}
