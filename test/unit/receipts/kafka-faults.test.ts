import { expect, test } from 'vitest'
import { kafkaFaultOf } from '../../../src/receipts/kafka-faults.ts'
import { createTopicOf, typesWith } from '../../../src/receipts/kafka-topic.ts'
import { messageTypes } from '../../../src/receipts/receipt-types.ts'

/** As kafkajs makes them. */
function err(fields: object, cause?: Error): Error {
  return Object.assign(new Error('it said 13800138000 of secret-horse', { cause }), fields)
}
const broker = (code: number, type: string) => err({ name: 'KafkaJSProtocolError', code, type })

test.each([
  [broker(10, 'MESSAGE_TOO_LARGE'), 10, 'the receipt is larger than the topic takes', true],
  [broker(87, 'INVALID_RECORD'), 87, 'the topic does not take such a record', true],
  [broker(29, 'TOPIC_AUTHORIZATION_FAILED'), 29, 'the broker does not let us write', false],
  [broker(56, 'KAFKA_STORAGE_ERROR'), 56, 'the broker said KAFKA_STORAGE_ERROR', false],
  [broker(999, 'what 13800138000 said'), 999, 'code 999', false],
  [
    err({ name: 'KafkaJSNumberOfRetriesExceeded' }, broker(3, 'UNKNOWN_TOPIC_OR_PARTITION')),
    ...([3, 'the topic does not exist', false] as const),
  ],
  [
    err({ name: 'KafkaJSNonRetriableError' }, err({ code: 'ECONNREFUSED' })),
    ...([undefined, 'the connection was refused', false] as const),
  ],
  [
    err({ name: 'KafkaJSConnectionError', code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    ...([undefined, 'the certificate is not good: ERR_TLS_CERT_ALTNAME_INVALID', false] as const),
  ],
  [
    err({ name: 'KafkaJSSASLAuthenticationError' }),
    ...([undefined, 'the broker does not take the user name or the password', false] as const),
  ],
  [err({ name: 'TypeError' }), undefined, 'the request failed', false],
  ['nonsense', undefined, 'the request failed', false],
])('%s is said in words of ours', (given, status, words, isFinal) => {
  const fault = kafkaFaultOf(given)
  expect(fault).toMatchObject({ status, isFinal })
  expect(fault.fault).toContain(words)
  expect(fault.fault).not.toMatch(/13800138000|horse/)
})

test('a template names the topics, and says which types share one', () => {
  const topicOf = createTopicOf('axbridge.{account}.{type}')
  expect(topicOf('main', 'SecretReport')).toBe('axbridge.main.SecretReport')
  expect(typesWith(topicOf, 'main', 'SecretReport')).toEqual(['SecretReport'])
  expect(typesWith(createTopicOf('all-of.{account}'), 'main', 'SecretReport')).toEqual(messageTypes)
})
