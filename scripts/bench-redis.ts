import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

const settleMsMax = 60_000
/** Of Redis 7: the tables of a database, what an entry takes in each besides its slot, and which of the two counts is its own. */
const tables = [
  { name: 'overhead.hashtable.main', bytes: 24 + 16, count: 1 },
  { name: 'overhead.hashtable.expires', bytes: 24, count: 2 },
] as const

/** Bytes that Redis has taken for its data. */
export async function redisBytes(url: string): Promise<number> {
  return withRedis(url, async (redis) =>
    Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]),
  )
}

/**
 * After many new keys Redis moves them into larger tables for minutes, a little at a time, and until
 * that is done each key is looked for in two places. Resolves when it is, having made it quick.
 */
export async function settleRedis(url: string): Promise<void> {
  await withRedis(url, async (redis) => {
    await redis.config('SET', 'hz', '500')
    const until = performance.now() + settleMsMax
    while ((await isMoving(redis)) && performance.now() < until) await sleep(100)
    await redis.config('SET', 'hz', '10')
  })
}

/** A table has a power of two of slots; two of them at a time are told as one sum. */
async function isMoving(redis: Redis): Promise<boolean> {
  const counts = /keys=(\d+),expires=(\d+)/.exec(await redis.info('keyspace'))
  const stats = flat(await redis.call('MEMORY', 'STATS'))
  return tables.some(({ name, bytes, count }) => {
    const slots = (Number(stats.get(name)) - Number(counts?.[count]) * bytes) / 8
    return !Number.isInteger(Math.log2(slots))
  })
}

/** Names and values in turn, with those of a database as a list among them. */
function flat(reply: unknown): Map<string, unknown> {
  const values = [reply].flat(3)
  return new Map(values.flatMap((value, at) => [[String(value), values[at + 1]]]))
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url.replace(/^unix:\/\//, ''))
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}
