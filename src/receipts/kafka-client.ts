import type { ConnectionOptions } from 'node:tls'
import type { KafkaConfig, Producer } from 'kafkajs'
import { within } from '../platform/within.ts'
import { type KafkaFault, kafkaFaultOf } from './kafka-faults.ts'
import { createKafkaSockets } from './kafka-sockets.ts'
import { inAnyOrder } from './turns.ts'

/*
 * kafkajs: plain JavaScript without dependencies, installs from npm alone and runs on Node 20.
 * @confluentinc/kafka-javascript fetches a binary from elsewhere when it is installed;
 * @platformatic/kafka 1 stands on packages that need Node 22.
 */

export type KafkaRecord = {
  /** Records with one key stay in one partition, and so in order. */
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
  readonly at: Date
}

export type KafkaAnswer = { readonly ms: number } & (KafkaFault | { readonly fault: undefined })

export type KafkaClient = {
  /** Resolves when all replicas that are in sync have the records, or tells what was wrong: some may be there then. Never rejects. */
  send(topic: string, records: readonly KafkaRecord[]): Promise<KafkaAnswer>
  /** Whether the brokers let us in; sends nothing. Never rejects. */
  reach(): Promise<KafkaAnswer>
  /** What is under way fails. */
  close(): void
}

export type KafkaOptions = {
  /** `host:port`. */
  readonly brokers: readonly string[]
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    | undefined
  /** Undefined: no TLS. Asked at every connect, so that a certificate can be renewed. */
  readonly tls: (() => Promise<ConnectionOptions>) | undefined
}

/** How long one `send` takes at most. */
export const sendMsMax = 8_000

const connectMsMax = 6_000
/** To one of the brokers; then the next one has its turn. */
const brokerMsMax = 2_000
const requestMsMax = 7_000
/** For a leader that has moved, or a topic that is being made. What is longer is up to whoever calls. */
const retry = { retries: 3, initialRetryTime: 100 }
const allInSync = -1

type KafkaSockets = ReturnType<typeof createKafkaSockets>

type Session = {
  readonly producer: Promise<Producer>
  readonly sockets: KafkaSockets
  users: number
  isSpoilt: boolean
}

/**
 * Connects when there is something to send. After a fault with new connections and new metadata: the
 * brokers, or what they let us do, may be others by then.
 *
 * Not the idempotent producer: kafkajs gives a number to the next batch that a lost answer's batch
 * may have had, and the broker then takes the next one for a repetition, and drops it.
 */
export function createKafkaClient(options: KafkaOptions): KafkaClient {
  let session: Session | undefined
  let isClosed = false
  const stops = new Set<() => void>()

  function enter(): Session {
    session ??= begin(options)
    session.users += 1
    return session
  }

  /** Others may still be sending over what was spoilt for one. */
  function leave(left: Session): void {
    left.users -= 1
    if (left.isSpoilt && session === left) session = undefined
    if (left.isSpoilt && left.users === 0) end(left)
  }

  /** The work, or a rejection as soon as this client is closed. */
  function unlessClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(new Error('closed'))
      stops.add(stop)
      work.then(resolve, reject).finally(() => stops.delete(stop))
    })
  }

  async function attempt(work: (producer: Producer) => Promise<unknown>): Promise<KafkaAnswer> {
    const began = performance.now()
    const ms = () => Math.round(performance.now() - began)
    if (isClosed) return { ...kafkaFaultOf(undefined), ms: 0 }
    const own = enter()
    try {
      const done = own.producer.then(work)
      await within(sendMsMax, 'sending', unlessClosed(done))
      return { fault: undefined, ms: ms() }
    } catch (err) {
      const fault = kafkaFaultOf(err)
      own.isSpoilt ||= !fault.isFinal
      return { ...fault, ms: ms() }
    } finally {
      leave(own)
    }
  }

  return {
    send(topic, records) {
      const messages = records.map(({ key, value, headers, at }) => ({
        ...{ key, value, headers: { ...headers } },
        timestamp: String(at.getTime()),
      }))
      return attempt((producer) =>
        producer.send({ topic, messages, acks: allInSync, timeout: requestMsMax }),
      )
    },

    reach: () => attempt(async () => undefined),

    close() {
      isClosed = true
      for (const stop of stops) stop()
      if (session !== undefined) end(session)
      session = undefined
    },
  }
}

function begin(options: KafkaOptions): Session {
  const sockets = createKafkaSockets()
  return { producer: connect(options, sockets), sockets, users: 0, isSpoilt: false }
}

async function connect(
  { brokers, sasl, tls }: KafkaOptions,
  sockets: KafkaSockets,
): Promise<Producer> {
  // Only where there is a Kafka.
  const { Kafka, logLevel, Partitioners } = await import('kafkajs')
  const config: KafkaConfig = {
    clientId: 'axbridge',
    // Of some that are away it is not always the same ones first.
    brokers: inAnyOrder(brokers),
    connectionTimeout: brokerMsMax,
    authenticationTimeout: brokerMsMax,
    requestTimeout: requestMsMax,
    socketFactory: sockets.open,
    // Its log quotes requests and names.
    logLevel: logLevel.NOTHING,
    retry,
    ...(tls === undefined ? {} : { ssl: await tls() }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  }
  const producer = new Kafka(config).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    // Up to the broker: `auto.create.topics.enable`.
    allowAutoTopicCreation: true,
    retry,
  })
  // By itself it takes a broker that says nothing for one that is there.
  await within(connectMsMax, 'connecting', producer.connect())
  return producer
}

/** kafkajs has a type for each mechanism. */
function saslOf({ mechanism, username, password }: NonNullable<KafkaOptions['sasl']>) {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password }
    case 'scram-sha-256':
      return { mechanism, username, password }
    case 'scram-sha-512':
      return { mechanism, username, password }
  }
}

function end({ producer, sockets }: Session): void {
  sockets.endAll()
  // It has timers too.
  void producer.then((each) => each.disconnect()).catch(() => undefined)
}
