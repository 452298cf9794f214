import { describe, expect, test } from 'vitest'
import { loadSettings } from '../../../src/platform/settings.ts'

const usual = {
  DATABASE_URL: 'postgres://127.0.0.1/axbridge',
  REDIS_URL: 'redis://127.0.0.1',
  DRACHTIO_URL: 'drachtio://:secret@127.0.0.1',
  FREESWITCH_URLS: 'freeswitch://:secret@127.0.0.1',
  AXBRIDGE_ADMIN_TOKEN: 'a-token-that-is-long-enough-for-anybody',
}

describe('settings', () => {
  test('half an access key is none', () => {
    const half = { ...usual, AXBRIDGE_ACCESS_KEY_ID: 'AKabcdefghijklmnopqrstuv' }
    expect(() => loadSettings(half)).toThrow('go together')
    const whole = { ...half, AXBRIDGE_ACCESS_KEY_SECRET: 'a secret of some length' }
    expect(loadSettings(whole).AXBRIDGE_ACCESS_KEY_ID).toBe(half.AXBRIDGE_ACCESS_KEY_ID)
  })

  test.each([
    [{ KAFKA_BROKERS: 'kafka-1' }, 'KAFKA_BROKERS'],
    [{ KAFKA_BROKERS: 'kafka://user:pw@kafka-1:9092' }, 'KAFKA_BROKERS'],
    [{ KAFKA_TOPIC: 'receipts/{type}' }, 'KAFKA_TOPIC'],
    [{ KAFKA_TOPIC: '{kind}' }, 'KAFKA_TOPIC'],
    [{ KAFKA_USERNAME: 'us' }, 'KAFKA_USERNAME and KAFKA_PASSWORD go together'],
    [{ KAFKA_USERNAME: 'us', KAFKA_PASSWORD: 'pw' }, 'KAFKA_SASL and KAFKA_USERNAME go together'],
    [{ KAFKA_SASL: 'plain' }, 'KAFKA_SASL and KAFKA_USERNAME go together'],
    [{ KAFKA_CERT_FILE: 'a', KAFKA_TLS: 'true' }, 'KAFKA_CERT_KEY_FILE go together'],
    [{ KAFKA_CA_FILE: 'a' }, 'KAFKA_CA_FILE need KAFKA_TLS=true'],
  ])('%j is refused', (given, fault) => {
    expect(() => loadSettings({ ...usual, ...given })).toThrow(fault)
  })

  test('Kafka may have several brokers, and a password', () => {
    const given = {
      KAFKA_BROKERS: 'kafka-1.example.com:9093, 10.0.0.2:9093',
      KAFKA_TOPIC: 'receipts.{account}_{type}',
      KAFKA_SASL: 'scram-sha-512',
      KAFKA_USERNAME: 'us',
      KAFKA_PASSWORD: 'pw',
    }
    const { KAFKA_BROKERS, KAFKA_TOPIC } = loadSettings({ ...usual, ...given })
    expect([KAFKA_BROKERS, KAFKA_TOPIC]).toEqual([given.KAFKA_BROKERS, given.KAFKA_TOPIC])
  })

  test('every fault is named at once, and no value', () => {
    const given = { DRAIN_SECONDS_MAX: 'secret', UNMATCHED_SIP_STATUS: '500' }
    expect(() => loadSettings(given)).toThrow(
      /DATABASE_URL[\s\S]*DRAIN_SECONDS_MAX|DRAIN_SECONDS_MAX[\s\S]*DATABASE_URL/,
    )
    expect(() => loadSettings(given)).not.toThrow(/secret/)
  })

  test.each(['*', 'drachtio:*', 'express, drachtio:agent', '*,-drachtio:socket'])(
    'DEBUG=%s is refused: the SIP library would print real numbers',
    (DEBUG) => {
      expect(() => loadSettings({ ...usual, DEBUG })).toThrow('DEBUG would have')
    },
  )

  test.each(['', '1', 'fastify', '-drachtio'])('DEBUG=%j is no business of ours', (DEBUG) => {
    expect(loadSettings({ ...usual, DEBUG }).REDIS_URL).toBe(usual.REDIS_URL)
  })
})
