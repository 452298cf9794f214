import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Binding, BindingRef, UnbindCommand } from './binding.ts'
import {
  type BindingRow,
  bindingColumns,
  bindingFrom,
  type ChangedNumberRow,
  changedNumber,
} from './binding-rows.ts'
import { checkKey } from './check-terms.ts'
import {
  answeredBefore,
  forgetOldKey,
  hashOf,
  type Keyed,
  lateRepeat,
  type RepeatDeps,
} from './idempotency.ts'
import { changeWithout } from './published.ts'
import { bindingUnknown } from './why-refused.ts'

type UnboundRow = BindingRow & ChangedNumberRow & { readonly parties: readonly string[] }

export type UnbindDeps = RepeatDeps & {
  readonly vault: Vault
  readonly clock: Clock
  readonly publish: (change: RouteChange) => Promise<void>
}

/** Resolves when no new call can use the binding any more; running calls go on. */
export function createUnbind(deps: UnbindDeps): (command: UnbindCommand) => Promise<Binding> {
  const { sql, vault, clock, publish } = deps

  return async (command) => {
    const fault = checkKey(command.idempotencyKey)
    if (fault !== undefined) throw fault
    const now = clock.now()
    const { accountId, idempotencyKey, id, poolKey, x } = command
    const requestHash = idempotencyKey === undefined ? '' : hashOf(['unbind', id, poolKey, x])
    const keyed = { accountId, idempotencyKey, requestHash, now }
    const repeated = await answeredBefore(deps, keyed)
    if (repeated !== undefined) return repeated

    const row = await end(sql, command, keyed)
    if (row === 'repeated') return lateRepeat(deps, keyed)
    if (row === undefined) {
      await settleEnded(deps, command)
      throw bindingUnknown()
    }
    await publish(changeWithout(changedNumber(row), row.parties))
    return bindingFrom(row, vault, now)
  }
}

async function end(
  sql: Sql,
  ref: BindingRef,
  keyed: Keyed,
): Promise<UnboundRow | 'repeated' | undefined> {
  const { idempotencyKey, requestHash, now } = keyed
  try {
    const [row] = await sql.rows<UnboundRow>({
      name: 'bindings.unbind',
      text: unbindText,
      values: [ref.id, ref.accountId, now, ref.poolKey, ref.x, idempotencyKey, requestHash],
      // A repeat waits for the first of its key, and should be all that waits.
      shared: idempotencyKey === undefined,
    })
    return row
  } catch (err) {
    if (violatedConstraint(err) !== 'idempotency_key_once') throw err
    return (await forgetOldKey(sql, keyed)) ? end(sql, ref, keyed) : 'repeated'
  }
}

/** Whoever ended it may not have told the cache yet; "there is none" must be true for the next call as well. */
async function settleEnded({ sql, settle }: UnbindDeps, ref: BindingRef): Promise<void> {
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
  select n.x, n.state, n.city, n.version, p.cooling_days, pool_settings(p) as settings
    from number n join binding b on b.x = n.x join pool p on p.key = n.pool_key
   where b.id = $1 and b.account_id = $2 and b.ended_at is null and b.expires_at > $3
     and ($4::text is null or b.pool_key = $4) and ($5::text is null or b.x = $5)
     for no key update of n
), b as (
  update binding set ended_at = $3::timestamptz, end_reason = 'unbound'
    from locked
   where binding.id = $1 and binding.ended_at is null and binding.expires_at > $3
  returning binding.*
), gone as (
  delete from binding_leg l using b where l.binding_id = b.id
  returning l.party, l.slot
), cooled as (
  insert into cooling (party, x, until)
  select gone.party, locked.x, $3::timestamptz + make_interval(days => locked.cooling_days)
    from gone, locked where locked.cooling_days > 0
  on conflict (party, x) do update set until = greatest(cooling.until, excluded.until)
), bumped as (
  update number n set version = nextval('route_version'), bound = n.bound - 1
    from b
   where n.x = b.x
  returning n.version
), noted as (
  insert into invalidation (x, version, parties)
  select b.x, bumped.version,
         case b.product
           when 'AXB' then array(select party from gone)
           when 'AXN_EXTENSION' then array[b.a_index, 'e' || b.extension]
           else '{}'
         end
    from b, bumped
  returning id, parties
), remembered as (
  insert into idempotency_key (account_id, key, request_hash, binding_id, created_at)
  select $2::text, $6::text, $7::text, b.id, $3::timestamptz from b where $6::text is not null
)
select ${bindingColumns}, noted.id as invalidation_id, noted.parties, bumped.version,
       locked.state, locked.city,
       case when locked.version = (select seen.version from number seen where seen.x = locked.x)
            then locked.settings else pool_settings_now(b.pool_key) end as settings
  from b, locked, bumped, noted`
