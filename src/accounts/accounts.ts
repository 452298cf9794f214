import type { AccountId } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Account, AccountFilter, Page } from './account.ts'
import { accountExists, accountOperates, accountUnknown, illegal } from './refusals.ts'

export type Accounts = {
  create(account: { id: AccountId; name: string }): Promise<Account>
  get(id: AccountId): Promise<Account>
  /** In the order of their ids. */
  list(filter: AccountFilter): Promise<Page<Account>>
  rename(id: AccountId, name: string): Promise<Account>
  /** Its tokens and keys are refused from now on, in other processes within seconds. Calls go on. */
  suspend(id: AccountId): Promise<Account>
  resume(id: AccountId): Promise<Account>
}

type Row = {
  readonly id: string
  readonly name: string
  readonly operator: boolean
  readonly suspended_at: Date | null
  readonly created_at: Date
}

const columns = 'id, name, operator, suspended_at, created_at'
const idPattern = /^[a-z0-9][a-z0-9-]{0,31}$/

export function createAccounts(deps: {
  sql: Sql
  /** After a change of what an account may do. */
  forget(): void
}): Accounts {
  const { sql } = deps

  async function change(name: string, set: string, values: readonly unknown[]): Promise<Account> {
    const text = `update account set ${set} where id = $1 returning ${columns}`
    const [row] = await sql.rows<Row>({ name, text, values })
    if (row === undefined) throw accountUnknown()
    deps.forget()
    return accountFrom(row)
  }

  return {
    async create({ id, name }) {
      if (!idPattern.test(id)) {
        throw illegal(
          'The id has 1 to 32 lower-case letters, digits and hyphens, and begins with a letter or digit.',
        )
      }
      checkName(name)
      try {
        const [row] = await sql.rows<Row>({
          name: 'accounts.create',
          text: `insert into account (id, name) values ($1, $2) returning ${columns}`,
          values: [id, name],
        })
        if (row === undefined) throw new Error('insert returned nothing')
        return accountFrom(row)
      } catch (err) {
        if (violatedConstraint(err) === 'account_pkey') throw accountExists(err)
        throw err
      }
    },
    async get(id) {
      const [row] = await sql.rows<Row>({
        name: 'accounts.get',
        text: `select ${columns} from account where id = $1`,
        values: [id],
      })
      if (row === undefined) throw accountUnknown()
      return accountFrom(row)
    },
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<Row>({
        name: 'accounts.list',
        text: `
          select ${columns} from account
           where ($1::text is null or id > $1)
             and ($2::boolean is null or (suspended_at is not null) = $2)
           order by id limit $3`,
        values: [placeIn(filter.cursor, idPattern), filter.suspended, limit + 1],
      })
      return pageFrom(rows, limit, { item: accountFrom, place: (row) => row.id })
    },
    async rename(id, name) {
      checkName(name)
      return change('accounts.rename', 'name = $2', [id, name])
    },
    async suspend(id) {
      try {
        const set = 'suspended_at = coalesce(suspended_at, now())'
        return await change('accounts.suspend', set, [id])
      } catch (err) {
        if (violatedConstraint(err) === 'account_operator_goes_on') throw accountOperates(err)
        throw err
      }
    },
    resume: (id) => change('accounts.resume', 'suspended_at = null', [id]),
  }
}

function checkName(name: string): void {
  if (name.length < 1 || name.length > 64 || name.includes('\0')) {
    throw illegal('The name of an account has 1 to 64 characters.')
  }
}

function accountFrom(row: Row): Account {
  return {
    id: row.id as AccountId,
    name: row.name,
    operator: row.operator,
    suspendedAt: row.suspended_at ?? undefined,
    createdAt: row.created_at,
  }
}
