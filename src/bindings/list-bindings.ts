import { DomainError } from '../domain/errors.ts'
import { parseBindingId } from '../domain/ids.ts'
import type { Query } from '../platform/sql.ts'
import type { BindingFilter } from './binding.ts'
import { bindingColumns } from './binding-rows.ts'

const limitDefault = 50
const limitMax = 200

export function pageLimit(filter: Pick<BindingFilter, 'limit'>): number {
  return Math.min(Math.max(Math.trunc(filter.limit ?? limitDefault), 1), limitMax)
}

/** Opaque to clients, so that what it holds may change. */
export function cursorAfter(id: string): string {
  return Buffer.from(`b${id}`).toString('base64url')
}

function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const id = text.startsWith('b') ? parseBindingId(text.slice(1)) : undefined
  if (id !== undefined) return id
  throw new DomainError(
    'cursor-unknown',
    422,
    'The cursor must be one that an earlier page gave.',
    {
      vendorCode: 'isv.INVALID_PARAMETERS',
    },
  )
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
export function listQuery(
  filter: BindingFilter,
  with_: { partyIndex: string | undefined; now: Date },
): Query {
  const values: unknown[] = [filter.accountId, pageLimit(filter) + 1]
  const conditions = ['b.account_id = $1']
  let name = 'bindings.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  if (filter.poolKey !== undefined) add('pool', filter.poolKey, (at) => `b.pool_key = ${at}`)
  if (filter.x !== undefined) add('x', filter.x, (at) => `b.x = ${at}`)
  if (filter.outId !== undefined) add('out', filter.outId, (at) => `b.out_id = ${at}`)
  if (with_.partyIndex !== undefined) {
    add('party', with_.partyIndex, (at) => `(b.a_index = ${at} or b.b_index = ${at})`)
  }
  if (filter.liveOnly === true) {
    add('live', with_.now, (at) => `b.ended_at is null and b.expires_at > ${at}`)
  }
  if (filter.cursor !== undefined) {
    add('after', readCursor(filter.cursor), (at) => `b.id < ${at}::bigint`)
  }
  const text = `
    select ${bindingColumns} from binding b
     where ${conditions.join(' and ')}
     order by b.id desc limit $2`
  return { name, text, values }
}
