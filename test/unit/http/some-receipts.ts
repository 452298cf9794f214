import { DomainError } from '../../../src/domain/errors.ts'
import type { AccountId, CallId, PoolKey } from '../../../src/domain/ids.ts'
import type { V1Rooms } from '../../../src/http/v1/v1-routes.ts'
import type { Delivery } from '../../../src/receipts/deliveries.ts'
import type { KafkaRoute } from '../../../src/receipts/kafka-routes.ts'
import type { PushRoute } from '../../../src/receipts/push-routes.ts'
import type { QueueRoute } from '../../../src/receipts/routes.ts'

/** One queue, one push, one topic and one delivery, in memory. */
export function someReceipts(
  accountId: AccountId,
): Pick<V1Rooms, 'queueRoutes' | 'pushRoutes' | 'kafkaRoutes' | 'deliveries'> {
  const known = (name: string) => {
    if (name !== aQueue().name) throw new DomainError('queue-unknown', 404, 'There is none.')
    return aQueue()
  }
  const push = aPush(accountId)
  const kafka = aKafka(accountId)
  const secret = 'axp_the-secret'
  return {
    queueRoutes: {
      create: async ({ type, poolKeys }) => aQueue({ type, poolKeys }),
      get: async ({ name }) => known(name),
      list: async () => ({ items: [aQueue()], nextCursor: undefined }),
      change: async ({ name }, { enabled }) => ({ ...known(name), enabled: enabled ?? true }),
      remove: async ({ name }) => void known(name),
    },
    pushRoutes: {
      put: async ({ type }, { url }) => ({
        route: { ...push, type, url },
        secret: type === push.type ? undefined : secret,
      }),
      get: async () => push,
      list: async () => [push],
      rotate: async () => ({ route: push, secret }),
      remove: async () => undefined,
      test: async () => ({ status: 500, fault: 'status 500', ms: 12 }),
    },
    kafkaRoutes: {
      put: async ({ type }, { enabled = true }) => ({
        route: { ...kafka, type, enabled },
        isNew: type !== kafka.type,
      }),
      get: async () => kafka,
      list: async () => [kafka],
      remove: async () => undefined,
      test: async () => ({ status: 29, fault: 'not allowed', isFinal: false, ms: 12 }),
    },
    deliveries: {
      list: async () => ({ items: [aDelivery()], nextCursor: undefined }),
      resend: async ({ ids }) => ids?.length ?? 7,
      replay: async () => 9,
    },
  }
}

export function aQueue(given: Partial<QueueRoute> = {}): QueueRoute {
  return {
    name: 'Alicom-Queue-main-SecretReport-100000',
    type: 'SecretReport',
    isDefault: false,
    enabled: true,
    poolKeys: ['FC100000000000001' as PoolKey],
    visibilitySeconds: 30,
    retentionSeconds: 259_200,
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

function aPush(accountId: AccountId): PushRoute {
  return {
    ...{ accountId, type: 'SecretReport', url: 'https://receipts.example.com/ends' },
    ...{ enabled: true, timeoutMs: 3000, batchMax: 10, concurrency: 4 },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    failingSince: new Date('2030-01-30T03:00:00Z'),
    ...{ pausedAt: undefined, oldSecretUntil: undefined },
  }
}

function aKafka(accountId: AccountId): KafkaRoute {
  return {
    ...{ accountId, type: 'SecretReport', topic: 'axbridge.main.SecretReport', enabled: true },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    failingSince: new Date('2030-01-30T03:00:00Z'),
    lastFault: 'the connection was refused',
  }
}

function aDelivery(): Delivery {
  return {
    ...{ id: '4711', type: 'SecretReport', eventId: 'one:end', callId: 'one' as CallId },
    ...{ state: 'due', attempts: 1, lastStatus: 500, lastFault: 'status 500', answeredMs: 12 },
    triedAt: new Date('2030-01-30T02:00:01.700Z'),
    dueAt: new Date('2030-01-30T02:01:01.700Z'),
    happenedAt: new Date('2030-01-30T02:00:01Z'),
    createdAt: new Date('2030-01-30T02:00:01.500Z'),
  }
}
