import { tailCallEvents } from '../cdr/tail-call-events.ts'
import { createLogger } from '../platform/logger.ts'
import { createNumberParser } from '../platform/phone-numbers.ts'
import { createRedis, redisReady } from '../platform/redis.ts'
import { createVault, readVaultKeys } from '../platform/vault.ts'
import { toReport } from '../receipts/call-receipts.ts'

/** Call events as reports with masked numbers, as they come. */
export async function* tailCalls(given: {
  readonly redisUrl: string
  readonly keyFile: string
  readonly stopped: AbortSignal
}): AsyncIterable<object> {
  const log = createLogger({ level: 'warn', destination: 2 })
  const vault = createVault(await readVaultKeys(given.keyFile))
  const { national } = createNumberParser({ country: 'CN' })
  const redis = createRedis({ url: given.redisUrl, log, name: 'axbridge-tail' })
  try {
    await redisReady(redis)
    for await (const event of tailCallEvents({ redis, vault, log, signal: given.stopped })) {
      yield toReport(event, { national })
    }
  } finally {
    redis.disconnect()
  }
}
