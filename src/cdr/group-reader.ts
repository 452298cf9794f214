import type { Redis } from '../platform/redis.ts'
import { answered, deadLetterStream, eventStream, fieldsOf } from './stream.ts'

export type StreamEntry = {
  readonly id: string
  readonly fields: readonly string[]
}

export type DeadLetter = { readonly entry: StreamEntry; readonly reason: string }

/** One reader of a consumer group. */
export type GroupReader = {
  /** What this consumer was given before and never acknowledged. */
  unfinished(): Promise<readonly StreamEntry[]>
  /** Waits up to `waitMs` for something new: up to `max` entries, 500 unless given. */
  fresh(waitMs: number, max?: number): Promise<readonly StreamEntry[]>
  /** Takes over what other consumers have left lying for `idleMs`: they are gone. */
  abandoned(idleMs: number): Promise<readonly StreamEntry[]>
  /** Puts the poison aside with its reason, and acknowledges all of them. */
  finish(entries: readonly StreamEntry[], dead: readonly DeadLetter[]): Promise<void>
  /** Forgets consumers of processes that are long gone. */
  forgetIdleConsumers(idleMs: number): Promise<void>
}

/** What comes again after a failure is taken in portions of this. */
const batchMax = 500
/** Redis does nothing else for half a millisecond while it takes so many. */
const ackMax = 500
/** A dead letter is a fault to look at; a hundred thousand of them are one and the same fault. */
const deadLettersMax = 100_000

type Reply = readonly [string, readonly [string, readonly string[] | null][]][] | null

export function createGroupReader(deps: {
  /** Its own connection: it waits on it. */
  redis: Redis
  group: string
  consumer: string
}): GroupReader {
  const { redis, group, consumer } = deps

  async function read(
    from: string,
    waitMs: number,
    max = batchMax,
  ): Promise<readonly StreamEntry[]> {
    const head = ['GROUP', group, consumer, 'COUNT', max] as const
    const tail = ['STREAMS', eventStream, from] as const
    const asked =
      waitMs > 0
        ? redis.xreadgroup(...head, 'BLOCK', waitMs, ...tail)
        : redis.xreadgroup(...head, ...tail)
    const reply = (await answered(redis, asked, waitMs)) as Reply
    return (reply?.[0]?.[1] ?? []).map(([id, fields]) => ({ id, fields: fields ?? [] }))
  }

  return {
    unfinished: () => read('0', 0),
    fresh: (waitMs, max) => read('>', waitMs, max),
    async abandoned(idleMs) {
      const asked = redis.xautoclaim(eventStream, group, consumer, idleMs, '0', 'COUNT', batchMax)
      const [, entries] = (await answered(redis, asked)) as [string, [string, string[] | null][]]
      return entries.map(([id, fields]) => ({ id, fields: fields ?? [] }))
    },
    async finish(entries, dead) {
      if (entries.length === 0) return
      const pipeline = redis.pipeline()
      for (const { entry, reason } of dead) {
        const about = ['source', entry.id, 'group', group, 'reason', reason]
        pipeline.xadd(
          deadLetterStream,
          'MAXLEN',
          '~',
          deadLettersMax,
          '*',
          ...about,
          ...entry.fields,
        )
      }
      const ids = entries.map(({ id }) => id)
      for (let at = 0; at < ids.length; at += ackMax) {
        pipeline.xack(eventStream, group, ...ids.slice(at, at + ackMax))
      }
      const replies = (await answered(redis, pipeline.exec())) ?? []
      for (const [err] of replies) if (err !== null) throw err
    },
    async forgetIdleConsumers(idleMs) {
      const asked = redis.xinfo('CONSUMERS', eventStream, group)
      for (const each of ((await answered(redis, asked)) as unknown[][]).map(fieldsOf)) {
        const isIdle = Number(each.get('pending')) === 0 && Number(each.get('idle')) > idleMs
        const name = String(each.get('name'))
        if (!isIdle || name === consumer) continue
        await answered(redis, redis.xgroup('DELCONSUMER', eventStream, group, name))
      }
    },
  }
}
