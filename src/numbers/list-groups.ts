import type { GroupId, PoolKey } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn, serialPattern } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Group, GroupFilter, GroupMember, MemberFilter } from './group.ts'
import type { Page } from './number.ts'

export type GroupRow = {
  readonly id: string
  readonly pool_key: string
  readonly name: string
  readonly remark: string | null
  readonly members: number
  readonly created_at: Date
}

export const groupColumns = 'g.id, g.pool_key, g.name, g.remark, g.members, g.created_at'

export async function listGroups(
  sql: Sql,
  vault: Vault,
  filter: GroupFilter,
): Promise<Page<Group>> {
  const limit = pageLimit(filter.limit)
  const rows = await sql.rows<GroupRow>(groupsQuery(filter, vault, limit))
  return pageFrom(rows, limit, { item: groupFrom, place: ({ id }) => id })
}

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
function groupsQuery(filter: GroupFilter, vault: Vault, limit: number): Query {
  const values: unknown[] = [filter.poolKey, limit + 1]
  const conditions = ['g.pool_key = $1']
  let name = 'groups.list'
  const add = (tag: string, value: unknown, condition: (at: string) => string) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
    name += `-${tag}`
  }
  const after = placeIn(filter.cursor, serialPattern)
  const party = filter.number === undefined ? undefined : vault.blindIndex(filter.number)
  add(
    'search',
    filter.search,
    (at) => `(g.id::text = ${at} or strpos(lower(g.name), lower(${at})) > 0)`,
  )
  add('member', party, (at) => `g.id in (select group_id from group_member where party = ${at})`)
  add('after', after, (at) => `g.id < ${at}::bigint`)
  return {
    name,
    text: `
      select ${groupColumns} from number_group g
       where ${conditions.join(' and ')} order by g.id desc limit $2`,
    values,
  }
}

type MemberRow = { readonly id: string; readonly sealed: string; readonly added_at: Date }

export async function listMembers(
  sql: Sql,
  vault: Vault,
  filter: MemberFilter,
): Promise<Page<GroupMember>> {
  const limit = pageLimit(filter.limit)
  const after = placeIn(filter.cursor, serialPattern)
  const party = filter.number === undefined ? undefined : vault.blindIndex(filter.number)
  const rows = await sql.rows<MemberRow>({
    name: party === undefined ? 'groups.members' : 'groups.member',
    text: `
      select m.id, m.sealed, m.added_at from group_member m
       where m.group_id = $1::bigint and ($2::bigint is null or m.id < $2)
         ${party === undefined ? '' : 'and m.party = $4'}
       order by m.id desc limit $3`,
    values: [filter.id, after, limit + 1, ...(party === undefined ? [] : [party])],
  })
  return pageFrom(rows, limit, {
    item: (row) => ({ number: vault.open(row.sealed), addedAt: row.added_at }),
    place: ({ id }) => id,
  })
}

export function groupFrom(row: GroupRow): Group {
  return {
    id: row.id as GroupId,
    poolKey: row.pool_key as PoolKey,
    name: row.name,
    remark: row.remark ?? undefined,
    members: row.members,
    createdAt: row.created_at,
  }
}
