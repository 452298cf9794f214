import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { Settings } from '../platform/settings.ts'
import type { KafkaOptions } from './kafka-client.ts'

export type KafkaSettings = Pick<
  Settings,
  | 'KAFKA_BROKERS'
  | 'KAFKA_TLS'
  | 'KAFKA_CA_FILE'
  | 'KAFKA_CERT_FILE'
  | 'KAFKA_CERT_KEY_FILE'
  | 'KAFKA_SASL'
  | 'KAFKA_USERNAME'
  | 'KAFKA_PASSWORD'
>

/** Undefined: there is no Kafka. */
export function kafkaOptions(settings: KafkaSettings): KafkaOptions | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_SASL: mechanism, KAFKA_TLS: isTls } = settings
  if (brokers === undefined) return undefined
  const { KAFKA_USERNAME: username = '', KAFKA_PASSWORD: password = '' } = settings
  return {
    brokers: brokers.split(',').map((each) => each.trim()),
    sasl: mechanism === 'none' ? undefined : { mechanism, username, password },
    tls: isTls ? () => tlsOf(settings) : undefined,
  }
}

async function tlsOf(settings: KafkaSettings): Promise<ConnectionOptions> {
  const read = async (path: string | undefined) =>
    path === undefined ? undefined : await readFile(path, 'utf8')
  const ca = await read(settings.KAFKA_CA_FILE)
  const cert = await read(settings.KAFKA_CERT_FILE)
  const key = await read(settings.KAFKA_CERT_KEY_FILE)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}
