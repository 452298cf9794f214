import { pino } from 'pino'
import type { AccountId, CallId, PoolKey } from '../../../src/domain/ids.ts'
import type { Sql } from '../../../src/platform/sql.ts'
import { createPush, type Push } from '../../../src/receipts/push.ts'
import { createPushPost } from '../../../src/receipts/push-post.ts'
import { createPushRoutes, type PushSettings } from '../../../src/receipts/push-routes.ts'
import type { MessageType } from '../../../src/receipts/receipt-types.ts'
import { storeReceipts } from '../../../src/receipts/store.ts'
import { mainAccount, testVault } from '../../support/data-rooms.ts'

/** A push worker whose clock stands until it is moved, and what it has told. */
export function pushGround(sql: Sql) {
  // Ahead of Postgres's clock, which says from when on a receipt is due.
  let now = new Date(Date.now() + 60_000)
  const clock = { now: () => now }
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const tried: Record<string, number> = { sent: 0, retry: 0, dead: 0 }
  const lags: number[] = []
  const counts = {
    tried(_type: string, outcome: string, receipts: number) {
      tried[outcome] = (tried[outcome] ?? 0) + receipts
    },
    delivered: (_type: string, seconds: number) => void lags.push(seconds),
  }
  const post = createPushPost({ privateHosts: true })
  const vault = testVault
  const routes = createPushRoutes({ sql, vault, clock, post, privateHosts: true })
  const worker = (): Push =>
    createPush({ sql, vault, clock, post, counts, log, onMore: () => undefined })
  const usual = worker()

  return {
    ...{ routes, worker, lines, tried, lags, clock },
    /** Everything that is due now is tried; several rounds, until nothing changes. */
    async work(rounds = 3): Promise<void> {
      for (let round = 0; round < rounds; round += 1) {
        await usual.step()
        await usual.settled()
      }
    },
    pass(minutes: number): void {
      now = new Date(now.getTime() + minutes * 60_000)
    },
    /** Resolves to the secret. */
    async pushTo(url: string, given: Partial<PushSettings> & { type?: MessageType } = {}) {
      const { type = 'SecretReport', ...settings } = given
      const { secret } = await routes.put({ accountId: mainAccount, type }, { url, ...settings })
      return secret ?? ''
    },
    close() {
      post.close()
      const left = lines.filter((line) => line.includes('was left off'))
      if (left.length > 0) throw new Error(left.join(''))
    },
  }
}

export type ReceiptGiven = {
  readonly id: string
  readonly callId?: string
  readonly type?: MessageType
  readonly accountId?: AccountId
  readonly poolKey?: PoolKey
  readonly revision?: 0 | 1
  /** Real number in it. */
  readonly phone?: string
}

/** As the fan-out does it. */
export async function storeAll(sql: Sql, given: readonly ReceiptGiven[]): Promise<void> {
  await storeReceipts(
    sql,
    testVault,
    given.map(({ id, callId, type = 'SecretReport', phone = '13800138000', ...rest }) => ({
      accountId: rest.accountId ?? mainAccount,
      type,
      eventId: id,
      revision: rest.revision ?? 1,
      callId: callId as CallId | undefined,
      poolKey: rest.poolKey,
      happenedAt: new Date(),
      body: { id, call_id: callId, phone_no: phone },
    })),
  )
}

type State = { id: string; state: string; attempts: number; fault: string | null }

export async function statesOf(sql: Sql): Promise<readonly State[]> {
  return sql.rows<State>({
    name: 'test.push-states',
    text: `select r.event_id as id, t.state, t.attempts, t.last_fault as fault
             from receipt_to_push t join receipt r on r.id = t.receipt_id order by r.id`,
    values: [],
  })
}
