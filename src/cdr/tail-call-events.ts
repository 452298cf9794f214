import type { CallEvent } from '../domain/call-event.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Vault } from '../platform/vault.ts'
import { pause } from './pause.ts'
import { openStoredEvent, parseStoredEvent } from './stored-event.ts'
import { answered, eventStream, fieldsOf, ownConnection } from './stream.ts'

type Reply = readonly [string, readonly [string, readonly string[]][]][] | null

const waitMs = 500
const retryMs = 500

/**
 * Every call event from now on, as it comes to the stream, until the signal is given. Looking on
 * takes nothing from anybody. When Redis is away it waits, and goes on where it was.
 */
export async function* tailCallEvents(deps: {
  readonly redis: Redis
  readonly vault: Vault
  readonly log: Logger
  readonly signal: AbortSignal
  /** A stream id to begin behind; without it only what is new. */
  readonly after?: string
}): AsyncIterable<CallEvent> {
  const { vault, log, signal } = deps
  const redis = ownConnection(deps.redis, 'tail')
  // A read that waits is cut short.
  const hangUp = () => redis.disconnect()
  signal.addEventListener('abort', hangUp)
  let after = deps.after
  try {
    while (!signal.aborted) {
      try {
        after ??= await newest(redis)
        for (const [id, fields] of await readAfter(redis, after)) {
          after = id
          const event = opened({ id, fields, vault, log })
          if (event !== undefined) yield event
        }
      } catch (err) {
        if (signal.aborted) return
        log.debug({ err }, 'event stream cannot be read: waiting')
        await pause(retryMs, signal)
      }
    }
  } finally {
    signal.removeEventListener('abort', hangUp)
    redis.disconnect()
  }
}

async function newest(redis: Redis): Promise<string> {
  const [last] = await answered(redis, redis.xrevrange(eventStream, '+', '-', 'COUNT', 1))
  return last?.[0] ?? '0-0'
}

async function readAfter(
  redis: Redis,
  after: string,
): Promise<readonly [string, readonly string[]][]> {
  const asked = redis.xread('COUNT', 100, 'BLOCK', waitMs, 'STREAMS', eventStream, after)
  const reply = (await answered(redis, asked, waitMs)) as Reply
  return reply?.[0]?.[1] ?? []
}

function opened(of: {
  id: string
  fields: readonly string[]
  vault: Vault
  log: Logger
}): CallEvent | undefined {
  const text = fieldsOf(of.fields).get('event')
  const parsed = parseStoredEvent(typeof text === 'string' ? text : undefined)
  try {
    if (parsed.kind === 'event') return openStoredEvent(parsed.event, of.vault)
    of.log.warn({ entry: of.id, reason: parsed.reason }, 'call event cannot be read')
  } catch (err) {
    of.log.warn({ err, entry: of.id }, 'call event cannot be opened with our keys')
  }
  return undefined
}
