import type { AccountId } from '../domain/ids.ts'
import type { Scope } from '../domain/scope.ts'
import type { Sql } from '../platform/sql.ts'
import type { TokenHolder } from './account.ts'
import { createRecent } from './recent.ts'
import { createTokenMint } from './secrets.ts'

export type TokenLookup = {
  /** Undefined: never minted here, or revoked. Throws when Postgres must be asked and is away. */
  find(token: string): Promise<TokenHolder | undefined>
  /** After a change of a token or an account through this process. */
  forget(): void
}

type Row = {
  readonly id: string
  readonly account_id: string
  readonly operator: boolean
  readonly suspended: boolean
  readonly scopes: string[]
  readonly addresses: string[]
  readonly requests_per_minute: number | null
  readonly expires_at: Date | null
}

/** Asked by every request: what was found is remembered for seconds, and guesses never reach Postgres. */
export function createTokenLookup(deps: {
  sql: Sql
  vault: { stamp(text: string): string }
}): TokenLookup {
  const { hash } = createTokenMint(deps.vault.stamp)
  const recent = createRecent((hashText) => load(deps.sql, Buffer.from(hashText, 'base64url')))
  return {
    async find(token) {
      const hashed = hash(token)
      return hashed === undefined ? undefined : recent.find(hashed.toString('base64url'))
    },
    forget: recent.forget,
  }
}

/** When it was last used is noted to the minute: anything finer would be a write per request. */
async function load(sql: Sql, hash: Buffer): Promise<TokenHolder | undefined> {
  const [row] = await sql.rows<Row>({
    name: 'tokens.find',
    text: `
      with used as (
        update access_token set last_used_at = now()
         where hash = $1 and revoked_at is null
           and (last_used_at is null or last_used_at < now() - interval '1 minute')
      )
      select t.id, t.account_id, a.operator, a.suspended_at is not null as suspended, t.scopes,
             t.addresses, t.requests_per_minute, t.expires_at
        from access_token t join account a on a.id = t.account_id
       where t.hash = $1 and t.revoked_at is null`,
    values: [hash],
  })
  if (row === undefined) return undefined
  return {
    tokenId: row.id,
    accountId: row.account_id as AccountId,
    operator: row.operator,
    suspended: row.suspended,
    scopes: row.scopes as Scope[],
    addresses: row.addresses,
    requestsPerMinuteMax: row.requests_per_minute ?? undefined,
    expiresAt: row.expires_at ?? undefined,
  }
}
