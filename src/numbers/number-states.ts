import type { AccountId, VirtualNumber } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import { type NumberChangeRow, type NumberRow, numberColumns } from './number-rows.ts'

/** In one statement: the new state, its version, and the note for the caches. `$1` is X. */
function changed(set: string, where: string): string {
  return `
    with n as (
      update number set ${set}, version = nextval('route_version')
       where x = $1 and ${where}
      returning *
    ), noted as (
      insert into invalidation (x, version, parties) select x, version, '{}' from n
      returning id
    )
    select ${numberColumns}, n.version, noted.id as invalidation_id
      from n join pool p on p.key = n.pool_key, noted`
}

/** By its owner. Undefined: it is not theirs, or the operator has stopped it. */
export async function setLock(
  sql: Sql,
  { accountId, x }: { readonly accountId: AccountId; readonly x: VirtualNumber },
  state: 'normal' | 'locked',
): Promise<NumberChangeRow | undefined> {
  const [row] = await sql.rows<NumberChangeRow>({
    name: 'numbers.set-lock',
    text: changed('state = $3', `account_id = $2 and state in ('normal', 'locked')`),
    values: [x, accountId, state],
  })
  return row
}

/** By the operator, whoever owns it. What the owner had made of it is remembered. Undefined: it is nobody's. */
export async function stop(
  sql: Sql,
  x: VirtualNumber,
  state: 'frozen' | 'faulty',
): Promise<NumberChangeRow | undefined> {
  const [row] = await sql.rows<NumberChangeRow>({
    name: 'numbers.stop',
    text: changed(
      `state = $2,
       state_before = case when state in ('normal', 'locked') then state else state_before end`,
      'true',
    ),
    values: [x, state],
  })
  return row
}

/** Undefined: it is nobody's, or not stopped. */
export async function resume(sql: Sql, x: VirtualNumber): Promise<NumberChangeRow | undefined> {
  const [row] = await sql.rows<NumberChangeRow>({
    name: 'numbers.resume',
    text: changed(
      `state = coalesce(state_before, 'normal'), state_before = null`,
      `state in ('frozen', 'faulty')`,
    ),
    values: [x],
  })
  return row
}

/** Nothing that a call sees. Undefined: it is not theirs. */
export async function setNote(
  sql: Sql,
  { accountId, x }: { readonly accountId: AccountId; readonly x: VirtualNumber },
  note: string | undefined,
): Promise<NumberRow | undefined> {
  const [row] = await sql.rows<NumberRow>({
    name: 'numbers.set-note',
    text: `
      with n as (
        update number set note = $3 where x = $1 and account_id = $2 returning *
      )
      select ${numberColumns} from n join pool p on p.key = n.pool_key`,
    values: [x, accountId, note],
  })
  return row
}
