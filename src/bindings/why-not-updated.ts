import { DomainError } from '../domain/errors.ts'
import type { Sql } from '../platform/sql.ts'
import type { BindingRef } from './binding.ts'
import { bNeeded } from './check-command.ts'
import {
  bindingUnknown,
  groupEmpty,
  groupUnknown,
  partyIsVirtual,
  stillCooling,
} from './why-refused.ts'

export const updateConflict = () =>
  new DomainError(
    'update-conflict',
    409,
    'The new number already takes part in a live binding on this X. Unbind that one, or bind on another X.',
    { vendorCode: 'isv.UPDATE_CONFLICT' },
  )

const bindingExpired = () =>
  new DomainError(
    'binding-expired',
    409,
    'This binding has expired and cannot be changed any more. Make a new one.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

const notOfProduct = (detail: string) =>
  new DomainError('field-not-applicable', 409, detail, { vendorCode: 'isv.FORBIDDEN_ACTION' })

type Facts = {
  readonly product: string
  readonly unbound: boolean
  readonly expired: boolean
  readonly members: number | null
  readonly party_is_x: boolean
}

/** Asked only after an update that found nothing to change. */
export async function whyNotUpdated(
  sql: Sql,
  ref: BindingRef,
  asked: {
    readonly now: Date
    readonly aIndex: string | undefined
    readonly bIndex: string | undefined
    readonly clearsB: boolean
    readonly groupId: string | undefined
    readonly survey: unknown
  },
): Promise<DomainError> {
  const [facts] = await sql.rows<Facts>({
    name: 'bindings.why-not-updated',
    text: `
      select b.product, b.end_reason is not distinct from 'unbound' as unbound,
             b.ended_at is not null or b.expires_at <= $5 as expired,
             (select members from number_group g where g.id = $6 and g.pool_key = b.pool_key) as members,
             exists (select 1 from number where x_index in ($7, $8)) as party_is_x
        from binding b
       where b.id = $1 and b.account_id = $2
         and ($3::text is null or b.pool_key = $3) and ($4::text is null or b.x = $4)`,
    values: [
      ...[ref.id, ref.accountId, ref.poolKey, ref.x],
      ...[asked.now, asked.groupId, asked.aIndex, asked.bIndex],
    ],
  })
  if (facts === undefined || facts.unbound) return bindingUnknown()
  if (facts.expired) return bindingExpired()
  if (facts.party_is_x) return partyIsVirtual()
  if (asked.clearsB && facts.product === 'AXB') return bNeeded()
  if (asked.survey !== undefined && facts.product !== 'AXB') {
    return notOfProduct(
      `Only calls of AXB bindings end with a survey, not those of ${facts.product}.`,
    )
  }
  if (asked.groupId !== undefined) {
    if (facts.product !== 'AXG') return notOfProduct(`Bindings of ${facts.product} have no group.`)
    if (facts.members === null) return groupUnknown()
    if (facts.members === 0) return groupEmpty()
  }
  return stillCooling('isv.UPDATE_CONFLICT')
}
