import type { Redis } from '../platform/redis.ts'

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
    enableOfflineQueue: false,
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

/** Made before anything is read or cut, from the stream's beginning, so that the group misses nothing. */
export async function ensureRecordGroup(redis: Redis): Promise<void> {
  await redis.xgroup('CREATE', eventStream, recordGroup, '0', 'MKSTREAM').catch((err: unknown) => {
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
