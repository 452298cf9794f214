import { networkWords } from './network-words.ts'

export type KafkaFault = {
  /** Kafka's error code, where a broker has said it. */
  readonly status: number | undefined
  /** For the delivery log. Of closed lists: what libraries and brokers say can quote anything. */
  readonly fault: string
  /** It lies with what was sent, and no later try can help. */
  readonly isFinal: boolean
}

const tooLarge = 'the receipt is larger than the topic takes'
const denied = 'the broker does not take the user name or the password'
const wrongMechanism = 'the broker does not offer what KAFKA_SASL says'

/** Kafka's error codes: https://kafka.apache.org/protocol#protocol_error_codes */
const brokerWords: Readonly<Record<number, string>> = {
  3: 'the topic does not exist, and the broker makes none',
  5: 'the topic has no leader now',
  7: 'the replicas took too long',
  10: tooLarge,
  17: 'the broker does not take the name of the topic',
  18: tooLarge,
  19: 'too few replicas are in sync',
  20: 'too few replicas are in sync',
  29: 'the broker does not let us write to the topic',
  31: 'the broker does not let us use the cluster',
  32: 'the time of the receipt is too far from now for the topic',
  33: wrongMechanism,
  58: denied,
  87: 'the topic does not take such a record',
}

const finalCodes = new Set([10, 18, 32, 87])

/** What the client's error comes down to: the innermost one that says something. */
export function kafkaFaultOf(err: unknown): KafkaFault {
  for (const each of innermostFirst(err)) {
    const { type, code, name, message } = each
    if (typeof code === 'number' && typeof type === 'string') return fromBroker(code, type)
    const fault = typeof code === 'string' ? networkWords(code) : undefined
    if (fault !== undefined) return fromHere(fault)
    const said = byName[name ?? '']?.(message ?? '')
    if (said !== undefined) return fromHere(said)
  }
  return fromHere('the request failed')
}

const byName: Readonly<Record<string, (message: string) => string>> = {
  KafkaJSSASLAuthenticationError: (message) =>
    message.endsWith('mechanism is not supported by the server') ? wrongMechanism : denied,
  KafkaJSServerDoesNotSupportApiKey: () => 'the broker does not offer SASL, or is too old',
  KafkaJSRequestTimeoutError: () => 'the broker does not answer',
  KafkaJSConnectionClosedError: () => 'the connection was cut',
  KafkaJSConnectionError: (message) =>
    message === 'Connection timeout' ? 'the host does not answer' : 'the connection failed',
  LimitReached: () => 'the broker does not answer',
}

type Said = {
  readonly name?: string
  readonly message?: string
  readonly type?: unknown
  readonly code?: unknown
  readonly cause?: unknown
}

function innermostFirst(err: unknown): readonly Said[] {
  const found: Said[] = []
  for (let each = err; each instanceof Error && found.length < 8; each = each.cause) {
    found.unshift(each)
  }
  return found
}

function fromBroker(code: number, type: string): KafkaFault {
  const isKnownType = /^[A-Z_]{1,60}$/.test(type)
  const fault = brokerWords[code] ?? (isKnownType ? `the broker said ${type}` : `code ${code}`)
  return { status: code, fault, isFinal: finalCodes.has(code) }
}

const fromHere = (fault: string): KafkaFault => ({ status: undefined, fault, isFinal: false })
