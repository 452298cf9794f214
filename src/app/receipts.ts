import { createBookedCalls } from '../cdr/booked-calls.ts'
import { createEventFeed } from '../cdr/event-feed.ts'
import { startLoop } from '../cdr/loop.ts'
import { systemClock } from '../platform/clock.ts'
import { createNumberParser } from '../platform/phone-numbers.ts'
import { toReport } from '../receipts/call-receipts.ts'
import { createFanOut } from '../receipts/fan-out.ts'
import { fullNumber } from '../receipts/full-number.ts'
import type { Shared } from './shared.ts'

const idleMs = 300

/** The worker's part: from call events to what customers are told. */
export function startReceipts(
  { settings, sql, redis, vault, log, closers }: Shared,
  senders: readonly { wake(): void }[],
): void {
  const { national } = createNumberParser({ country: settings.DEFAULT_COUNTRY })
  const feed = createEventFeed({ redis, vault, group: 'receipts', log })
  const fanOut = createFanOut({
    sql,
    vault,
    feed,
    toReceipt(event) {
      const { messageType, report } = toReport(event, { national, show: fullNumber(national) })
      return { type: messageType, body: report }
    },
    booked: createBookedCalls({ sql, vault, clock: systemClock }),
    national,
  })
  const loop = startLoop({
    async step() {
      const done = await fanOut.step()
      if (done) for (const each of senders) each.wake()
      return done
    },
    ...{ idleMs, retryMsMin: 50, retryMsMax: 2_000 },
    onFailure(err, first) {
      if (first) log.warn({ err }, 'receipts wait in the stream')
    },
    onRecovery: () => log.info('receipts are made again'),
  })
  closers.push({
    name: 'receipts',
    async close() {
      await loop.stop()
      feed.close()
    },
  })
}
