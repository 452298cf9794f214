import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import { changeCallers } from './caller-changes.ts'
import type { GroupEdit } from './group.ts'
import { groupTooLargeToOverwrite, overwriteMax } from './group-rules.ts'

export type Member = { readonly party: string; readonly sealed: string }

/**
 * In a transaction that holds the group's row lock. The callers are locked next, then members
 * change. All that were named are told anew, also those for whom nothing changed: whoever did the
 * same a moment ago may have died before calls saw it.
 */
export async function editMembers(
  session: Sql,
  group: { readonly id: string; readonly members: number },
  edit: GroupEdit,
  named: readonly Member[],
): Promise<{
  readonly members: number
  readonly added: number
  readonly removed: number
  readonly changes: readonly RouteInvalidation[]
}> {
  if (edit === 'overwrite' && group.members > overwriteMax) throw groupTooLargeToOverwrite()
  const parties = named.map(({ party }) => party)
  const others = edit === 'overwrite' ? await partiesBeside(session, group.id, parties) : []
  const changes = await changeCallers(session, [...parties, ...others])
  const removed = await remove(session, group.id, edit === 'delete' ? parties : others)
  const added = edit === 'delete' ? 0 : await add(session, group.id, named)
  const members = group.members + added - removed
  await session.rows({
    name: 'groups.count-members',
    text: 'update number_group set members = $2 where id = $1::bigint and members <> $2',
    values: [group.id, members],
  })
  return { members, added, removed, changes }
}

async function partiesBeside(
  session: Sql,
  groupId: string,
  parties: readonly string[],
): Promise<readonly string[]> {
  const rows = await session.rows<{ party: string }>({
    name: 'groups.parties-beside',
    text: `
      select party from group_member
       where group_id = $1::bigint and party <> all($2::text[])`,
    values: [groupId, parties],
  })
  return rows.map(({ party }) => party)
}

async function add(session: Sql, groupId: string, members: readonly Member[]): Promise<number> {
  const rows = await session.rows({
    name: 'groups.add-members',
    text: `
      insert into group_member (group_id, party, sealed)
      select $1::bigint, party, sealed from unnest($2::text[], $3::text[]) as member (party, sealed)
      on conflict (group_id, party) do nothing
      returning 1`,
    values: [groupId, members.map(({ party }) => party), members.map(({ sealed }) => sealed)],
  })
  return rows.length
}

async function remove(session: Sql, groupId: string, parties: readonly string[]): Promise<number> {
  const rows = await session.rows({
    name: 'groups.remove-members',
    text: `
      delete from group_member where group_id = $1::bigint and party = any($2::text[]) returning 1`,
    values: [groupId, parties],
  })
  return rows.length
}
