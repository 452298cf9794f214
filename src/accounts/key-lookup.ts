import type { AccountId } from '../domain/ids.ts'
import type { Scope } from '../domain/scope.ts'
import type { Sql } from '../platform/sql.ts'
import type { KeyHolder } from './account.ts'
import { createRecent } from './recent.ts'
import { secretOfKey } from './secrets.ts'

export type KeyLookup = {
  /** For whoever checks a signature. Undefined: there is no such key. Throws when Postgres must be asked and is away. */
  find(id: string): Promise<KeyHolder | undefined>
  /** After a change of a key or an account through this process. */
  forget(): void
}

type Row = {
  readonly id: string
  readonly account_id: string
  readonly operator: boolean
  readonly suspended: boolean
  readonly enabled: boolean
  readonly scopes: string[]
  readonly addresses: string[]
  readonly secret_sealed: string
  readonly previous_sealed: string | null
}

const idPattern = /^[0-9A-Za-z]{16,128}$/

/**
 * Ids that nobody has and that are looked for one by one, so that a key that was just made through
 * another process is found at once. More than that are guesses, and Postgres is only asked for the
 * list of all ids, once in a while.
 */
const guessesPerSecondMax = 20

export function createKeyLookup(deps: {
  sql: Sql
  vault: { openText(sealed: string, about: string): string }
}): KeyLookup {
  const { sql, vault } = deps

  async function load(id: string): Promise<KeyHolder | undefined> {
    const [row] = await sql.rows<Row>({
      name: 'access-keys.find',
      text: `
        with used as (
          update access_key set last_used_at = now()
           where id = $1 and enabled
             and (last_used_at is null or last_used_at < now() - interval '1 minute')
        )
        select k.id, k.account_id, a.operator, a.suspended_at is not null as suspended,
               k.enabled, k.scopes, k.addresses, k.secret_sealed,
               case when k.previous_until > now() then k.previous_sealed end as previous_sealed
          from access_key k join account a on a.id = k.account_id
         where k.id = $1`,
      values: [id],
    })
    if (row === undefined) return undefined
    const sealed = [
      row.secret_sealed,
      ...(row.previous_sealed === null ? [] : [row.previous_sealed]),
    ]
    return {
      keyId: row.id,
      accountId: row.account_id as AccountId,
      operator: row.operator,
      suspended: row.suspended,
      enabled: row.enabled,
      scopes: row.scopes as Scope[],
      addresses: row.addresses,
      secrets: sealed.map((each) => vault.openText(each, secretOfKey(row.id))),
    }
  }

  const recent = createRecent(load)
  const ids = createRecent(async () => new Set(await allIds(sql)))
  const guesses = createCounter()

  return {
    async find(id) {
      if (!idPattern.test(id)) return undefined
      const isFlood = guesses.count() >= guessesPerSecondMax
      if (isFlood && (await ids.find('all'))?.has(id) !== true) return undefined
      guesses.add(1)
      const holder = await recent.find(id)
      if (holder !== undefined) guesses.add(-1)
      return holder
    },
    forget() {
      recent.forget()
      ids.forget()
    },
  }
}

async function allIds(sql: Sql): Promise<string[]> {
  const text = 'select id from access_key'
  const rows = await sql.rows<{ id: string }>({ name: 'access-keys.ids', text, values: [] })
  return rows.map((row) => row.id)
}

/** Counts within the second that it is. */
function createCounter() {
  let second = 0
  let counted = 0
  const now = () => {
    const is = Math.floor(performance.now() / 1000)
    if (is !== second) counted = 0
    second = is
    return counted
  }
  return {
    count: now,
    add(more: number) {
      counted = Math.max(0, now() + more)
    },
  }
}
