import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  createKafkaClient,
  type KafkaClient,
  type KafkaOptions,
} from '../../../src/receipts/kafka-client.ts'
import { kafkaOptions } from '../../../src/receipts/kafka-options.ts'
import { readTopic, startKafka, type TestKafka } from '../../support/kafka.ts'
import { type KafkaDoor, openKafkaDoor } from '../../support/kafka-door.ts'
import { freeTcpPort } from '../../support/ports.ts'

/** TLS and passwords, and what is said when something is wrong with them. */
let kafka: TestKafka
let folder: string
let ca: string
let keyFile: string
let certFile: string
let tlsDoor: KafkaDoor
const opened: KafkaClient[] = []
const password = 'correct-horse'
const sasl = { mechanism: 'plain', username: 'axbridge', password } as const

beforeAll(async () => {
  folder = await mkdtemp('/tmp/axb-kafka-')
  keyFile = join(folder, 'key.pem')
  certFile = join(folder, 'cert.pem')
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', keyFile, '-out', certFile, '-days', '2', '-subj', '/CN=kafka'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1'],
  ])
  ca = await readFile(certFile, 'utf8')
  kafka = await startKafka(1)
  const tls = { key: await readFile(keyFile), cert: ca }
  tlsDoor = await openKafkaDoor({ broker: kafka.brokers[0] ?? '', tls, password })
})
afterAll(async () => {
  await tlsDoor.close()
  await kafka.stop()
  await rm(folder, { recursive: true, force: true })
})
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

const record = { key: 'a', value: '{"id":1}', headers: {}, at: new Date() }

function sendWith(options: Partial<KafkaOptions> & { broker?: string }) {
  const { broker = kafka.brokers[0] ?? '', ...given } = options
  const client = createKafkaClient({ brokers: [broker], sasl: undefined, tls: undefined, ...given })
  opened.push(client)
  return client.send('behind-doors', [record])
}

test('over TLS with a user name and a password; the certificate is read again for each connection', async () => {
  let reads = 0
  const tls = async () => {
    reads += 1
    return { ca }
  }
  const answer = await sendWith({ broker: tlsDoor.broker, sasl, tls })
  expect(answer).toMatchObject({ fault: undefined })
  expect(tlsDoor.users).toContain('axbridge')
  expect(await kafka.read('behind-doors')).toMatchObject([{ key: 'a', body: { id: 1 } }])
  expect(reads).toBe(1)
})

test('settings lead through a door that asks for a certificate and a password', async () => {
  const key = await readFile(keyFile)
  const tls = { key, cert: ca, ca, requestCert: true, rejectUnauthorized: true }
  const door = await openKafkaDoor({ broker: kafka.brokers[0] ?? '', tls, password })
  const settings: Parameters<typeof kafkaOptions>[0] = {
    ...{ KAFKA_BROKERS: ` ${door.broker}`, KAFKA_TLS: true, KAFKA_CA_FILE: certFile },
    KAFKA_SASL: 'scram-sha-512',
    ...{ KAFKA_USERNAME: 'axbridge', KAFKA_PASSWORD: password },
  }
  expect(await sendWith({ ...kafkaOptions(settings) })).toHaveProperty('fault', expect.any(String))
  expect(door.users).toEqual([])
  const files = { KAFKA_CERT_FILE: certFile, KAFKA_CERT_KEY_FILE: keyFile }
  expect(await sendWith({ ...kafkaOptions({ ...settings, ...files }) })).toMatchObject({
    fault: undefined,
  })
  expect(door.users).toContain('axbridge')
  await door.close()
})

test.each(['plain', 'scram-sha-512'] as const)(
  '%s lets us in, as it does others',
  async (mechanism) => {
    const door = await openKafkaDoor({ broker: kafka.brokers[0] ?? '', password })
    const answer = await sendWith({ broker: door.broker, sasl: { ...sasl, mechanism } })
    expect(answer).toMatchObject({ fault: undefined })
    const wrong = { ...sasl, mechanism, password: 'wrong-horse' }
    expect(await sendWith({ broker: door.broker, sasl: wrong })).toMatchObject({
      fault: 'the broker does not take the user name or the password',
    })
    expect(new Set(door.users)).toEqual(new Set(['axbridge']))
    // The door is ours: somebody else's client goes through it as well.
    const others = {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanisms': mechanism.toUpperCase(),
      'sasl.username': 'kcat',
      'sasl.password': password,
    }
    const told = Object.entries(others).flatMap(([name, value]) => ['-X', `${name}=${value}`])
    expect(await readTopic([door.broker], 'behind-doors', told)).not.toEqual([])
    expect(door.users).toContain('kcat')
    await door.close()
  },
)

test.each<[string, Partial<KafkaOptions> & { broker?: string }, string]>([
  [
    'a wrong password',
    { sasl: { ...sasl, password: 'wrong-horse' }, tls: async () => ({ ca }) },
    'the broker does not take the user name or the password',
  ],
  [
    'another mechanism',
    { sasl: { ...sasl, mechanism: 'scram-sha-256' }, tls: async () => ({ ca }) },
    'the broker does not offer what KAFKA_SASL says',
  ],
  [
    'a certificate of somebody whom we do not know',
    { sasl, tls: async () => ({}) },
    'the certificate is not good: DEPTH_ZERO_SELF_SIGNED_CERT',
  ],
  ['no TLS where there is some', { sasl }, 'the connection was cut'],
  ['a host that does not exist', { broker: 'kafka.invalid:9092' }, 'the host name is not known'],
])('%s is said in clear words, without the password', async (_what, options, fault) => {
  const answer = await sendWith({ broker: tlsDoor.broker, ...options })
  expect(answer).toMatchObject({ fault, isFinal: false })
  expect(JSON.stringify(answer)).not.toMatch(/horse|axbridge/)
})

test('brokers that know no SASL, nobody at the port, and somebody who says nothing', async () => {
  expect(await sendWith({ sasl })).toMatchObject({
    fault: 'the broker does not offer SASL, or is too old',
  })
  const broker = `127.0.0.1:${await freeTcpPort()}`
  expect(await sendWith({ broker })).toMatchObject({ fault: 'the connection was refused' })
  const silent = createServer((socket) => socket.resume().on('error', () => undefined))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : 0
  const answer = await sendWith({ broker: `127.0.0.1:${port}` })
  expect(answer).toMatchObject({ fault: 'the broker does not answer' })
  expect(answer.ms).toBeLessThan(9_000)
  // No connection is left: closing would wait for it.
  await new Promise((resolve) => silent.close(resolve))
})

test('a client that is closed while it sends says so at once', async () => {
  await kafka.order('slow 5000')
  const client = createKafkaClient({ brokers: kafka.brokers, sasl: undefined, tls: undefined })
  const sending = client.send('closing', [record])
  await new Promise((resolve) => setTimeout(resolve, 200))
  client.close()
  const answer = await sending
  await kafka.order('slow 0')
  expect(answer).toMatchObject({ isFinal: false })
  expect(answer.ms).toBeLessThan(4_000)
  expect(await client.send('closing', [record])).toMatchObject({ fault: 'the request failed' })
})
