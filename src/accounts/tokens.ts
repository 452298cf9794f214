import type { AccountId } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { CreateToken, Page, Token, TokenFilter, TokenStatus } from './account.ts'
import { checkGrant, type GrantRow, grantFault, grantFrom } from './grants.ts'
import { illegal, tokenUnknown } from './refusals.ts'
import { createTokenMint, newTokenId } from './secrets.ts'
import type { TokenLookup } from './token-lookup.ts'

export type Tokens = {
  /** `secret` is the bearer token itself: it is kept nowhere and cannot be shown again. */
  create(token: CreateToken): Promise<{ token: Token; secret: string }>
  get(accountId: AccountId, id: string): Promise<Token>
  /** Those that were revoked too. In the order of their ids. */
  list(filter: TokenFilter): Promise<Page<Token>>
  /** Refused from now on, in other processes within seconds. Again is the same as once. */
  revoke(accountId: AccountId, id: string): Promise<Token>
}

type Row = GrantRow & {
  readonly requests_per_minute: number | null
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly status: string
}

const columns = `
  id, account_id, name, scopes, addresses, requests_per_minute, expires_at, created_at,
  last_used_at, revoked_at,
  case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired'
       else 'good' end as status`

export function createTokens(deps: {
  sql: Sql
  vault: { stamp(text: string): string }
  lookup: Pick<TokenLookup, 'forget'>
}): Tokens {
  const { sql, lookup } = deps
  const { mint, hash } = createTokenMint(deps.vault.stamp)

  async function create(asked: CreateToken) {
    checkGrant(asked)
    const { requestsPerMinuteMax, expiresAt } = asked
    const limit = requestsPerMinuteMax ?? 1
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000_000) {
      throw illegal('The requests per minute are 1 to 1000000.')
    }
    if (expiresAt !== undefined && !(expiresAt.getTime() > Date.now())) {
      throw illegal('The token must expire in the future.')
    }
    const secret = mint()
    try {
      const [row] = await sql.rows<Row>({
        name: 'tokens.create',
        text: `
          insert into access_token (id, account_id, name, hash, scopes, addresses,
                                    requests_per_minute, expires_at)
          values ($1, $2, $3, $4, $5, $6, $7, $8)
          returning ${columns}`,
        values: [
          ...[newTokenId(), asked.accountId, asked.name, hash(secret)],
          ...[asked.scopes, asked.addresses, requestsPerMinuteMax, expiresAt],
        ],
      })
      if (row === undefined) throw new Error('insert returned nothing')
      return { token: tokenFrom(row), secret }
    } catch (err) {
      throw grantFault(err, 'access_token')
    }
  }

  async function one(name: string, text: string, values: readonly unknown[]): Promise<Token> {
    const [row] = await sql.rows<Row>({ name, text, values })
    if (row === undefined) throw tokenUnknown()
    return tokenFrom(row)
  }

  return {
    create,
    get(accountId, id) {
      const text = `select ${columns} from access_token where id = $1 and account_id = $2`
      return one('tokens.get', text, [id, accountId])
    },
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<Row>({
        name: 'tokens.list',
        text: `
          select * from (select ${columns} from access_token
                          where account_id = $1 and ($2::text is null or id > $2)) as t
           where $3::text is null or status = $3
           order by id limit $4`,
        values: [
          ...[filter.accountId, placeIn(filter.cursor, /^tok-[a-z]+$/)],
          ...[filter.status, limit + 1],
        ],
      })
      return pageFrom(rows, limit, { item: tokenFrom, place: (row) => row.id })
    },
    async revoke(accountId, id) {
      const text = `
        update access_token set revoked_at = coalesce(revoked_at, now())
         where id = $1 and account_id = $2
        returning ${columns}`
      const token = await one('tokens.revoke', text, [id, accountId])
      lookup.forget()
      return token
    },
  }
}

function tokenFrom(row: Row): Token {
  return {
    ...grantFrom(row),
    requestsPerMinuteMax: row.requests_per_minute ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    status: row.status as TokenStatus,
  }
}
