import { createHash } from 'node:crypto'
import type { Product } from '../domain/call.ts'
import {
  type AccountId,
  type MigrationId,
  type PoolKey,
  parseMigrationId,
  type VirtualNumber,
} from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit, placeBy, placeIn } from '../platform/pages.ts'
import { type Query, type Sql, violatedConstraint } from '../platform/sql.ts'
import { checkMigration, type MigrationRow, migrationColumns, moveNumbers } from './move-numbers.ts'
import type { Page } from './number.ts'
import type {
  MigrateNumbers,
  MigrationFilter,
  MoveFilter,
  MoveOutcome,
  NumberMigration,
  NumberMove,
} from './number-migration.ts'
import { keyReused, migrationUnknown } from './refusals.ts'

export type MigrationResult = {
  readonly migration: NumberMigration
  readonly moves: readonly NumberMove[]
}

export type NumberMigrations = {
  /** Moves what can be moved and says of the rest why not. When it resolves, calls see the new pool. */
  run(command: MigrateNumbers): Promise<MigrationResult>
  get(accountId: AccountId, id: MigrationId): Promise<NumberMigration>
  list(filter: MigrationFilter): Promise<Page<NumberMigration>>
  /** What became of each X of a run, in the order in which it was asked. */
  moves(filter: MoveFilter): Promise<Page<NumberMove>>
}

/** Enough to keep Redis busy, few enough not to stand in the way of calls. */
const settleAtOnce = 50

export function createNumberMigrations(deps: {
  sql: Sql
  clock: Clock
  publisher: {
    /** Makes calls look these up anew. */
    forget(changes: readonly RouteInvalidation[]): Promise<void>
    /** Makes true for calls what was committed for X earlier. */
    settle(x: VirtualNumber): Promise<void>
  }
}): NumberMigrations {
  const { sql, clock, publisher } = deps

  async function settleAll(moves: readonly NumberMove[]): Promise<void> {
    const moved = moves.filter(({ outcome }) => outcome === 'moved')
    for (let at = 0; at < moved.length; at += settleAtOnce) {
      const some = moved.slice(at, at + settleAtOnce)
      await Promise.all(some.map(({ x }) => publisher.settle(x)))
    }
  }

  /** Whoever gave the answer the first time may have died before calls saw it. */
  async function answeredBefore(command: MigrateNumbers, requestHash: string) {
    if (command.idempotencyKey === undefined) return undefined
    const found = await findByKey(sql, command, requestHash)
    if (found === undefined) return undefined
    const moves = await allMoves(sql, found.id)
    await settleAll(moves)
    return { migration: migrationFrom(found), moves }
  }

  return {
    async run(command) {
      checkMigration(command)
      const requestHash = hashOf(command)
      const before = await answeredBefore(command, requestHash)
      if (before !== undefined) return before
      try {
        const done = await sql.transaction((session) =>
          moveNumbers(session, command, { requestHash, now: clock.now() }),
        )
        // Nothing is bound on these: their records hold nothing that is worth being written anew.
        await publisher.forget(done.changes)
        return { migration: migrationFrom(done.migration), moves: done.moves }
      } catch (err) {
        if (violatedConstraint(err) !== 'number_migration_key_once') throw err
        const twin = await answeredBefore(command, requestHash)
        if (twin === undefined) throw err
        return twin
      }
    },

    get: (accountId, id) => getMigration(sql, accountId, id),

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<MigrationRow>(listQuery(filter, limit))
      return pageFrom(rows, limit, { item: migrationFrom, place: ({ id }) => id })
    },

    async moves(filter) {
      await getMigration(sql, filter.accountId, filter.id)
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<MoveRow>(movesQuery(filter, limit))
      return pageFrom(rows, limit, { item: moveFrom, place: ({ place }) => String(place) })
    },
  }
}

type MoveRow = {
  readonly place: number
  readonly x: string
  readonly city: string | null
  readonly outcome: string
}

