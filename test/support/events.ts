import { Redis } from 'ioredis'

/** How often each kind of event stands on the reporting stream, per call. */
export type EventCounts = ReadonlyMap<string, Readonly<Record<string, number>>>

const stream = 'axb:events'

/** Read as a consumer reads it that wants everything from the beginning. */
export async function countEvents(redisUrl: string): Promise<EventCounts> {
  const redis = new Redis(redisUrl.replace(/^unix:\/\//, ''))
  try {
    const counts = new Map<string, Record<string, number>>()
    for (const [, fields] of await redis.xrange(stream, '-', '+')) {
      const id = fields[fields.indexOf('id') + 1] ?? ''
      const [callId = '', type = ''] = id.split(':')
      const ofCall = counts.get(callId) ?? {}
      ofCall[type] = (ofCall[type] ?? 0) + 1
      counts.set(callId, ofCall)
    }
    return counts
  } finally {
    redis.disconnect()
  }
}
