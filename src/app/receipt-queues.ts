import { LRUCache } from 'lru-cache'
import type { AccountRooms } from '../accounts/account-rooms.ts'
import type { MnsDeps, Reading } from '../http/mns/mns-routes.ts'
import { createThrottle } from '../http/rpc/throttle.ts'
import { systemClock } from '../platform/clock.ts'
import { createQueueTokens } from '../receipts/queue-tokens.ts'
import { createReceiptQueues } from '../receipts/queues.ts'
import type { Shared } from './shared.ts'

/** What the vendor's queue API stands on. */
export function joinReceiptQueues(
  { sql, vault, log }: Shared,
  { keyLookup, audit }: Pick<AccountRooms, 'keyLookup' | 'audit'>,
): MnsDeps {
  return {
    keys: keyLookup,
    queues: createReceiptQueues({ sql, vault, log }),
    tokens: createQueueTokens({ sql, vault, clock: systemClock }),
    throttle: createThrottle(() => performance.now()),
    now: () => new Date(),
    noteReading: createReadingNotes(audit),
  }
}

/** Readers read all day: once an hour says who, from where and what. */
const notedForMs = 3_600_000
const readersMax = 10_000

function createReadingNotes(audit: AccountRooms['audit']): (reading: Reading) => Promise<void> {
  const noted = new LRUCache<string, true>({ max: readersMax, ttl: notedForMs })

  return async ({ accountId, keyId, queue, requestId, address }) => {
    const reader = `${keyId} ${address} ${queue}`
    if (noted.has(reader)) return
    const note = { accountId, actor: keyId, action: 'ReadReceiptQueue', subjects: [queue] }
    await audit.record({ ...note, requestId, address }, 200)
    noted.set(reader, true)
  }
}
