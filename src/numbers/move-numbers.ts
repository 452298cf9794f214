import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import type { MigrateNumbers, MoveOutcome, NumberMove } from './number-migration.ts'
import { illegal, poolsDiffer, poolUnknown } from './refusals.ts'

export type MigrationRow = {
  readonly id: string
  readonly account_id: string
  readonly from_pool: string
  readonly from_pool_name: string
  readonly to_pool: string
  readonly to_pool_name: string
  readonly product: string
  readonly selected_by: string
  readonly city: string | null
  readonly asked: number
  readonly succeeded: number
  readonly created_at: Date
}

export const migrationColumns = `
  m.id, m.account_id, m.from_pool, m.from_pool_name, m.to_pool, m.to_pool_name, m.product,
  m.selected_by, m.city, m.asked, m.succeeded, m.created_at`

type PoolRow = { readonly key: string; readonly name: string; readonly product: string }

type NumberRow = {
  readonly x: string
  readonly city: string | null
  readonly pool_key: string
  readonly state: string
  readonly bound: number
}

/**
 * The whole run, in the transaction that it is given. Locks the new pool's row, since positions are
 * handed out under it, and then numbers: a binder that has an X already wins, one that comes later
 * finds it in the other pool. The old pool keeps holes among its positions; whoever allocates from
 * a random position walks over them.
 */
export async function moveNumbers(
  sql: Sql,
  command: MigrateNumbers,
  run: { readonly requestHash: string; readonly now: Date },
): Promise<{
  migration: MigrationRow
  moves: readonly NumberMove[]
  /** Of the numbers that moved: calls are to see it. */
  changes: readonly RouteInvalidation[]
}> {
  const { from, to, positions } = await lockPools(sql, command)
  const moves = await lockNumbers(sql, command)
  const moving = moves.filter(({ outcome }) => outcome === 'moved').map(({ x }) => x)
  const changes = await takePositions(sql, { to: to.key, positions, moving })
  const migration = await insertMigration(sql, { command, from, to, moving, ...run })
  await insertMoves(sql, migration.id, moves)
  return { migration, moves, changes }
}

async function lockPools(sql: Sql, { accountId, from, to }: MigrateNumbers) {
  const [locked] = await sql.rows<{ positions: number }>({
    name: 'migrations.lock-pool',
    text: 'select positions from pool where key = $1 and account_id = $2 for no key update',
    values: [to, accountId],
  })
  const pools = await sql.rows<PoolRow>({
    name: 'migrations.pools',
    text: 'select key, name, product from pool where key in ($1, $2) and account_id = $3',
    values: [from, to, accountId],
  })
  const old = pools.find(({ key }) => key === from)
  const next = pools.find(({ key }) => key === to)
  if (locked === undefined || old === undefined || next === undefined) throw poolUnknown()
  if (old.product !== next.product) throw poolsDiffer(old.product, next.product)
  return { from: old, to: next, positions: locked.positions }
}

function lockNumbers(sql: Sql, command: MigrateNumbers): Promise<readonly NumberMove[]> {
  return command.selection.by === 'list'
    ? lockListed(sql, command, command.selection.numbers)
    : lockAny(sql, command, command.selection)
}

/** In the order of X, as everybody who locks several. After a wait, what Postgres gives is what the other left. */
async function lockListed(
  sql: Sql,
  { accountId, from }: MigrateNumbers,
  numbers: readonly VirtualNumber[],
): Promise<readonly NumberMove[]> {
  const rows = await sql.rows<NumberRow>({
    name: 'migrations.lock-listed',
    text: `
      select n.x, n.city, n.pool_key, n.state, n.bound from number n
       where n.x = any($1::text[]) and n.account_id = $2
       order by n.x for no key update`,
    values: [numbers, accountId],
  })
  const found = new Map(rows.map((row) => [row.x, row]))
  return numbers.map((x) => {
    const row = found.get(x)
    return { x, city: row?.city ?? undefined, outcome: outcomeOf(row, from) }
  })
}

function outcomeOf(row: NumberRow | undefined, from: string): MoveOutcome {
  if (row === undefined) return 'unknown'
  if (row.pool_key !== from) return 'not-in-pool'
  if (row.state === 'frozen' || row.state === 'faulty') return row.state
  return row.bound > 0 ? 'bound' : 'moved'
}

/**
 * From the end of the old pool. Never waits for a row that somebody else has: it may hold some
 * already, in an order of its own. Numbers that are being bound at this moment are passed by.
 */
