import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { CallEvent } from '../src/domain/call-event.ts'
import { systemClock } from '../src/platform/clock.ts'
import type { Redis } from '../src/platform/redis.ts'
import { aVault } from '../test/support/call-events.ts'
import { built } from './bench-built.ts'
import { eventsOf } from './bench-events-calls.ts'
import { runHelper } from './bench-process.ts'

export type JournalSetup = { readonly redisUrl: string; readonly dataDir: string }

/**
 * `append`: from the router's append to the stream, all that lies between. `drain`: from the files
 * of a journal that was written while Redis was away.
 */
export type JournalTask = {
  readonly do: 'append' | 'drain'
  readonly calls: number
  readonly up: number
  readonly from: number
}

const nowhere = 'redis://127.0.0.1:1'
/** As a router that is asked whether it is full. */
const pendingBytesMax = 1_048_576
const appendedAtOnce = 64

export type JournalDone = {
  readonly perSecond: number
  /** What a start takes before the first event is published: lock, reading what is there, reserve. */
  readonly startMs: number
}

runHelper<JournalSetup, JournalTask, JournalDone>(async ({ redisUrl, dataDir }) => {
  const log = (await built.logger()).createLogger({ level: 'silent' })
  const { createRedis, redisReady } = await built.redis()
  const { createCallJournal } = await built.callJournal()
  const redis = createRedis({ url: redisUrl, log, name: 'bench-journal' })
  const away = createRedis({ url: nowhere, log, name: 'bench-away' })
  await redisReady(redis)

  async function published(
    dir: string,
    { to, count, events }: { to: Redis; count: number; events: readonly CallEvent[] },
  ): Promise<JournalDone> {
    let whole: () => void = () => undefined
    const wholeSeen = new Promise<void>((resolve) => {
      whole = resolve
    })
    let seen = 0
    const journal = createCallJournal({
      ...{ dir, redis: to, vault: aVault(), clock: systemClock, log },
      onPublished(more) {
        seen += more
        if (seen >= count) whole()
      },
    })
    const begun = performance.now()
    await journal.start()
    const from = performance.now()
    for (let at = 0; at < events.length; at += appendedAtOnce) {
      for (const event of events.slice(at, at + appendedAtOnce)) journal.append(event)
      await setImmediate()
      while (journal.stats().pendingBytes > pendingBytesMax) await setImmediate()
    }
    if (count > 0) await wholeSeen
    const ms = performance.now() - from
    await journal.flushed()
    await journal.close()
    return { perSecond: count / (ms / 1000), startMs: from - begun }
  }

  return {
    async do({ do: what, ...calls }) {
      const events = eventsOf(calls.calls, calls)
      const dir = await mkdtemp(join(dataDir, 'journal-'))
      await redis.del('axb:events')
      try {
        const count = events.length
        if (what === 'append') return await published(dir, { to: redis, count, events })
        await published(dir, { to: away, count: 0, events })
        return await published(dir, { to: redis, count, events: [] })
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    },
    async close() {
      redis.disconnect()
      away.disconnect()
    },
  }
})
