import { DomainError } from '../domain/errors.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Binding } from './binding.ts'
import { type BindingRow, bindingColumns, bindingFrom } from './binding-rows.ts'
import { bindingUnknown } from './why-refused.ts'

export type Waybill = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly x: VirtualNumber
  readonly bindingId: BindingId
  /** 1 to 64 letters, digits, hyphens and underscores. */
  readonly trackNo: string
}

/** Which parcels go to A of a binding. */
export type Waybills = {
  /** Adding it again changes nothing. Only to a live binding. */
  add(waybill: Waybill): Promise<void>
  /** The live bindings that it was added to, newest first; at most 20. */
  find(asked: {
    readonly accountId: AccountId
    readonly trackNo: string
    readonly x?: VirtualNumber | undefined
  }): Promise<readonly Binding[]>
}

const trackNoPattern = /^[0-9A-Za-z_-]{1,64}$/

export function createWaybills(deps: { sql: Sql; vault: Vault; clock: Clock }): Waybills {
  const { sql, vault, clock } = deps
  return {
    async add({ accountId, poolKey, x, bindingId, trackNo }) {
      if (!trackNoPattern.test(trackNo)) throw trackNoIllegal()
      const rows = await sql.rows({
        name: 'waybills.add',
        text: `
          with b as (
            select id from binding
             where id = $1 and account_id = $2 and pool_key = $3 and x = $4
               and ended_at is null and expires_at > $5
          ), added as (
            insert into waybill (account_id, track_no, binding_id) select $2, $6, id from b
            on conflict do nothing
          )
          select 1 from b`,
        values: [bindingId, accountId, poolKey, x, clock.now(), trackNo],
      })
      if (rows.length === 0) throw bindingUnknown()
    },

    async find({ accountId, trackNo, x }) {
      const now = clock.now()
      const rows = await sql.rows<BindingRow>({
        name: 'waybills.find',
        text: `
          select ${bindingColumns} from waybill w join binding b on b.id = w.binding_id
           where w.account_id = $1 and w.track_no = $2 and ($3::text is null or b.x = $3)
             and b.ended_at is null and b.expires_at > $4
           order by b.id desc limit 20`,
        values: [accountId, trackNo, x, now],
      })
      return rows.map((row) => bindingFrom(row, vault, now))
    },
  }
}

const trackNoIllegal = () =>
  new DomainError(
    'track-no-illegal',
    422,
    'The number of a waybill has 1 to 64 letters, digits, hyphens and underscores.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )
