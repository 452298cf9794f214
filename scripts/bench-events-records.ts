import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../src/platform/clock.ts'
import { aVault } from '../test/support/call-events.ts'
import { built } from './bench-built.ts'
import { eventsOf } from './bench-events-calls.ts'
import { runHelper } from './bench-process.ts'

export type RecordsSetup = { readonly redisUrl: string; readonly databaseUrl: string }
export type RecordsTask = { readonly calls: number; readonly up: number; readonly from: number }

const batch = 500

/** The worker's part, from a stream that holds the events of so many calls. Done: events per second. */
runHelper<RecordsSetup, RecordsTask, number>(async ({ redisUrl, databaseUrl }) => {
  const log = (await built.logger()).createLogger({ level: 'silent' })
  const { createRedis, redisReady } = await built.redis()
  const { createCallRecordWriter } = await built.callRecordWriter()
  const { createEventSealer } = await built.storedEvent()
  const redis = createRedis({ url: redisUrl, log, name: 'bench-records', commandMsMax: 0 })
  const sql = (await built.sql()).createSql({ url: databaseUrl, log })
  const seal = createEventSealer(aVault())
  await redisReady(redis)

  async function fill(task: RecordsTask): Promise<number> {
    await redis.del('axb:events')
    const events = eventsOf(task.calls, task)
    for (let at = 0; at < events.length; at += batch) {
      const pipeline = redis.pipeline()
      for (const event of events.slice(at, at + batch)) {
        pipeline.xadd('axb:events', '*', 'id', event.id, 'event', seal(event))
      }
      await pipeline.exec()
    }
    return events.length
  }

  return {
    async do(task) {
      const count = await fill(task)
      let written = 0
      const writer = createCallRecordWriter({
        ...{ redis, sql, clock: systemClock, log },
        onWritten(events) {
          written += events
        },
      })
      const from = performance.now()
      writer.start()
      while (written < count) await setTimeout(1)
      const seconds = (performance.now() - from) / 1000
      await writer.stop()
      return count / seconds
    },
    async close() {
      redis.disconnect()
      await sql.close()
    },
  }
})
