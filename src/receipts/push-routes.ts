import { randomBytes } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { requestOf } from './push-batch.ts'
import { recordSent } from './push-outcomes.ts'
import type { PushAnswer, PushPost } from './push-post.ts'
import { deliveryIdOf } from './push-signature.ts'
import { type PushKey, secretOf } from './push-target.ts'
import { pushUrlFault } from './push-url.ts'
import { exampleOf } from './receipt-example.ts'
import type { MessageType } from './receipt-types.ts'
import { pushUnknown, stillWaiting, urlRefused } from './refusals.ts'
import { discardWaiting, hasWaiting } from './waiting.ts'

/** Where receipts of one type are posted to. */
export type PushRoute = PushKey & {
  readonly url: string
  /** Off: nothing is sent or taken on; what waits is kept. */
  readonly enabled: boolean
  readonly timeoutMs: number
  readonly batchMax: number
  readonly concurrency: number
  readonly createdAt: Date
  /** Since when nothing has arrived. */
  readonly failingSince: Date | undefined
  /** Since when it is only tried now and then. */
  readonly pausedAt: Date | undefined
  readonly oldSecretUntil: Date | undefined
}

export type PushSettings = {
  readonly url: string
  readonly enabled?: boolean | undefined
  readonly timeoutMs?: number | undefined
  readonly batchMax?: number | undefined
  readonly concurrency?: number | undefined
}

type WithSecret = { readonly route: PushRoute; readonly secret: string }

/** Changes hold for whatever is made into receipts, or sent, after they have resolved. */
export type PushRoutes = {
  /** `secret` only when the push is new: it is shown this once. What is absent stays. */
  put(
    key: PushKey,
    settings: PushSettings,
  ): Promise<{ readonly route: PushRoute; readonly secret: string | undefined }>
  get(key: PushKey): Promise<PushRoute>
  /** By type. */
  list(accountId: PushKey['accountId']): Promise<readonly PushRoute[]>
  /** The old secret signs too for so many seconds. */
  rotate(key: PushKey, keepSeconds: number): Promise<WithSecret>
  /** One with receipts that wait is removed only with `discard`. */
  remove(key: PushKey, options: { discard: boolean }): Promise<void>
  /** Sends one example, signed, and tells how it was answered. A URL that answers is not paused any more. */
  test(key: PushKey): Promise<PushAnswer>
}

export function createPushRoutes(deps: {
  sql: Sql
  vault: Pick<Vault, 'sealText' | 'openText'>
  clock: Clock
  post: Pick<PushPost, 'send'>
  privateHosts: boolean
}): PushRoutes {
  const { sql, vault, clock, post, privateHosts } = deps

  async function find({ accountId, type }: PushKey): Promise<PushRow> {
    const [row] = await sql.rows<PushRow>({
      name: 'push-routes.get',
      text: `select ${columns} from receipt_push p where p.account_id = $1 and p.message_type = $2`,
      values: [accountId, type],
    })
    if (row === undefined) throw pushUnknown()
    return row
  }

  return {
    async put(key, settings) {
      const fault = pushUrlFault(settings.url, { privateHosts })
      if (fault !== undefined) throw urlRefused(fault)
      const url = new URL(settings.url).href
      const secret = newSecret()
      const sealed = vault.sealText(secret, secretOf(key))
      const isNew = await sql.transaction((session) =>
        putPush(session, key, { ...settings, url, sealed }),
      )
      return { route: routeFrom(await find(key)), secret: isNew ? secret : undefined }
    },

    get: async (key) => routeFrom(await find(key)),

    async list(accountId) {
      const rows = await sql.rows<PushRow>({
        name: 'push-routes.list',
        text: `select ${columns} from receipt_push p where p.account_id = $1 order by p.message_type`,
        values: [accountId],
      })
      return rows.map(routeFrom)
    },

    async rotate(key, keepSeconds) {
      const secret = newSecret()
      const rows = await sql.rows({
        name: 'push-routes.rotate',
        text: `
          update receipt_push
             set old_secret_sealed = case when $4 > 0 then secret_sealed end,
                 old_secret_until = case when $4 > 0 then $5::timestamptz end,
                 secret_sealed = $3
           where account_id = $1 and message_type = $2
          returning 1`,
        values: [
          ...[key.accountId, key.type, vault.sealText(secret, secretOf(key)), keepSeconds],
          new Date(clock.now().getTime() + keepSeconds * 1000),
        ],
      })
      if (rows.length === 0) throw pushUnknown()
      return { route: routeFrom(await find(key)), secret }
    },

    async remove(key, { discard }) {
      await find(key)
      if (discard) await discardWaiting(sql, { ...key, way: 'push' })
      await sql.transaction((session) => removePush(session, key, discard))
    },

    async test(key) {
      const row = await find(key)
      const now = clock.now()
      const target = {
        ...{ ...key, url: row.url, timeoutMs: row.timeout_ms },
        secrets: [row.secret_sealed],
      }
      const bodies = [JSON.stringify(exampleOf(key.type))]
      const deliveryId = deliveryIdOf([`test ${randomBytes(8).toString('hex')}`])
      const answer = await post.send(requestOf(vault, target, { bodies, deliveryId, now }))
      if (answer.fault === undefined) {
        await recordSent(sql, { ...key, url: row.url, ids: [], answer, now })
      }
      return answer
    },
  }
}

