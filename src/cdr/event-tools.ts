import { DomainError } from '../domain/errors.ts'
import type { Redis } from '../platform/redis.ts'
import { deadLetterStream, eventStream, fieldsOf, isEarlier } from './stream.ts'

/** An entry of the stream that a consumer could not make sense of. */
type DeadEvent = {
  /** Its place among the dead letters. */
  readonly id: string
  readonly putAsideAt: Date
  /** Its place in the stream. */
  readonly source: string
  readonly group: string
  readonly reason: string
  /** `<callId>:<type>`, when it says so. */
  readonly eventId: string | undefined
}

/** For who runs the installation. */
export type EventTools = {
  /** Newest first. */
  dead(limit: number): Promise<readonly DeadEvent[]>
  /** Puts them into the stream again, behind all others, and takes them out here; every group sees them. Resolves to how many were there. */
  resend(ids: readonly string[]): Promise<number>
  /** The same with all of them, the oldest first. */
  resendAll(): Promise<number>
  /**
   * Lets a group read everything since `from` again. Throws DomainError when there is no such
   * group, or when that would leave out what it has not read. Resolves to how many it has before it.
   */
  replay(group: string, from: Date): Promise<number>
}

const atOnce = 500

// In one piece: nothing is lost or doubled when one of us dies half-way. The first six fields tell why it is here.
const resendScript = `
  local count = 0
  for _, id in ipairs(ARGV) do
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if found[1] then
      if #found[1][2] > 6 then redis.call('XADD', KEYS[2], '*', unpack(found[1][2], 7)) end
      redis.call('XDEL', KEYS[1], id)
      count = count + 1
    end
  end
  return count`

export function createEventTools({ redis }: { redis: Redis }): EventTools {
  async function resend(ids: readonly string[]): Promise<number> {
    let count = 0
    for (let at = 0; at < ids.length; at += atOnce) {
      const some = ids.slice(at, at + atOnce)
      count += Number(await redis.eval(resendScript, 2, deadLetterStream, eventStream, ...some))
    }
    return count
  }

  async function lastRead(group: string): Promise<string | undefined> {
    const groups = (await redis.xinfo('GROUPS', eventStream).catch(noStream)) as unknown[][]
    const found = groups.map(fieldsOf).find((each) => each.get('name') === group)
    return found === undefined ? undefined : String(found.get('last-delivered-id'))
  }

  return {
    async dead(limit) {
      const entries = await redis.xrevrange(deadLetterStream, '+', '-', 'COUNT', limit)
      return entries.map(([id, fields]) => deadEvent(id, fieldsOf(fields)))
    },

    resend,

    async resendAll() {
      // Those there are now: what comes back as a dead letter is not sent round for ever.
      const [last] = await redis.xrevrange(deadLetterStream, '+', '-', 'COUNT', 1)
      let count = 0
      for (;;) {
        const entries = await redis.xrange(deadLetterStream, '-', last?.[0] ?? '-', 'COUNT', atOnce)
        if (last === undefined || entries.length === 0) return count
        count += await resend(entries.map(([id]) => id))
      }
    },

    async replay(group, from) {
      const read = await lastRead(group)
      if (read === undefined) throw groupUnknown(group)
      const before = `${Math.max(0, from.getTime() - 1)}-18446744073709551615`
      if (isEarlier(read, before)) throw wouldSkip()
      await redis.xgroup('SETID', eventStream, group, before)
      const next = await redis.xrange(eventStream, `(${before}`, read, 'COUNT', 1)
      return next.length === 0 ? 0 : countTo(redis, before, read)
    },
  }
}

/** Counted page by page; a replay is rare, and the stream has an end. */
async function countTo(redis: Redis, after: string, last: string): Promise<number> {
  let count = 0
  let at = after
  for (;;) {
    const entries = await redis.xrange(eventStream, `(${at}`, last, 'COUNT', 2_000)
    const end = entries.at(-1)
    if (end === undefined) return count
    count += entries.length
    at = end[0]
  }
}

function deadEvent(id: string, fields: ReadonlyMap<string, unknown>): DeadEvent {
  const text = (name: string) => String(fields.get(name) ?? '')
  return {
    id,
    putAsideAt: new Date(Number.parseInt(id, 10)),
    source: text('source'),
    group: text('group'),
    reason: text('reason'),
    eventId: fields.has('id') ? text('id') : undefined,
  }
}

function noStream(err: unknown): unknown[][] {
  if (err instanceof Error && err.message.includes('no such key')) return []
  throw err
}

const groupUnknown = (group: string) =>
  new DomainError(
    'event-group-unknown',
    404,
    `No group '${group}' reads the events. Those of the engine are call-records and receipts.`,
  )

const wouldSkip = () =>
  new DomainError(
    'replay-would-skip',
    409,
    'The group has not read as far as that: it would leave events out. Give an earlier time.',
  )