async function lockAny(
  sql: Sql,
  { accountId, from }: MigrateNumbers,
  { count, city }: { count: number; city?: string | undefined },
): Promise<readonly NumberMove[]> {
  const rows = await sql.rows<NumberRow>({
    name: 'migrations.lock-any',
    text: `
      select n.x, n.city, n.pool_key, n.state, n.bound from number n
       where n.pool_key = $1 and n.account_id = $2 and n.bound = 0
         and n.state in ('normal', 'locked') and ($3::text is null or n.city = $3)
       order by n.position desc limit $4 for no key update skip locked`,
    values: [from, accountId, city, count],
  })
  return rows.map(({ x, city: its }) => ({
    x: x as VirtualNumber,
    city: its ?? undefined,
    outcome: 'moved',
  }))
}

async function takePositions(
  sql: Sql,
  { to, positions, moving }: { to: string; positions: number; moving: readonly string[] },
): Promise<readonly RouteInvalidation[]> {
  if (moving.length === 0) return []
  const moved = await sql.rows<{ id: string; x: VirtualNumber; version: string }>({
    name: 'migrations.move',
    text: `
      with moved as (
        update number n
           set pool_key = $2, position = $3 + each.at, version = nextval('route_version')
          from unnest($1::text[]) with ordinality as each (x, at)
         where n.x = each.x
        returning n.x, n.version
      ), taken as (
        update pool set positions = positions + cardinality($1::text[]) where key = $2
      )
      insert into invalidation (x, version, parties) select x, version, '{}' from moved
      returning id, x, version`,
    values: [moving, to, positions],
  })
  if (moved.length !== moving.length) throw new Error('a locked number could not be moved')
  return moved.map(({ id, x, version }) => ({ id, x, version: Number(version), parties: [] }))
}

async function insertMigration(
  sql: Sql,
  run: {
    command: MigrateNumbers
    from: PoolRow
    to: PoolRow
    moving: readonly string[]
    requestHash: string
    now: Date
  },
): Promise<MigrationRow> {
  const { command, from, to, moving } = run
  const { selection } = command
  const [row] = await sql.rows<MigrationRow>({
    name: 'migrations.insert',
    text: `
      insert into number_migration as m
             (account_id, from_pool, from_pool_name, to_pool, to_pool_name, product, selected_by,
              city, asked, succeeded, idempotency_key, request_hash, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
      returning ${migrationColumns}`,
    values: [
      command.accountId,
      from.key,
      from.name,
      to.key,
      to.name,
      to.product,
      selection.by,
      selection.by === 'count' ? selection.city : undefined,
      selection.by === 'count' ? selection.count : selection.numbers.length,
      moving.length,
      command.idempotencyKey,
      run.requestHash,
      run.now,
    ],
  })
  if (row === undefined) throw new Error('insert returned nothing')
  return row
}

async function insertMoves(sql: Sql, id: string, moves: readonly NumberMove[]): Promise<void> {
  await sql.rows({
    name: 'migrations.insert-moves',
    text: `
      insert into number_move (migration_id, place, x, city, outcome)
      select $1, each.at, each.x, each.city, each.outcome
        from unnest($2::text[], $3::text[], $4::text[])
             with ordinality as each (x, city, outcome, at)`,
    values: [
      id,
      moves.map(({ x }) => x),
      moves.map(({ city }) => city ?? null),
      moves.map(({ outcome }) => outcome),
    ],
  })
}

const countMax = 1_000
const listMax = 500

/** What no database is needed for. */
export function checkMigration({ from, to, selection }: MigrateNumbers): void {
  if (from === to) {
    throw illegal('The old and the new pool are the same. Name the pool that the numbers go to.')
  }
  if (selection.by === 'count') checkCount(selection)
  else checkList(selection.numbers)
}

function checkCount({ count, city }: { count: number; city?: string | undefined }): void {
  if (!Number.isInteger(count) || count < 1 || count > countMax) {
    throw illegal(`Between 1 and ${countMax} X numbers can be moved at a time.`)
  }
  if (city !== undefined && (city.length < 1 || city.length > 32 || city.includes('\0'))) {
    throw illegal('The name of a city has 1 to 32 characters.')
  }
}

function checkList(numbers: readonly VirtualNumber[]): void {
  if (numbers.length < 1 || numbers.length > listMax) {
    throw illegal(`A list holds 1 to ${listMax} X numbers. Move more in several runs.`)
  }
  if (new Set(numbers).size !== numbers.length) {
    throw illegal('An X number is in the list twice.')
  }
}
