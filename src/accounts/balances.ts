import type { AccountId } from '../domain/ids.ts'
import { type Li, li } from '../domain/money.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit, placeIn, serialPattern } from '../platform/pages.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { ListFilter, Page } from './account.ts'
import { accountUnknown, balanceRange, illegal, keyReused } from './refusals.ts'

/** What was put on a balance, or taken off when it is negative. */
export type BalanceChange = {
  readonly id: string
  readonly accountId: AccountId
  readonly amount: Li
  /** After it. */
  readonly balance: Li
  /** For people. */
  readonly note: string
  readonly createdAt: Date
}

export type ChangeBalance = {
  readonly accountId: AccountId
  readonly amount: Li
  readonly note: string
  readonly idempotencyKey?: string | undefined
}

export type Balances = {
  /** Undefined: none is kept, and the account buys without paying. */
  get(accountId: AccountId): Promise<Li | undefined>
  /** An account that keeps none has one from then on. Never below zero. */
  change(change: ChangeBalance): Promise<BalanceChange>
  /** Newest first. Without what orders have taken. */
  list(filter: ListFilter): Promise<Page<BalanceChange>>
}

type Row = {
  readonly id: string
  readonly account_id: string
  readonly amount_li: string
  readonly balance_li: string
  readonly note: string
  readonly created_at: Date
}

const columns = 'id, account_id, amount_li, balance_li, note, created_at'

export function createBalances({ sql, clock }: { sql: Sql; clock: Clock }): Balances {
  return {
    async get(accountId) {
      const [row] = await sql.rows<{ balance_li: string | null }>({
        name: 'balances.get',
        text: 'select balance_li from account where id = $1',
        values: [accountId],
      })
      if (row === undefined) throw accountUnknown()
      return row.balance_li === null ? undefined : li(Number(row.balance_li))
    },

    async change(change) {
      if (change.amount === 0) throw illegal('An amount of nothing changes nothing.')
      try {
        return (await insert(sql, change, clock.now())) ?? (await repeated(sql, change))
      } catch (err) {
        if (violatedConstraint(err) === 'account_balance_range') throw balanceRange(change.amount)
        throw err
      }
    },

    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<Row>({
        name: 'balances.list',
        text: `
          select ${columns} from balance_change
           where account_id = $1 and ($2::bigint is null or id < $2)
           order by id desc limit $3`,
        values: [filter.accountId, placeIn(filter.cursor, serialPattern), limit + 1],
      })
      return pageFrom(rows, limit, { item: changeFrom, place: ({ id }) => id })
    },
  }
}

/** Under the lock of the account, as orders take from it. Undefined: the key was used before. */
async function insert(
  sql: Sql,
  { accountId, amount, note, idempotencyKey }: ChangeBalance,
  now: Date,
): Promise<BalanceChange | undefined> {
  const [row] = await sql.rows<Row>({
    name: 'balances.change',
    text: `
      with locked as materialized (
        select id, coalesce(balance_li, 0) + $2::bigint as balance_li from account
         where id = $1 for no key update
      ), made as (
        insert into balance_change (account_id, amount_li, balance_li, note, idempotency_key, created_at)
        select id, $2::bigint, balance_li, $3, $4, $5 from locked
        on conflict on constraint balance_change_key_once do nothing
        returning ${columns}
      ), kept as (
        update account set balance_li = made.balance_li from made where account.id = made.account_id
      )
      select ${columns} from made`,
    values: [accountId, amount, note, idempotencyKey, now],
  })
  return row === undefined ? undefined : changeFrom(row)
}

/** What the key has done already. */
async function repeated(sql: Sql, change: ChangeBalance): Promise<BalanceChange> {
  const [row] = await sql.rows<Row>({
    name: 'balances.by-key',
    text: `select ${columns} from balance_change where account_id = $1 and idempotency_key = $2`,
    values: [change.accountId, change.idempotencyKey],
  })
  if (row === undefined) throw accountUnknown()
  const made = changeFrom(row)
  if (made.amount !== change.amount || made.note !== change.note) throw keyReused()
  return made
}

function changeFrom(row: Row): BalanceChange {
  return {
    id: row.id,
    accountId: row.account_id as AccountId,
    amount: li(Number(row.amount_li)),
    balance: li(Number(row.balance_li)),
    note: row.note,
    createdAt: row.created_at,
  }
}
