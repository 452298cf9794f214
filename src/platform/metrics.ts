import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** What is read when somebody asks, instead of being told at every change. */
type Watched = { callsLive(): number; journalBacklog(): number }

/** How exactly lag of the event loop is seen; the library's 10 ms would wake an idle process a hundred times a second. */
const eventLoopMs = 50

/**
 * What the engine counts, in a registry of its own, so that two engines in one process (tests) do
 * not meet. Labels are words from closed lists and names that an administrator gave; never a
 * number, an id of a call or a binding: those would grow without end and tell on people.
 */
export function createMetrics() {
  const registry = new Registry()
  // Event loop lag, memory, CPU, descriptors.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopMs })
  let watched: Watched | undefined

  return {
    registry,
    watch(gauges: Watched): void {
      watched = gauges
    },
    ...callInstruments([registry], () => watched),
    ...partInstruments([registry], () => watched),
    ...receiptInstruments([registry]),
  }
}

function callInstruments(registers: Registry[], watched: () => Watched | undefined) {
  return {
    callsStarted: new Counter({
      name: 'axbridge_calls_started_total',
      help: 'Calls that came in over a trusted trunk',
      labelNames: ['trunk'],
      registers,
    }),
    callsEnded: new Counter({
      name: 'axbridge_calls_ended_total',
      help: 'Calls that are over, by hang-up reason',
      labelNames: ['reason'],
      registers,
    }),
    callsLive: new Gauge({
      name: 'axbridge_calls_live',
      help: 'Calls that this router is handling now',
      registers,
      collect() {
        const read = watched()
        if (read !== undefined) this.set(read.callsLive())
      },
    }),
    postDialDelay: new Histogram({
      name: 'axbridge_post_dial_delay_seconds',
      help: "From the caller's INVITE to the first ring or answer that the caller was told of",
      buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10],
      registers,
    }),
    talkTime: new Histogram({
      name: 'axbridge_talk_seconds',
      help: 'From answer to release, answered calls only',
      buckets: [5, 15, 30, 60, 120, 300, 600, 1800, 3600],
      registers,
    }),
    strangers: new Counter({
      name: 'axbridge_strangers_total',
      help: 'INVITEs from addresses that belong to no trunk',
      registers,
    }),
  }
}

function partInstruments(registers: Registry[], watched: () => Watched | undefined) {
  return {
    resolves: new Counter({
      name: 'axbridge_resolves_total',
      help: 'Route records looked up, by where they came from; failed: from nowhere',
      labelNames: ['source'],
      registers,
    }),
    journalBacklog: new Gauge({
      name: 'axbridge_journal_backlog_events',
      help: 'Call events on local disk that Redis does not have yet',
      registers,
      collect() {
        const read = watched()
        if (read !== undefined) this.set(read.journalBacklog())
      },
    }),
    mediaHostUp: new Gauge({
      name: 'axbridge_media_host_up',
      help: '1 when the media host can take calls',
      labelNames: ['host'],
      registers,
    }),
    trunkUp: new Gauge({
      name: 'axbridge_trunk_up',
      help: '0 when an outgoing trunk does not answer or fails its calls, as this router sees it',
      labelNames: ['trunk'],
      registers,
    }),
    alarmsOpen: new Gauge({
      name: 'axbridge_alarms_open',
      help: 'Alarms of all accounts that are not over',
      labelNames: ['kind'],
      registers,
    }),
    sipServerUp: new Gauge({
      name: 'axbridge_sip_server_up',
      help: '1 when the SIP server is connected',
      labelNames: ['server'],
      registers,
    }),
    httpRequests: new Histogram({
      name: 'axbridge_http_request_seconds',
      help: "Answered requests by the route's pattern",
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
  }
}

function receiptInstruments(registers: Registry[]) {
  return {
    receiptPushes: new Counter({
      name: 'axbridge_receipt_pushes_total',
      help: 'Receipts by what became of a try to push them: sent, retry or dead',
      labelNames: ['type', 'outcome'],
      registers,
    }),
    receiptDelay: new Histogram({
      name: 'axbridge_receipt_delay_seconds',
      help: 'From the event to the answer of the receiver that took the push',
      labelNames: ['type'],
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600],
      registers,
    }),
    receiptEventsWaiting: new Gauge({
      name: 'axbridge_receipt_events_waiting',
      help: 'Call events in the stream that no receipt was made of yet',
      registers,
    }),
    receiptOldestSeconds: new Gauge({
      name: 'axbridge_receipt_oldest_seconds',
      help: 'Age of the oldest receipt that is not delivered; by way: push, queue or kafka',
      labelNames: ['way'],
      registers,
    }),
    receiptKafka: new Counter({
      name: 'axbridge_receipt_kafka_total',
      help: 'Receipts by what became of a try to send them to Kafka: sent, retry or dead',
      labelNames: ['type', 'outcome'],
      registers,
    }),
    receiptKafkaDelay: new Histogram({
      name: 'axbridge_receipt_kafka_delay_seconds',
      help: "From the event to the brokers' acknowledgement",
      labelNames: ['type'],
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600],
      registers,
    }),
    receiptKafkaWaiting: new Gauge({
      name: 'axbridge_receipt_kafka_waiting',
      help: 'Receipts that wait to be sent to Kafka; counted up to 10000',
      registers,
    }),
    receiptKafkaFailing: new Gauge({
      name: 'axbridge_receipt_kafka_failing',
      help: 'Message types of accounts whose Kafka topic does not take receipts now',
      registers,
    }),
    receiptPushesPaused: new Gauge({
      name: 'axbridge_receipt_pushes_paused',
      help: 'URLs that have failed for so long that they are only tried now and then',
      registers,
    }),
  }
}
