import { DomainError } from '../domain/errors.ts'
import type { Sql } from '../platform/sql.ts'
import { type BindableProduct, sharingOf } from './bindable.ts'
import { type Asked, noNumberFree, whyNoneFree } from './why-none-free.ts'

export function bindConflict(product: BindableProduct): DomainError {
  return new DomainError('bind-conflict', 409, conflicts[sharingOf(product)], {
    vendorCode: 'isv.BIND_CONFLICT',
  })
}

const conflicts = {
  parties:
    'A or B already takes part in a live binding on this X. Unbind that one, use another X, or leave X out to have one chosen.',
  extensions:
    'On this X, A is already bound or the extension is taken. Unbind that one, use another X or extension, or leave both out to have them chosen.',
  none: 'This X already has its binding, and carries no more than one. Unbind that one, use another X, or leave X out to have one chosen.',
} as const

export const xIsFull = () =>
  new DomainError(
    'number-full',
    409,
    'This X already carries as many live bindings as it can. Use another X, or leave X out to have one chosen.',
    { vendorCode: 'isv.NO_AVAILABLE_NUMBER' },
  )

export const poolUnknown = () =>
  new DomainError('pool-unknown', 404, 'There is no pool with this key.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })

export const productMismatch = (pool: string, asked: string) =>
  new DomainError(
    'product-mismatch',
    409,
    `This pool holds ${pool} numbers; a binding of ${asked} needs a pool of ${asked}.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const takesNoBindings = () =>
  new DomainError(
    'product-not-bindable',
    409,
    'Numbers of an X mode pool take no bindings: each call asks the control URL of the pool.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const bindingUnknown = () =>
  new DomainError(
    'binding-unknown',
    404,
    'There is no live binding with this id, or it does not belong to this pool and X.',
    { vendorCode: 'isv.SUBS_NOT_EXIST' },
  )

export const partiesEqual = () =>
  new DomainError('parties-equal', 422, 'A and B must be two different numbers.', {
    vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL',
  })

export const partyIsVirtual = () =>
  new DomainError(
    'party-is-virtual',
    422,
    'A and B must be real numbers; one of them is an X number of this system.',
    { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' },
  )

export const groupUnknown = () =>
  new DomainError('group-unknown', 404, 'There is no group with this id in this pool.', {
    vendorCode: 'isv.FORBIDDEN_ACTION',
  })

export const groupEmpty = () =>
  new DomainError(
    'group-empty',
    409,
    'This group has no numbers, so nobody could call. Add numbers to it first.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const stillCooling = (vendorCode: string) =>
  new DomainError(
    'number-cooling',
    409,
    'A or B was bound on this X too recently: the pool has a cooling period. Use another X, or wait.',
    { vendorCode },
  )

type Facts = {
  readonly number_pool: string | null
  readonly state: string | null
  readonly party_is_x: boolean
  readonly members: number | null
  readonly cooling_days: number | null
}

/** Why a bind found no X to lock: asked only after it failed, so that a good bind pays nothing for it. */
export async function whyRefused(sql: Sql, asked: Asked): Promise<DomainError> {
  const [facts] = await sql.rows<Facts>({
    name: 'bindings.why-refused',
    text: `
      select (select pool_key from number where x = $3 and account_id = $1) as number_pool,
             (select state from number where x = $3 and account_id = $1) as state,
             exists (select 1 from number where x_index in ($4, $5)) as party_is_x,
             (select members from number_group
               where id = $6 and pool_key = $2 and account_id = $1) as members,
             (select cooling_days from pool where key = $2) as cooling_days`,
    values: [asked.accountId, asked.poolKey, asked.x, asked.aIndex, asked.bIndex, asked.groupId],
  })
  if (facts === undefined) throw new Error('a select of facts gave no row')
  if (facts.party_is_x) return partyIsVirtual()
  if (asked.product === 'AXG' && facts.members === null) return groupUnknown()
  if (asked.product === 'AXG' && facts.members === 0) return groupEmpty()
  return asked.x === undefined ? whyNoneFree(sql, asked) : whyThisX(facts, asked)
}

function whyThisX(facts: Facts, { poolKey }: Asked): DomainError {
  if (facts.number_pool === null) {
    return new DomainError('number-unknown', 404, 'This X is not one of your numbers.', {
      vendorCode: 'isv.NO_NOT_EXIST',
    })
  }
  if (facts.number_pool !== poolKey) {
    return new DomainError('number-not-in-pool', 409, 'This X belongs to another pool.', {
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
  }
  if (facts.state !== 'normal') {
    return new DomainError(
      'number-not-bindable',
      409,
      `This X is ${facts.state} and takes no new bindings. Unlock it or use another.`,
      { vendorCode: 'isv.FORBIDDEN_ACTION' },
    )
  }
  // Otherwise it was not to be had only while the bind looked.
  return (facts.cooling_days ?? 0) > 0 ? stillCooling('isv.NO_AVAILABLE_NUMBER') : noNumberFree()
}
