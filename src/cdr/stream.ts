import type { Redis } from '../platform/redis.ts'
import { LimitReached, within } from '../platform/within.ts'

/** Every call event of every router, in order per call. Fields: `id`, `event` (JSON, see stored-event.ts). */
export const eventStream = 'axb:events'

/** What a consumer could not make sense of, with the reason. Fields of the event, and `source`, `group`, `reason`. */
export const deadLetterStream = 'axb:events:dead'

/** Consumer group that writes `call_record`. */
export const recordGroup = 'call-records'

// The braces put all of these on the stream's node of a Redis Cluster.
const prefix = `{${eventStream}}:router`

/** Hash: journal id to `{ routerId, seenAt }`, of every router that has not been cleared away. */
export const routersKey = `${prefix}s`

/** String with an expiry: while it is there, the router lives. */
export const leaseKey = (journalId: string) => `${prefix}:${journalId}:lease`

/** Hash: call id to the call's last event. */
export const openCallsKey = (journalId: string) => `${prefix}:${journalId}:calls`

/** A connection of one's own, so that a batch or a wait does not stand in the way of others. */
export function ownConnection(redis: Redis, name: string): Redis {
  const own = redis.duplicate({
    connectionName: name,
    // Until it is known whether the connection comes about: then what waits is sent, or fails.
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Limits are set per use: reading waits on purpose.
    commandTimeout: undefined,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
  })
  // Whoever uses the connection sees its commands fail and says so.
  own.on('error', () => undefined)
  return own
}

const replyMsMax = 5_000

/**
 * An answer from Redis, or a failure after a time. The connection is then dropped: what hangs on
 * it may be a peer that is gone without a word, and its buffers would only grow.
 */
export async function answered<T>(redis: Redis, work: Promise<T>, waitMs = 0): Promise<T> {
  try {
    return await within(replyMsMax + waitMs, 'redis', work)
  } catch (err) {
    if (err instanceof LimitReached) redis.disconnect(true)
    throw err
  }
}

/** Made before anything is read or cut, from the stream's beginning, so that the group misses nothing. */
export async function ensureGroup(redis: Redis, group: string): Promise<void> {
  await redis.xgroup('CREATE', eventStream, group, '0', 'MKSTREAM').catch((err: unknown) => {
    if (!(err instanceof Error && err.message.startsWith('BUSYGROUP'))) throw err
  })
}

/** Compares two stream ids `<ms>-<sequence>`. */
export function isEarlier(id: string, other: string): boolean {
  const [ms = '0', sequence = '0'] = id.split('-')
  const [otherMs = '0', otherSequence = '0'] = other.split('-')
  return ms === otherMs ? Number(sequence) < Number(otherSequence) : Number(ms) < Number(otherMs)
}

/** `[name, value, name, value]`, as Redis tells most things. */
export function fieldsOf(pairs: readonly unknown[]): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>()
  for (let at = 0; at + 1 < pairs.length; at += 2) fields.set(String(pairs[at]), pairs[at + 1])
  return fields
}
