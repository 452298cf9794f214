import { DomainError } from '../domain/errors.ts'
import type { BindingId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'

/** As long as a client may reasonably retry. */
const keptMs = 24 * 3_600_000

type Keyed = {
  readonly accountId: string
  readonly idempotencyKey: string | undefined
  readonly requestHash: string
  readonly now: Date
}

/** The binding that this key has already made. Throws when the key was used for a different request. */
export async function rememberedBinding(sql: Sql, asked: Keyed): Promise<BindingId | undefined> {
  const [row] = await sql.rows<{ request_hash: string; binding_id: string }>({
    name: 'idempotency.find',
    text: `
      select request_hash, binding_id from idempotency_key
       where account_id = $1 and key = $2 and created_at > $3`,
    values: [asked.accountId, asked.idempotencyKey, oldest(asked.now)],
  })
  if (row === undefined) return undefined
  if (row.request_hash === asked.requestHash) return row.binding_id as BindingId
  throw new DomainError(
    'idempotency-key-reused',
    422,
    'This Idempotency-Key was used for a different request. Use a new key for a new request.',
  )
}

/** Whether the key was one that no longer counts, and is free now. */
export async function forgetOldKey(sql: Sql, asked: Keyed): Promise<boolean> {
  const rows = await sql.rows({
    name: 'idempotency.forget-old',
    text: `
      delete from idempotency_key
       where account_id = $1 and key = $2 and created_at <= $3
      returning 1`,
    values: [asked.accountId, asked.idempotencyKey, oldest(asked.now)],
  })
  return rows.length > 0
}

/** Resolves to the number of keys removed. */
export async function pruneKeys(sql: Sql, now: Date): Promise<number> {
  const rows = await sql.rows({
    name: 'idempotency.prune',
    text: `
      delete from idempotency_key
       where (account_id, key) in (select account_id, key from idempotency_key
                                    where created_at <= $1 order by created_at limit 5000)
      returning 1`,
    values: [oldest(now)],
  })
  return rows.length
}

function oldest(now: Date): Date {
  return new Date(now.getTime() - keptMs)
}
