import type { AccountId } from '../domain/ids.ts'
import type { Scope } from '../domain/scope.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { AccessKey, CreateAccessKey, KeyFilter, Page } from './account.ts'
import { checkGrant, type GrantRow, grantFault, grantFrom } from './grants.ts'
import type { KeyLookup } from './key-lookup.ts'
import { illegal, keyUnknown } from './refusals.ts'
import { newKeyId, newKeySecret, secretOfKey } from './secrets.ts'

export type AccessKeys = {
  /** The secret is shown this once. */
  create(key: CreateAccessKey): Promise<KeyWithSecret>
  get(accountId: AccountId, id: string): Promise<AccessKey>
  /** In the order of their ids. */
  list(filter: KeyFilter): Promise<Page<AccessKey>>
  /** Signatures with it are refused from now on, in other processes within seconds. */
  disable(accountId: AccountId, id: string): Promise<AccessKey>
  enable(accountId: AccountId, id: string): Promise<AccessKey>
  /** A new secret; the old one stays good for `keepSeconds` more, 0 to 7 days. */
  rotate(accountId: AccountId, id: string, keepSeconds: number): Promise<KeyWithSecret>
  remove(accountId: AccountId, id: string): Promise<void>
  /** Makes, or makes again, a key whose id and secret are given from outside. A disabled one stays so. */
  adopt(accountId: AccountId, given: { id: string; secret: string }): Promise<void>
}

export type KeyWithSecret = { readonly key: AccessKey; readonly secret: string }

type Row = GrantRow & {
  readonly enabled: boolean
  readonly previous_until: Date | null
  readonly rotated_at: Date | null
}

const columns = `
  id, account_id, name, scopes, addresses, enabled, created_at, rotated_at, previous_until,
  last_used_at`
/** All that the vendor's API knows. */
const adoptedScopes: readonly Scope[] = ['read', 'bind', 'numbers', 'money', 'reveal']
const keepSecondsMax = 7 * 86_400

export function createAccessKeys(deps: {
  sql: Sql
  vault: { sealText(text: string, about: string): string }
  lookup: Pick<KeyLookup, 'forget'>
}): AccessKeys {
  const { sql, vault, lookup } = deps

  async function one(name: string, text: string, values: readonly unknown[]): Promise<AccessKey> {
    const [row] = await sql.rows<Row>({ name, text, values })
    if (row === undefined) throw keyUnknown()
    return keyFrom(row)
  }

  async function setEnabled(accountId: AccountId, id: string, enabled: boolean) {
    const text = `
      update access_key set enabled = $3 where id = $1 and account_id = $2
      returning ${columns}`
    const key = await one('access-keys.set-enabled', text, [id, accountId, enabled])
    lookup.forget()
    return key
  }

  return {
    async create(asked) {
      checkGrant(asked)
      const [id, secret] = [newKeyId(), newKeySecret()]
      const text = `
        insert into access_key (id, account_id, name, secret_sealed, scopes, addresses)
        values ($1, $2, $3, $4, $5, $6)
        returning ${columns}`
      const { accountId, name, scopes, addresses } = asked
      const sealed = vault.sealText(secret, secretOfKey(id))
      const values = [id, accountId, name, sealed, scopes, addresses]
      const key = await one('access-keys.create', text, values).catch((err: unknown) => {
        throw grantFault(err, 'access_key')
      })
      return { key, secret }
    },
    get(accountId, id) {
      const text = `select ${columns} from access_key where id = $1 and account_id = $2`
      return one('access-keys.get', text, [id, accountId])
    },
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<Row>({
        name: 'access-keys.list',
        text: `
          select ${columns} from access_key
           where account_id = $1 and ($2::text is null or id > $2)
             and ($3::boolean is null or enabled = $3)
           order by id limit $4`,
        values: [
          ...[filter.accountId, placeIn(filter.cursor, /^\w+$/)],
          ...[filter.enabled, limit + 1],
        ],
      })
      return pageFrom(rows, limit, { item: keyFrom, place: (row) => row.id })
    },
    disable: (accountId, id) => setEnabled(accountId, id, false),
    enable: (accountId, id) => setEnabled(accountId, id, true),
    async rotate(accountId, id, keepSeconds) {
      if (!Number.isInteger(keepSeconds) || keepSeconds < 0 || keepSeconds > keepSecondsMax) {
        throw illegal(`The old secret can stay good for 0 to ${keepSecondsMax} seconds.`)
      }
      const secret = newKeySecret()
      const text = `
        update access_key
           set previous_sealed = case when $4 > 0 then secret_sealed end,
               previous_until = case when $4 > 0 then now() + make_interval(secs => $4) end,
               secret_sealed = $3, rotated_at = now()
         where id = $1 and account_id = $2
        returning ${columns}`
      const sealed = vault.sealText(secret, secretOfKey(id))
      const key = await one('access-keys.rotate', text, [id, accountId, sealed, keepSeconds])
      lookup.forget()
      return { key, secret }
    },
    async remove(accountId, id) {
      const text = `
        delete from access_key where id = $1 and account_id = $2
        returning ${columns}`
      await one('access-keys.remove', text, [id, accountId])
      lookup.forget()
    },
    async adopt(accountId, { id, secret }) {
      const text = `
        insert into access_key (id, account_id, name, secret_sealed, scopes, addresses)
        values ($1, $2, 'environment', $3, $4, '{}')
        on conflict (id) do update set secret_sealed = excluded.secret_sealed
         where access_key.account_id = excluded.account_id
        returning ${columns}`
      const sealed = vault.sealText(secret, secretOfKey(id))
      await one('access-keys.adopt', text, [id, accountId, sealed, adoptedScopes])
      lookup.forget()
    },
  }
}

function keyFrom(row: Row): AccessKey {
  return {
    ...grantFrom(row),
    enabled: row.enabled,
    rotatedAt: row.rotated_at ?? undefined,
    previousUntil: row.previous_until ?? undefined,
  }
}
