import { DomainError } from '../domain/errors.ts'
import type { Sql } from '../platform/sql.ts'

export const bindConflict = () =>
  new DomainError(
    'bind-conflict',
    409,
    'A or B already takes part in a live binding on this X. Unbind that one, use another X, or leave X out to have one chosen.',
    { vendorCode: 'isv.BIND_CONFLICT' },
  )

export const xIsFull = () =>
  new DomainError(
    'number-full',
    409,
    'This X already carries 200 live bindings. Use another X, or leave X out to have one chosen.',
    { vendorCode: 'isv.NO_AVAILABLE_NUMBER' },
  )

export const noNumberFree = () =>
  new DomainError(
    'no-available-number',
    409,
    'No X of this pool is free for these two: all are locked, full, or already used by A or B. Add numbers to the pool or unbind.',
    { vendorCode: 'isv.NO_AVAILABLE_NUMBER' },
  )

const poolUnknown = () =>
  new DomainError('pool-unknown', 404, 'There is no pool with this key.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })

export const bindingUnknown = () =>
  new DomainError(
    'binding-unknown',
    404,
    'There is no live binding with this id, or it does not belong to this pool and X.',
    { vendorCode: 'isv.SUBS_NOT_EXIST' },
  )

type Facts = {
  readonly product: string | null
  readonly number_pool: string | null
  readonly state: string | null
  readonly party_is_x: boolean
}

/** Why a bind found no X to lock: asked only after it failed, so that a good bind pays nothing for it. */
export async function whyRefused(
  sql: Sql,
  asked: {
    accountId: string
    poolKey: string
    x: string | undefined
    parties: readonly string[]
  },
): Promise<DomainError> {
  const [facts] = await sql.rows<Facts>({
    name: 'bindings.why-refused',
    text: `
      select (select product from pool where key = $2 and account_id = $1) as product,
             (select pool_key from number where x = $3 and account_id = $1) as number_pool,
             (select state from number where x = $3 and account_id = $1) as state,
             exists (select 1 from number where x_index = any($4)) as party_is_x`,
    values: [asked.accountId, asked.poolKey, asked.x, asked.parties],
  })
  if (facts === undefined || facts.product === null) return poolUnknown()
  if (facts.product !== 'AXB') {
    return new DomainError(
      'product-mismatch',
      409,
      `This pool holds ${facts.product} numbers; an AXB binding needs a pool of product AXB.`,
      { vendorCode: 'isv.FORBIDDEN_ACTION' },
    )
  }
  if (facts.party_is_x) return partyIsVirtual()
  return asked.x === undefined ? noNumberFree() : whyThisX(facts, asked.poolKey)
}

function whyThisX(facts: Facts, poolKey: string): DomainError {
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
  return bindConflict()
}

const partyIsVirtual = () =>
  new DomainError(
    'party-is-virtual',
    422,
    'A and B must be real numbers; one of them is an X number of this system.',
    { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' },
  )
