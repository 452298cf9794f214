import { type Redis, runScript } from '../platform/redis.ts'
import { markScript } from './cache-scripts.ts'

const replayedKey = '{route-cache}:replayed'
const markKey = '{route-cache}:mark'

/** What tells whether Redis has everything: for the worker that replays and the routers that believe. */
export function createReplayMarks(redis: Redis) {
  return {
    /** Changes with every start of Redis, and is the same for the length of a connection. */
    async runId(): Promise<string> {
      const found = /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1]
      if (found === undefined) throw new Error('redis does not tell its run_id')
      return found
    },

    /** The run of Redis into which everything was replayed that it may have lost. */
    async replayed(): Promise<string | undefined> {
      return (await redis.get(replayedKey)) ?? undefined
    },

    async setReplayed(runId: string): Promise<void> {
      await redis.set(replayedKey, runId)
    },

    /** Postgres's time up to which Redis, as it is now, surely had every drained change. */
    async mark(): Promise<Date | undefined> {
      const text = await redis.get(markKey)
      return text === null ? undefined : new Date(Number(text))
    },

    /** Only into a Redis that was replayed: in another, the mark would hide what it lost. */
    async setMark(at: Date): Promise<void> {
      await runScript(redis, markScript, [markKey, replayedKey], [at.getTime()])
    },

    /** Removes every route record: when nobody can tell any more which of them are old. */
    async wipe(): Promise<void> {
      let cursor = '0'
      do {
        const [next, keys] = await redis.scan(cursor, 'MATCH', 'route:{*', 'COUNT', 1000)
        if (keys.length > 0) await redis.unlink(...keys)
        cursor = next
      } while (cursor !== '0')
    },
  }
}
