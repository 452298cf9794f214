import { createBatcher } from '../../platform/batcher.ts'
import { type Redis, redisScript, runScript } from '../../platform/redis.ts'
import { GatewayError } from './gateway-error.ts'
import { sha256Hex } from './signing.ts'

/** A time stamp may be 15 minutes off either way, so a request can come again for half an hour. */
const rememberedSeconds = 2 * 15 * 60 + 60
const atOnceMax = 500

/** Whether a nonce is used for the first time, by any process. */
export type UseNonce = (accessKeyId: string, nonce: string) => Promise<boolean>

/** Without Redis nobody can tell a replay, so nothing is let in. */
export function createUseNonce(redis: Redis): UseNonce {
  // What comes while Redis is asked goes together: each command by itself costs more than its work.
  const uses = createBatcher<string, boolean>({
    atOnce: atOnceMax,
    async write(keys) {
      const fresh = (await runScript(redis, useAll, keys, [rememberedSeconds])) as readonly number[]
      return fresh.map((each) => each === 1)
    },
  })

  return async (accessKeyId, nonce) => {
    const key = `rpc-nonce:${accessKeyId}:${sha256Hex(nonce).slice(0, 32)}`
    try {
      return await uses.add(key)
    } catch (cause) {
      throw Object.assign(
        new GatewayError(
          503,
          'ServiceUnavailable',
          'The service is unavailable for a moment: it cannot tell whether this request came before. Try again.',
          1,
        ),
        { cause },
      )
    }
  }
}

/** 1 for each that was not there, in order. */
const useAll = redisScript(`
  local fresh = {}
  for at, key in ipairs(KEYS) do
    fresh[at] = redis.call('SET', key, '1', 'EX', ARGV[1], 'NX') and 1 or 0
  end
  return fresh
`)
