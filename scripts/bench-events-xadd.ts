import { Redis } from 'ioredis'
import { createEventSealer } from '../src/cdr/stored-event.ts'
import { aVault } from '../test/support/call-events.ts'
import { eventsOf } from './bench-events-calls.ts'
import { runHelper } from './bench-process.ts'

export type XaddSetup = { readonly redisUrl: string }
export type XaddTask = { readonly calls: number; readonly up: number; readonly from: number }

const batch = 500

/** The least that brings events to the stream: they are written and sealed before the clock starts. Done: per second. */
runHelper<XaddSetup, XaddTask, number>(async ({ redisUrl }) => {
  const redis = new Redis(redisUrl.replace(/^unix:\/\//, ''))
  const seal = createEventSealer(aVault())

  async function send(events: readonly (readonly [id: string, json: string])[]): Promise<void> {
    const pipeline = redis.pipeline()
    for (const [id, json] of events) pipeline.xadd('axb:events', '*', 'id', id, 'event', json)
    const replies = await pipeline.exec()
    for (const [err] of replies ?? []) if (err !== null) throw err
  }

  return {
    async do({ calls, ...shape }) {
      const events = eventsOf(calls, shape).map((each) => [each.id, seal(each)] as const)
      await redis.del('axb:events')
      const from = performance.now()
      let next = 0
      // While Redis takes one batch the next is laid out.
      const sender = async () => {
        while (next < events.length) {
          const at = next
          next += batch
          await send(events.slice(at, at + batch))
        }
      }
      await Promise.all([sender(), sender()])
      return events.length / ((performance.now() - from) / 1000)
    },
    async close() {
      redis.disconnect()
    },
  }
})
