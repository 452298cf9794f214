import type { AccountRooms } from '../accounts/account-rooms.ts'
import type { MnsDeps } from '../http/mns/mns-routes.ts'
import { createThrottle } from '../http/rpc/throttle.ts'
import { systemClock } from '../platform/clock.ts'
import { createQueueTokens } from '../receipts/queue-tokens.ts'
import { createReceiptQueues } from '../receipts/queues.ts'
import type { Shared } from './shared.ts'

/** What the vendor's queue API stands on. */
export function joinReceiptQueues(
  { sql, vault, log }: Shared,
  { keyLookup }: Pick<AccountRooms, 'keyLookup'>,
): MnsDeps {
  return {
    keys: keyLookup,
    queues: createReceiptQueues({ sql, vault, log }),
    tokens: createQueueTokens({ sql, vault, clock: systemClock }),
    throttle: createThrottle(() => performance.now()),
    now: () => new Date(),
  }
}
