import { createCallJournal } from '../../../src/cdr/call-journal.ts'
import { createRouterLease } from '../../../src/cdr/router-lease.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createRedis } from '../../../src/platform/redis.ts'
import { aCall, aVault } from '../../support/call-events.ts'

/** A router for the tests: appends events, and prints the ids of each batch once it is flushed. */
async function appendUntilKilled(dir: string, redisUrl: string): Promise<never> {
  const log = createLogger({ level: 'silent' })
  const redis = createRedis({ url: redisUrl, log, name: 'child' })
  const limits = { segmentBytes: 200_000, reserveBytes: 65_536 }
  const journal = createCallJournal({
    ...{ dir, redis, vault: aVault(), clock: systemClock, log, limits },
  })
  await journal.start()
  const times = { leaseMs: 500, renewMs: 100 }
  createRouterLease({
    ...{ redis, routerId: 'child', journal, clock: systemClock, log, times },
  }).start()
  for (;;) {
    const calls = Array.from({ length: 25 }, () => aCall({ callTime: new Date() }))
    // Every fifth call goes on.
    const events = calls.flatMap((call, at) => (at % 5 === 0 ? call.slice(0, 3) : call))
    for (const event of events) journal.append(event)
    await journal.flushed()
    process.stdout.write(`${JSON.stringify(events.map(({ id }) => id))}\n`)
  }
}

const [, , dir = '', redisUrl = ''] = process.argv
await appendUntilKilled(dir, redisUrl)
