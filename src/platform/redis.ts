import { createHash } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { createBatcher } from './batcher.ts'
import type { Logger } from './logger.ts'

export type { Redis } from 'ioredis'

/** A call must not wait longer for the cache than Postgres would take. */
const commandMsDefault = 500
const reconnectMsMax = 500

/**
 * Commands fail at once while there is no connection (no offline queue): whoever asks has a better
 * thing to do than to wait. Reconnects for ever.
 */
export function createRedis(options: {
  /** `redis://`, `rediss://` or `unix:///path/to/socket`. */
  url: string
  log: Logger
  /** Shown by `CLIENT LIST`. */
  name: string
  /** 0: no limit, for clients that block on purpose. */
  commandMsMax?: number
}): Redis {
  const commandMsMax = options.commandMsMax ?? commandMsDefault
  const settings: RedisOptions = {
    connectionName: options.name,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, reconnectMsMax),
    ...(commandMsMax === 0 ? {} : { commandTimeout: commandMsMax }),
  }
  const redis = options.url.startsWith('unix://')
    ? new Redis(options.url.slice('unix://'.length), settings)
    : new Redis(options.url, settings)

  // One line when it goes and one when it comes back, not one per attempt.
  let away = false
  redis.on('error', (err: Error) => {
    if (!away) options.log.warn({ err, client: options.name }, 'redis is away')
    away = true
  })
  redis.on('ready', () => {
    if (away) options.log.info({ client: options.name }, 'redis is back')
    away = false
  })
  return redis
}

/** Resolves when commands can be sent; rejects after `msMax`. For starting up only. */
export async function redisReady(redis: Redis, msMax = 5_000): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const ready = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      redis.off('ready', ready)
      reject(new Error(`redis was not ready within ${msMax} ms`))
    }, msMax)
    redis.once('ready', ready)
  })
}

/** A Lua script and its SHA-1, by which Redis remembers it. */
export type RedisScript = { readonly lua: string; readonly sha1: string }

export function redisScript(lua: string): RedisScript {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') }
}

/** Sends the text only to a Redis that does not know the script (any more). */
export async function runScript(
  redis: Redis,
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha1, keys.length, ...keys, ...args)
  } catch (err) {
    if (!(err instanceof Error && err.message.startsWith('NOSCRIPT'))) throw err
    return redis.eval(script.lua, keys.length, ...keys, ...args)
  }
}

export type RunScript = (
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>

/** Each on its own, as `runScript`, but those that come while others are under way are sent with one write. */
export function createScriptRunner(redis: Redis, atOnce = 200): RunScript {
  type Run = Parameters<RunScript>
  const runs = createBatcher<Run, { readonly fault: Error } | { readonly reply: unknown }>({
    atOnce,
    async write(batch) {
      const pipeline = redis.pipeline()
      for (const [{ sha1 }, keys, args] of batch) {
        pipeline.evalsha(sha1, keys.length, ...keys, ...args)
      }
      const replies = (await pipeline.exec()) ?? []
      return replies.map(([fault, reply]) => (fault === null ? { reply } : { fault }))
    },
  })

  return async (...run) => {
    const answer = await runs.add(run)
    if ('reply' in answer) return answer.reply
    if (!answer.fault.message.startsWith('NOSCRIPT')) throw answer.fault
    return runScript(redis, ...run)
  }
}
