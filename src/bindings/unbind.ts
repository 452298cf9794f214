import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Binding, BindingRef } from './binding.ts'
import {
  type BindingRow,
  bindingColumns,
  bindingFrom,
  type ChangedNumberRow,
  changeFrom,
} from './binding-rows.ts'
import { bindingUnknown } from './why-refused.ts'

type UnboundRow = BindingRow & ChangedNumberRow & { readonly parties: readonly string[] }

/** Resolves when no new call can use the binding any more; running calls go on. */
export function createUnbind(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  publish: (change: RouteChange) => Promise<void>
  settle: (x: VirtualNumber) => Promise<void>
}): (ref: BindingRef) => Promise<Binding> {
  const { sql, vault, clock, publish, settle } = deps

  return async (ref) => {
    const now = clock.now()
    const [row] = await sql.rows<UnboundRow>({
      name: 'bindings.unbind',
      text: unbindText,
      values: [ref.id, ref.accountId, now, ref.poolKey, ref.x],
    })
    if (row === undefined) {
      await settleEnded(sql, ref, settle)
      throw bindingUnknown()
    }
    await publish(
      changeFrom(
        row,
        row.parties.map((party) => ({ party, bound: undefined })),
      ),
    )
    return bindingFrom(row, vault, now)
  }
}

/** Whoever ended it may not have told the cache yet; "there is none" must be true for the next call as well. */
async function settleEnded(
  sql: Sql,
  ref: BindingRef,
  settle: (x: VirtualNumber) => Promise<void>,
): Promise<void> {
  const [row] = await sql.rows<{ x: string }>({
    name: 'bindings.x-of-ended',
    text: 'select x from binding where id = $1 and account_id = $2 and ended_at is not null',
    values: [ref.id, ref.accountId],
  })
  if (row !== undefined) await settle(row.x as VirtualNumber)
}

/** One statement like the bind: the row lock on X first, then the rest. */
const unbindText = `
with locked as materialized (
  select n.x, n.state, n.city, pool_settings(p) as settings
    from number n join binding b on b.x = n.x join pool p on p.key = n.pool_key
   where b.id = $1 and b.account_id = $2 and b.ended_at is null and b.expires_at > $3
     and ($4::text is null or b.pool_key = $4) and ($5::text is null or b.x = $5)
     for no key update of n
), b as (
  update binding set ended_at = $3::timestamptz, end_reason = 'unbound'
    from locked
   where binding.id = $1 and binding.ended_at is null
  returning binding.*
), gone as (
  delete from binding_leg l using b where l.binding_id = b.id
  returning l.party
), bumped as (
  update number n set version = nextval('route_version'), bound = n.bound - 1
    from b
   where n.x = b.x
  returning n.version
), noted as (
  insert into invalidation (x, version, parties)
  select b.x, bumped.version, array(select party from gone) from b, bumped
  returning id, parties
)
select ${bindingColumns}, noted.id as invalidation_id, noted.parties, bumped.version,
       locked.state, locked.city, locked.settings
  from b, locked, bumped, noted`
