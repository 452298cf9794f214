import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { type AccessKeys, createAccessKeys } from './access-keys.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Audit, createAudit } from './audit.ts'
import { type Balances, createBalances } from './balances.ts'
import { createKeyLookup, type KeyLookup } from './key-lookup.ts'
import { createTokenLookup, type TokenLookup } from './token-lookup.ts'
import { createTokens, type Tokens } from './tokens.ts'

export type AccountRooms = {
  readonly accounts: Accounts
  readonly balances: Balances
  readonly tokens: Tokens
  readonly accessKeys: AccessKeys
  readonly audit: Audit
  /** Who showed a bearer token. */
  readonly tokenLookup: TokenLookup
  /** Who signed with an access key. */
  readonly keyLookup: KeyLookup
}

/** All of them belong together: what one changes, the lookups of this process forget at once. */
export function createAccountRooms(deps: {
  sql: Sql
  vault: Pick<Vault, 'sealText' | 'openText' | 'stamp'>
  clock: Clock
  log: Logger
}): AccountRooms {
  const tokenLookup = createTokenLookup(deps)
  const keyLookup = createKeyLookup(deps)
  const forget = () => {
    tokenLookup.forget()
    keyLookup.forget()
  }
  return {
    accounts: createAccounts({ ...deps, forget }),
    balances: createBalances(deps),
    tokens: createTokens({ ...deps, lookup: tokenLookup }),
    accessKeys: createAccessKeys({ ...deps, lookup: keyLookup }),
    audit: createAudit(deps),
    tokenLookup,
    keyLookup,
  }
}
