import type { Redis } from '../platform/redis.ts'
import { answered, eventStream, fieldsOf, isEarlier, recordGroup } from './stream.ts'

export type StreamRetention = {
  /** Entries that every group is done with stay this long, for reading again. */
  readonly keepMs: number
  /** And not more than about this many. */
  readonly entriesMax: number
}

/** A day, or a gigabyte: whichever is less. */
export const streamRetention: StreamRetention = {
  keepMs: 24 * 3_600_000,
  entriesMax: 1_000_000,
}

/** Ten thousand entries each: more than comes in between two trims. */
const roundsMax = 100

/**
 * Removes what nobody needs any more. An entry that a consumer group has not read, or has read and
 * not acknowledged, stays, whatever its age. Returns how many were removed.
 */
export async function trimStream(
  redis: Redis,
  now: Date,
  retention: StreamRetention,
): Promise<number> {
  const needed = await oldestNeeded(redis)
  if (needed === undefined) return 0
  const unwanted = await retentionEdge(redis, now, retention)
  const edge = isEarlier(needed, unwanted) ? needed : unwanted
  // Redis removes a limited number each time, so that nobody waits for long.
  let removed = 0
  for (let round = 0; round < roundsMax; round++) {
    const count = await answered(redis, redis.xtrim(eventStream, 'MINID', '~', edge))
    if (count === 0) break
    removed += count
  }
  return removed
}

/** Undefined when the group of the call records is not there: then nothing is known to be done with. */
async function oldestNeeded(redis: Redis): Promise<string | undefined> {
  const groups = (await answered(redis, redis.xinfo('GROUPS', eventStream))) as unknown[][]
  let oldest: string | undefined
  let hasRecords = false
  for (const group of groups.map(fieldsOf)) {
    const name = String(group.get('name'))
    hasRecords ||= name === recordGroup
    const needed =
      Number(group.get('pending')) > 0
        ? await oldestPending(redis, name)
        : String(group.get('last-delivered-id'))
    if (oldest === undefined || isEarlier(needed, oldest)) oldest = needed
  }
  return hasRecords ? oldest : undefined
}

async function oldestPending(redis: Redis, group: string): Promise<string> {
  const [, first] = (await answered(redis, redis.xpending(eventStream, group))) as [number, string?]
  // Acknowledged in between: the next trim sees it.
  return first ?? '0-0'
}

/** Everything before this is older than it needs to be, or more than there need be. */
async function retentionEdge(redis: Redis, now: Date, retention: StreamRetention): Promise<string> {
  const byAge = `${Math.max(0, now.getTime() - retention.keepMs)}-0`
  const length = await answered(redis, redis.xlen(eventStream))
  if (length <= retention.entriesMax) return byAge
  const [first] = await answered(redis, redis.xrange(eventStream, '-', '+', 'COUNT', 1))
  const [last] = await answered(redis, redis.xrevrange(eventStream, '+', '-', 'COUNT', 1))
  const firstMs = Number.parseInt(first?.[0] ?? '0', 10)
  const lastMs = Number.parseInt(last?.[0] ?? '0', 10)
  // Redis cannot tell the id at a place in the stream. As if entries came evenly; the next trims correct it.
  const surplus = (length - retention.entriesMax) / length
  const byCount = `${Math.floor(firstMs + (lastMs - firstMs) * surplus)}-0`
  return isEarlier(byAge, byCount) ? byCount : byAge
}