/** `axp_` makes one that leaked easy to find by those who search for such things. */
const newSecret = () => `axp_${randomBytes(32).toString('base64url')}`

const columns = `
  p.account_id, p.message_type, p.url, p.secret_sealed, p.enabled, p.timeout_ms, p.batch_max,
  p.concurrency, p.created_at, p.failing_since, p.paused_at, p.old_secret_until`

type PushRow = {
  readonly account_id: string
  readonly message_type: string
  readonly url: string
  readonly secret_sealed: string
  readonly enabled: boolean
  readonly timeout_ms: number
  readonly batch_max: number
  readonly concurrency: number
  readonly created_at: Date
  readonly failing_since: Date | null
  readonly paused_at: Date | null
  readonly old_secret_until: Date | null
}

function routeFrom(row: PushRow): PushRoute {
  return {
    accountId: row.account_id as PushKey['accountId'],
    type: row.message_type as MessageType,
    url: row.url,
    enabled: row.enabled,
    timeoutMs: row.timeout_ms,
    batchMax: row.batch_max,
    concurrency: row.concurrency,
    createdAt: row.created_at,
    failingSince: row.failing_since ?? undefined,
    pausedAt: row.paused_at ?? undefined,
    oldSecretUntil: row.old_secret_until ?? undefined,
  }
}

/** Resolves to whether it is new. Another URL is not to blame for what the old one did. */
async function putPush(
  session: Sql,
  { accountId, type }: PushKey,
  push: PushSettings & { sealed: string },
): Promise<boolean> {
  const [row] = await session.rows<{ is_new: boolean; moved: boolean }>({
    name: 'push-routes.put',
    text: `
      with before as materialized (
        select url from receipt_push where account_id = $1 and message_type = $2 for no key update
      )
      insert into receipt_push as p (account_id, message_type, url, secret_sealed, enabled,
                                     timeout_ms, batch_max, concurrency)
      values ($1, $2, $3, $4, coalesce($5, true), coalesce($6, 3000), coalesce($7, 10),
              coalesce($8, 4))
      on conflict (account_id, message_type) do update
         set url = excluded.url,
             enabled = coalesce($5, p.enabled),
             timeout_ms = coalesce($6, p.timeout_ms),
             batch_max = coalesce($7, p.batch_max),
             concurrency = coalesce($8, p.concurrency),
             failing_since = case when p.url = excluded.url then p.failing_since end,
             paused_at = case when p.url = excluded.url then p.paused_at end,
             probe_at = case when p.url = excluded.url then p.probe_at end
      returning secret_sealed = $4 as is_new,
                not exists (select 1 from before where before.url = p.url) as moved`,
    values: [
      ...[accountId, type, push.url, push.sealed, push.enabled, push.timeoutMs],
      ...[push.batchMax, push.concurrency],
    ],
  })
  if (row?.moved === true) await forgetFaults(session, { accountId, type })
  return row?.is_new === true
}

/** What waited for its retry is due now. */
async function forgetFaults(session: Sql, { accountId, type }: PushKey): Promise<void> {
  await session.rows({
    name: 'push-routes.forget-faults',
    text: `
      with waiting as (
        update receipt_to_push set due_at = least(due_at, now())
         where account_id = $1 and message_type = $2 and state = 'due' and due_at > now()
      )
      update alarm set cleared_at = now()
       where account_id = $1 and kind = 'push-failing' and subject = $2 and cleared_at is null`,
    values: [accountId, type],
  })
}

async function removePush(
  session: Sql,
  { accountId, type }: PushKey,
  discard: boolean,
): Promise<void> {
  const removed = await session.rows({
    name: 'push-routes.remove',
    text: 'delete from receipt_push where account_id = $1 and message_type = $2 returning 1',
    values: [accountId, type],
  })
  if (removed.length === 0) throw pushUnknown()
  const line = { way: 'push', accountId, type } as const
  if (await hasWaiting(session, line)) {
    if (!discard) throw stillWaiting('The push')
    await discardWaiting(session, line)
  }
  await forgetFaults(session, { accountId, type })
}
