import { startLoop } from '../cdr/loop.ts'
import { eventStream } from '../cdr/stream.ts'
import { systemClock } from '../platform/clock.ts'
import type { Settings } from '../platform/settings.ts'
import { createDeliveries } from '../receipts/deliveries.ts'
import { createKafkaRoutes } from '../receipts/kafka-routes.ts'
import { createTopicOf } from '../receipts/kafka-topic.ts'
import { createPush } from '../receipts/push.ts'
import { createPushPost } from '../receipts/push-post.ts'
import { createPushRoutes } from '../receipts/push-routes.ts'
import { createReceiptSweep, readKafkaState, readReceiptState } from '../receipts/receipt-keeper.ts'
import { createQueueRoutes } from '../receipts/routes.ts'
import { openKafka } from './kafka.ts'
import type { Shared } from './shared.ts'

const idleMs = 200
const gaugesEveryMs = 5_000
const sweepEveryMs = 60_000

/** The worker's part: receipts to the URLs of customers. Call `wake` when there may be new ones. */
export function startPushes(shared: Shared): { wake(): void } {
  const { settings, sql, vault, log, metrics, closers } = shared
  const post = createPushPost({ privateHosts: settings.RECEIPT_PRIVATE_HOSTS })
  const push = createPush({
    ...{ sql, vault, clock: systemClock, post, log },
    counts: {
      tried(type, outcome, receipts) {
        if (receipts > 0) metrics.receiptPushes.inc({ type, outcome }, receipts)
      },
      delivered: (type, seconds) => metrics.receiptDelay.observe({ type }, seconds),
    },
    onMore: () => loop.wake(),
  })
  const loop = startLoop({
    async step() {
      await push.step()
      return false
    },
    ...{ idleMs, retryMsMin: 50, retryMsMax: 2_000 },
    onFailure(err, first) {
      if (first) log.warn({ err }, 'pushes wait for the database')
    },
    onRecovery: () => log.info('receipts are pushed again'),
  })
  closers.push({ name: 'push connections', close: () => post.close() })
  closers.push({
    name: 'pushes',
    async close() {
      await loop.stop()
      await push.settled()
    },
  })
  return loop
}

/** What the worker does for receipts now and then. */
export function receiptDuties({ settings, sql, redis, metrics }: Shared) {
  return [
    {
      name: 'receipt-sweep',
      everyMs: sweepEveryMs,
      work: createReceiptSweep({ sql, keepDays: settings.RECEIPT_KEEP_DAYS }),
    },
    {
      name: 'receipt-gauges',
      everyMs: gaugesEveryMs,
      async work() {
        const state = await readReceiptState(sql, redis, eventStream)
        metrics.receiptEventsWaiting.set(state.eventsWaiting)
        metrics.receiptOldestSeconds.set({ way: 'push' }, state.oldestToPushSeconds)
        metrics.receiptOldestSeconds.set({ way: 'queue' }, state.oldestInQueueSeconds)
        metrics.receiptPushesPaused.set(state.paused)
        const kafka = await readKafkaState(sql)
        metrics.receiptOldestSeconds.set({ way: 'kafka' }, kafka.oldestSeconds)
        metrics.receiptKafkaWaiting.set(kafka.waiting)
        metrics.receiptKafkaFailing.set(kafka.failing)
      },
    },
  ]
}

/** What the API shows of receipts. */
export function createReceiptRooms({
  settings,
  sql,
  vault,
  closers,
}: Pick<Shared, 'sql' | 'vault' | 'closers'> & {
  settings: Pick<Settings, 'RECEIPT_PRIVATE_HOSTS' | 'KAFKA_TOPIC'> &
    Parameters<typeof openKafka>[0]
}) {
  const privateHosts = settings.RECEIPT_PRIVATE_HOSTS
  const post = createPushPost({ privateHosts })
  closers.push({ name: 'test push connections', close: () => post.close() })
  return {
    queueRoutes: createQueueRoutes({ sql }),
    pushRoutes: createPushRoutes({ sql, vault, clock: systemClock, post, privateHosts }),
    kafkaRoutes: createKafkaRoutes({
      ...{ sql, clock: systemClock },
      topicOf: createTopicOf(settings.KAFKA_TOPIC),
      client: openKafka(settings, closers),
    }),
    deliveries: createDeliveries({ sql, clock: systemClock }),
  }
}
