import type { CallEvent } from '../domain/call-event.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Vault } from '../platform/vault.ts'
import { createGroupReader, type DeadLetter, type StreamEntry } from './group-reader.ts'
import { openStoredEvent, parseStoredEvent } from './stored-event.ts'
import { ensureGroup, fieldsOf, ownConnection } from './stream.ts'

/**
 * The stream for a consumer that wants it in order: one name for all processes, of which one at a
 * time reads. What was read and not finished comes again, before anything new.
 */
export function createEventFeed(deps: { redis: Redis; vault: Vault; group: string; log: Logger }) {
  const { vault, group, log } = deps
  const redis = ownConnection(deps.redis, group)
  const reader = createGroupReader({ redis, group, consumer: group })
  let hasGroup = false

  async function read(waitMs: number): Promise<readonly StreamEntry[]> {
    try {
      if (!hasGroup) await ensureGroup(redis, group)
      hasGroup = true
      const unfinished = await reader.unfinished()
      return unfinished.length > 0 ? unfinished : await reader.fresh(waitMs)
    } catch (err) {
      // A Redis that came back empty has no group either.
      hasGroup = false
      throw err
    }
  }

  return {
    async next(waitMs: number) {
      const entries = await read(waitMs)
      const events: CallEvent[] = []
      const dead: DeadLetter[] = []
      for (const entry of entries) {
        const text = fieldsOf(entry.fields).get('event')
        const opened = opening(typeof text === 'string' ? text : undefined, vault)
        if (typeof opened !== 'string') events.push(opened)
        else {
          log.error({ entry: entry.id, group, reason: opened }, 'call event is a dead letter')
          dead.push({ entry, reason: opened })
        }
      }
      return { events, finish: () => reader.finish(entries, dead) }
    },

    close(): void {
      redis.disconnect()
    },
  }
}

/** The event, or why it cannot be had. */
function opening(text: string | undefined, vault: Vault): CallEvent | string {
  const parsed = parseStoredEvent(text)
  if (parsed.kind === 'poison') return parsed.reason
  try {
    return openStoredEvent(parsed.event, vault)
  } catch {
    return 'a number in it cannot be opened with our keys, or a time is none'
  }
}
