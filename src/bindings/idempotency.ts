import { createHash } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'
import type { AccountId, BindingId, VirtualNumber } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { Binding } from './binding.ts'

/** As long as a client may reasonably retry. */
const keptMs = 24 * 3_600_000

/** A request with the key that it may have had before. `requestHash` counts only with a key. */
export type Keyed = {
  readonly accountId: AccountId
  readonly idempotencyKey: string | undefined
  readonly requestHash: string
  readonly now: Date
}

/** Of a request with its numbers replaced by their blind indexes. In an array undefined becomes null: every field keeps its place. */
export function hashOf(request: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url')
}

export type RepeatDeps = {
  readonly sql: Sql
  readonly get: (accountId: AccountId, id: BindingId) => Promise<Binding>
  /** Makes sure that what was committed for X earlier is true for calls. */
  readonly settle: (x: VirtualNumber) => Promise<void>
}

/** The answer to the same request before, when it was one. */
export async function answeredBefore(
  { sql, get, settle }: RepeatDeps,
  asked: Keyed,
): Promise<Binding | undefined> {
  if (asked.idempotencyKey === undefined) return undefined
  const found = await rememberedBinding(sql, asked)
  if (found === undefined) return undefined
  const binding = await get(asked.accountId, found)
  await settle(binding.x)
  return binding
}

/** Two requests with one key at the same time: the database let one through, and this is the other. */
export async function lateRepeat(deps: RepeatDeps, asked: Keyed): Promise<Binding> {
  const binding = await answeredBefore(deps, asked)
  if (binding !== undefined) return binding
  throw new DomainError(
    'request-in-progress',
    409,
    'Another request with this Idempotency-Key has only just ended. Send it once more.',
  )
}

/** The binding that this key has already made. Throws when the key was used for a different request. */
async function rememberedBinding(sql: Sql, asked: Keyed): Promise<BindingId | undefined> {
  const [row] = await sql.rows<{ request_hash: string; binding_id: string | null }>({
    name: 'idempotency.find',
    text: `
      select request_hash, binding_id from idempotency_key
       where account_id = $1 and key = $2 and created_at > $3`,
    values: [asked.accountId, asked.idempotencyKey, oldest(asked.now)],
  })
  if (row === undefined) return undefined
  if (row.request_hash === asked.requestHash && row.binding_id !== null) {
    return row.binding_id as BindingId
  }
  throw keyReused()
}

const keyReused = () =>
  new DomainError(
    'idempotency-key-reused',
    422,
    'This Idempotency-Key was used for a different request. Use a new key for a new request.',
  )

/**
 * A key for many at once: the row has no binding, its items have keys of their own. `since` tells
 * one use of the key from another a day later.
 */
export async function rememberWhole(
  sql: Sql,
  asked: Keyed,
): Promise<{ fresh: boolean; since: Date }> {
  const { accountId, idempotencyKey, requestHash, now } = asked
  const [made] = await sql.rows<{ created_at: Date }>({
    name: 'idempotency.remember-whole',
    text: `
      insert into idempotency_key (account_id, key, request_hash, created_at)
      values ($1, $2, $3, $4)
      on conflict (account_id, key) do update
         set request_hash = excluded.request_hash, binding_id = null, created_at = excluded.created_at
       where idempotency_key.created_at <= $5
      returning created_at`,
    values: [accountId, idempotencyKey, requestHash, now, oldest(now)],
  })
  if (made !== undefined) return { fresh: true, since: made.created_at }
  const [held] = await sql.rows<{ request_hash: string; created_at: Date }>({
    name: 'idempotency.find-whole',
    text: 'select request_hash, created_at from idempotency_key where account_id = $1 and key = $2',
    values: [accountId, idempotencyKey],
  })
  if (held === undefined) return rememberWhole(sql, asked)
  if (held.request_hash !== requestHash) throw keyReused()
  return { fresh: false, since: held.created_at }
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
