import type { Product } from '../domain/call.ts'
import {
  type AccountId,
  type PoolKey,
  parseVirtualNumber,
  type VirtualNumber,
} from '../domain/ids.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { addNumbers } from './add-numbers.ts'
import type { AddNumbers, NumberFilter, Page, XNumber } from './number.ts'
import { cursorFor, illegal, pageLimit, readCursor } from './pages.ts'
import { numberBound, numberFrozen, numberUnknown } from './refusals.ts'

export type Numbers = {
  /** All or none. */
  add(numbers: AddNumbers): Promise<readonly XNumber[]>
  get(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  list(filter: NumberFilter): Promise<Page<XNumber>>
  /** Only when nothing is bound to it. */
  remove(accountId: AccountId, x: VirtualNumber): Promise<void>
  /** A locked X takes no new bindings; those it has go on. */
  lock(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  unlock(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
}

export type NumberRow = {
  readonly x: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly city: string | null
  readonly state: string
  readonly bound: number
  readonly created_at: Date
}

/** What a change of X returns besides its row. */
export type NumberChangeRow = NumberRow & {
  readonly version: string
  readonly invalidation_id: string
}

const columns = `
  n.x, n.account_id, n.pool_key, p.product, n.city, n.state, n.bound, n.created_at`

export function createNumbers(deps: {
  sql: Sql
  vault: Vault
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
}): Numbers {
  const { sql, vault } = deps
  const { forget } = deps.publisher

  async function get(accountId: AccountId, x: VirtualNumber): Promise<XNumber> {
    const [row] = await sql.rows<NumberRow>({
      name: 'numbers.get',
      text: `
        select ${columns} from number n join pool p on p.key = n.pool_key
         where n.x = $1 and n.account_id = $2`,
      values: [x, accountId],
    })
    if (row === undefined) throw numberUnknown()
    return numberFrom(row)
  }

  async function setState(
    accountId: AccountId,
    x: VirtualNumber,
    state: 'normal' | 'locked',
  ): Promise<XNumber> {
    const [row] = await sql.rows<NumberChangeRow>({
      name: 'numbers.set-state',
      text: `
        with n as (
          update number set state = $3, version = nextval('route_version')
           where x = $1 and account_id = $2 and state <> 'frozen'
          returning *
        ), noted as (
          insert into invalidation (x, version, parties) select x, version, '{}' from n
          returning id
        )
        select ${columns}, n.version, noted.id as invalidation_id
          from n join pool p on p.key = n.pool_key, noted`,
      values: [x, accountId, state],
    })
    if (row === undefined) {
      await get(accountId, x)
      throw numberFrozen()
    }
    await forget([changeOf(row)])
    return numberFrom(row)
  }

  return {
    async add(numbers) {
      const rows = await addNumbers(sql, numbers, (x) => blindIndexOf(vault, x))
      await forget(rows.map(changeOf))
      return rows.map((row) => numberFrom(row))
    },
    get,
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<NumberRow>(listQuery(filter, limit))
      const items = rows.slice(0, limit).map((row) => numberFrom(row))
      return { items, nextCursor: cursorFor(rows.length > limit, items.at(-1)?.x) }
    },
    async remove(accountId, x) {
      await forget([await removeNumber(sql, accountId, x)])
    },
    lock: (accountId, x) => setState(accountId, x, 'locked'),
    unlock: (accountId, x) => setState(accountId, x, 'normal'),
  }
}

function listQuery(filter: NumberFilter, limit: number) {
  const after =
    filter.cursor === undefined ? undefined : readCursor(filter.cursor, parseVirtualNumber)
  return {
    name: 'numbers.list',
    text: `
      select ${columns} from number n join pool p on p.key = n.pool_key
       where n.account_id = $1 and ($2::text is null or n.pool_key = $2)
         and ($3::text is null or n.state = $3)
         and ($4::boolean is null or (n.bound > 0) = $4)
         and ($5::text is null or n.x > $5)
       order by n.x limit $6`,
    values: [filter.accountId, filter.poolKey, filter.state, filter.bound, after, limit + 1],
  }
}

/** The foreign key of the legs refuses while anything is bound, also what has expired and was not swept yet. */
async function removeNumber(
  sql: Sql,
  accountId: AccountId,
  x: VirtualNumber,
): Promise<RouteInvalidation> {
  try {
    const [row] = await sql.rows<{ version: string; invalidation_id: string }>({
      name: 'numbers.remove',
      text: `
        with gone as (
          delete from number where x = $1 and account_id = $2 returning x
        ), noted as (
          insert into invalidation (x, version, parties)
          select x, nextval('route_version'), '{}' from gone
          returning id, version
        )
        select version, id as invalidation_id from noted`,
      values: [x, accountId],
    })
    if (row === undefined) throw numberUnknown()
    const { invalidation_id: id, version } = row
    return { id, x, version: Number(version), parties: [] }
  } catch (err) {
    if (violatedConstraint(err) === 'binding_leg_x_fkey') throw numberBound()
    throw err
  }
}

function numberFrom(row: NumberRow): XNumber {
  return {
    x: row.x as VirtualNumber,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    product: row.product as Product,
    city: row.city ?? undefined,
    state: row.state as XNumber['state'],
    bindings: row.bound,
    createdAt: row.created_at,
  }
}

function changeOf(row: NumberChangeRow): RouteInvalidation {
  const { invalidation_id: id, x, version } = row
  return { id, x: x as VirtualNumber, version: Number(version), parties: [] }
}

/** X as a party would be indexed, to see that it is none. */
function blindIndexOf(vault: Vault, x: VirtualNumber): string {
  const asReal = PhoneNumber.fromE164(x)
  if (asReal === undefined) throw illegal('An X number is written in E.164 with plus.')
  return vault.blindIndex(asReal)
}