async function getMigration(
  sql: Sql,
  accountId: AccountId,
  id: MigrationId,
): Promise<NumberMigration> {
  const [row] = await sql.rows<MigrationRow>({
    name: 'migrations.get',
    text: `
      select ${migrationColumns} from number_migration m
       where m.id = $1::bigint and m.account_id = $2`,
    values: [id, accountId],
  })
  if (row === undefined) throw migrationUnknown()
  return migrationFrom(row)
}

async function findByKey(
  sql: Sql,
  { accountId, idempotencyKey }: MigrateNumbers,
  requestHash: string,
): Promise<MigrationRow | undefined> {
  const [row] = await sql.rows<MigrationRow & { request_hash: string }>({
    name: 'migrations.find-by-key',
    text: `
      select ${migrationColumns}, m.request_hash from number_migration m
       where m.account_id = $1 and m.idempotency_key = $2`,
    values: [accountId, idempotencyKey],
  })
  if (row !== undefined && row.request_hash !== requestHash) throw keyReused()
  return row
}

async function allMoves(sql: Sql, id: string): Promise<readonly NumberMove[]> {
  const rows = await sql.rows<MoveRow>({
    name: 'migrations.all-moves',
    text: `
      select place, x, city, outcome from number_move
       where migration_id = $1::bigint order by place`,
    values: [id],
  })
  return rows.map((row) => moveFrom(row))
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function listQuery(filter: MigrationFilter, limit: number): Query {
  const values: unknown[] = [filter.accountId, limit + 1]
  const conditions = ['m.account_id = $1']
  let name = 'migrations.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  const oldest = filter.order === 'oldest'
  const after = placeBy(filter.cursor, parseMigrationId)
  add('from', filter.from, (at) => `m.from_pool = ${at}`)
  add('to', filter.to, (at) => `m.to_pool = ${at}`)
  add('x', filter.x, (at) => `m.id in (select migration_id from number_move where x = ${at})`)
  add('after', after, (at) => `m.id ${oldest ? '>' : '<'} ${at}::bigint`)
  return {
    name: oldest ? `${name}-oldest` : name,
    text: `
      select ${migrationColumns} from number_migration m
       where ${conditions.join(' and ')}
       order by m.id ${oldest ? 'asc' : 'desc'} limit $2`,
    values,
  }
}

function movesQuery(filter: MoveFilter, limit: number): Query {
  const after = placeIn(filter.cursor, placePattern) ?? '0'
  return {
    name: 'migrations.moves',
    text: `
      select place, x, city, outcome from number_move
       where migration_id = $1::bigint and place > $2::bigint
         and ($3::text is null or outcome = $3)
       order by place limit $4`,
    values: [filter.id, after, filter.outcome, limit + 1],
  }
}

/** Of the last row of the page before: a place in the run. */
const placePattern = /^[1-9]\d{0,3}$/

function hashOf({ from, to, selection }: MigrateNumbers): string {
  const asked =
    selection.by === 'count' ? [selection.count, selection.city ?? null] : selection.numbers
  return createHash('sha256')
    .update(JSON.stringify([from, to, selection.by, asked]))
    .digest('base64url')
}

function migrationFrom(row: MigrationRow): NumberMigration {
  return {
    id: row.id as MigrationId,
    accountId: row.account_id as AccountId,
    from: { key: row.from_pool as PoolKey, name: row.from_pool_name },
    to: { key: row.to_pool as PoolKey, name: row.to_pool_name },
    product: row.product as Product,
    selectedBy: row.selected_by as NumberMigration['selectedBy'],
    city: row.city ?? undefined,
    asked: row.asked,
    succeeded: row.succeeded,
    createdAt: row.created_at,
  }
}

function moveFrom(row: MoveRow): NumberMove {
  return {
    x: row.x as VirtualNumber,
    city: row.city ?? undefined,
    outcome: row.outcome as MoveOutcome,
  }
}
