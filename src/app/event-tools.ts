import { createEventTools, type EventTools } from '../cdr/event-tools.ts'
import { createLogger } from '../platform/logger.ts'
import { createRedis, redisReady } from '../platform/redis.ts'

/** The event stream for a command that looks or sends again, and then goes. */
export async function useEvents<T>(
  redisUrl: string,
  work: (tools: EventTools) => Promise<T>,
): Promise<T> {
  const log = createLogger({ level: 'warn', destination: 2 })
  const redis = createRedis({ url: redisUrl, log, name: 'axbridge-events', commandMsMax: 10_000 })
  try {
    await redisReady(redis)
    return await work(createEventTools({ redis }))
  } finally {
    redis.disconnect()
  }
}
