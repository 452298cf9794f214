import type { Redis } from '../../platform/redis.ts'
import { GatewayError } from './gateway-error.ts'
import { sha256Hex } from './signing.ts'

/** A time stamp may be 15 minutes off either way, so a request can come again for half an hour. */
const rememberedSeconds = 2 * 15 * 60 + 60

/** Whether a nonce is used for the first time, by any process. */
export type UseNonce = (accessKeyId: string, nonce: string) => Promise<boolean>

/** Without Redis nobody can tell a replay, so nothing is let in. */
export function createUseNonce(redis: Redis): UseNonce {
  return async (accessKeyId, nonce) => {
    const key = `rpc-nonce:${accessKeyId}:${sha256Hex(nonce).slice(0, 32)}`
    try {
      return (await redis.set(key, '1', 'EX', rememberedSeconds, 'NX')) === 'OK'
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
