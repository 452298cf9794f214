import type { AccountId } from '../domain/ids.ts'
import { type Scope, scopes } from '../domain/scope.ts'
import { parseAddressBlock } from '../platform/address-block.ts'
import { violatedConstraint } from '../platform/sql.ts'
import { accountUnknown, illegal } from './refusals.ts'

const addressesMax = 64

type Asked = {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly addresses: readonly string[]
}

/** What tokens and access keys have in common. */
export function checkGrant({ name, scopes: asked, addresses }: Asked): void {
  if (name.length < 1 || name.length > 64 || name.includes('\0')) {
    throw illegal('The name has 1 to 64 characters.')
  }
  if (asked.length === 0 || new Set(asked).size !== asked.length) {
    throw illegal('Give at least one scope, and each only once.')
  }
  if (asked.some((each) => !scopes.includes(each))) {
    throw illegal(`Scopes are ${scopes.join(', ')}.`)
  }
  if (addresses.length > addressesMax) throw illegal(`At most ${addressesMax} addresses.`)
  if (addresses.some((each) => parseAddressBlock(each) === undefined)) {
    throw illegal('Addresses are IP addresses or CIDR blocks such as 192.0.2.0/24.')
  }
}

export type GrantRow = {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly scopes: string[]
  readonly addresses: string[]
  readonly created_at: Date
  readonly last_used_at: Date | null
}

export function grantFrom(row: GrantRow) {
  return {
    id: row.id,
    accountId: row.account_id as AccountId,
    name: row.name,
    scopes: row.scopes as Scope[],
    addresses: row.addresses,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

/** The foreign key says that there is no such account. */
export function grantFault(err: unknown, table: 'access_token' | 'access_key'): unknown {
  return violatedConstraint(err) === `${table}_account_id_fkey` ? accountUnknown() : err
}
