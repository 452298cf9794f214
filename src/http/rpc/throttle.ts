import { LRUCache } from 'lru-cache'
import { GatewayError } from './gateway-error.ts'

const keysMax = 10_000

/**
 * Requests per second, per access key and action, in this process (product-semantics 2.5). A bucket
 * that holds one second's worth and fills evenly. `now` in milliseconds.
 */
export function createThrottle(now: () => number) {
  const buckets = new LRUCache<string, { left: number; at: number }>({ max: keysMax })

  return (accessKeyId: string, action: string, perSecondMax: number): void => {
    const at = now()
    const key = `${accessKeyId} ${action}`
    const bucket = buckets.get(key) ?? { left: perSecondMax, at }
    bucket.left = Math.min(perSecondMax, bucket.left + ((at - bucket.at) / 1000) * perSecondMax)
    bucket.at = at
    buckets.set(key, bucket)
    if (bucket.left < 1) {
      throw new GatewayError(
        400,
        'Throttling.User',
        'Request was denied due to user flow control. Send fewer of these per second.',
        1,
      )
    }
    bucket.left -= 1
  }
}
