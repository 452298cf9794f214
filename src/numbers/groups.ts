import { createHash } from 'node:crypto'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { changeCallers } from './caller-changes.ts'
import type {
  ChangeGroup,
  CreateGroup,
  EditedGroup,
  Group,
  GroupEdit,
  GroupFilter,
  GroupMember,
  GroupRef,
  MemberFilter,
} from './group.ts'
import { editMembers, type Member } from './group-edits.ts'
import {
  checkGroupTexts,
  checkNumbers,
  groupInUse,
  groupsOr,
  groupUnknown,
  needAxgPool,
} from './group-rules.ts'
import { type GroupRow, groupColumns, groupFrom, listGroups, listMembers } from './list-groups.ts'
import type { Page } from './number.ts'
import { keyReused } from './refusals.ts'

/** When an edit of members has resolved, the next call of any of them goes by it. Running calls go on. */
export type Groups = {
  create(group: CreateGroup): Promise<Group>
  get(ref: GroupRef): Promise<Group>
  change(ref: GroupRef, change: ChangeGroup): Promise<Group>
  /** At most 200 numbers at a time. Those that are there already, or are not there, are no fault. */
  edit(ref: GroupRef, edit: GroupEdit, numbers: readonly PhoneNumber[]): Promise<EditedGroup>
  /** With its members; only while no live binding uses it. */
  remove(ref: GroupRef): Promise<void>
  /** Newest first. */
  list(filter: GroupFilter): Promise<Page<Group>>
  /** Newest first. */
  members(filter: MemberFilter): Promise<Page<GroupMember>>
}

export function createGroups(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
}): Groups {
  const { sql, vault, clock, publisher } = deps
  const sealed = (number: PhoneNumber): Member => ({
    party: vault.blindIndex(number),
    sealed: vault.seal(number),
  })

  async function get(ref: GroupRef): Promise<Group> {
    const [row] = await sql.rows<GroupRow>({
      name: 'groups.get',
      text: `
        select ${groupColumns} from number_group g
         where g.id = $1::bigint and g.pool_key = $2 and g.account_id = $3`,
      values: [ref.id, ref.poolKey, ref.accountId],
    })
    if (row !== undefined) return groupFrom(row)
    await needAxgPool(sql, ref)
    throw groupUnknown()
  }

  return {
    async create(group) {
      checkGroupTexts(group)
      const members = membersOf(group.numbers ?? [], sealed)
      await needAxgPool(sql, group)
      const requestHash = hashOf(group, members)
      const { row, changes } = await sql
        .transaction((session) => createOnce(session, group, { members, requestHash }))
        .catch((err: unknown) => {
          throw groupsOr(err)
        })
      await publisher.forget(changes)
      return groupFrom(row)
    },

    get,

    async change(ref, change) {
      checkGroupTexts({ ...change, remark: change.remark === 'none' ? undefined : change.remark })
      const [row] = await sql.rows<GroupRow>({
        name: 'groups.change',
        text: `
          update number_group g
             set name = coalesce($4, name), remark = case when $5::boolean then $6 else remark end
           where g.id = $1::bigint and g.pool_key = $2 and g.account_id = $3
          returning ${groupColumns}`,
        values: [
          ...[ref.id, ref.poolKey, ref.accountId, change.name, change.remark !== undefined],
          change.remark === 'none' ? undefined : change.remark,
        ],
      })
      return row === undefined ? get(ref) : groupFrom(row)
    },

    async edit(ref, edit, numbers) {
      const members = membersOf(numbers, sealed)
      const done = await sql
        .transaction(async (session) => {
          const row = await lockGroup(session, ref)
          if (row === undefined) return undefined
          return { row, ...(await editMembers(session, row, edit, members)) }
        })
        .catch((err: unknown) => {
          throw groupsOr(err)
        })
      if (done === undefined) return { group: await get(ref), added: 0, removed: 0 }
      await publisher.forget(done.changes)
      const group = groupFrom({ ...done.row, members: done.members })
      return { group, added: done.added, removed: done.removed }
    },

    async remove(ref) {
      const removed = await sql.transaction((session) => removeGroup(session, ref, clock.now()))
      if (!removed) await get(ref)
    },

    async list(filter) {
      await needAxgPool(sql, filter)
      return listGroups(sql, vault, filter)
    },

    async members(filter) {
      await get(filter)
      return listMembers(sql, vault, filter)
    },
  }
}

/** Each person once, however often and in whatever way they were written. */
function membersOf(
  numbers: readonly PhoneNumber[],
  sealed: (number: PhoneNumber) => Member,
): readonly Member[] {
  checkNumbers(numbers)
  const members = numbers.map(sealed)
  return [...new Map(members.map((member) => [member.party, member])).values()]
}

function hashOf({ name, remark }: CreateGroup, members: readonly Member[]): string {
  const asked = [name, remark, ...members.map(({ party }) => party)]
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url')
}

/** A repeated request tells its numbers anew: whoever made the group may have died before calls saw it. */
async function createOnce(
  session: Sql,
  group: CreateGroup,
  { members, requestHash }: { members: readonly Member[]; requestHash: string },
): Promise<{ row: GroupRow; changes: readonly RouteInvalidation[] }> {
  await lockPool(session, group)
  const before = await madeBefore(session, group, requestHash)
  if (before !== undefined) {
    const parties = members.map(({ party }) => party)
    return { row: before, changes: await changeCallers(session, parties) }
  }
  const made = await insertGroup(session, group, requestHash)
  if (members.length === 0) return { row: made, changes: [] }
  const edited = await editMembers(session, made, 'add', members)
  return { row: { ...made, members: edited.members }, changes: edited.changes }
}

async function madeBefore(
  session: Sql,
  { poolKey, idempotencyKey }: CreateGroup,
  requestHash: string,
): Promise<GroupRow | undefined> {
  if (idempotencyKey === undefined) return undefined
  const [row] = await session.rows<GroupRow & { request_hash: string }>({
    name: 'groups.find-by-key',
    text: `
      select ${groupColumns}, g.request_hash from number_group g
       where g.pool_key = $1 and g.idempotency_key = $2`,
    values: [poolKey, idempotencyKey],
  })
  if (row !== undefined && row.request_hash !== requestHash) throw keyReused()
  return row
}

/** The pool's counter holds the limit. */
async function insertGroup(
  session: Sql,
  group: CreateGroup,
  requestHash: string,
): Promise<GroupRow> {
  const [row] = await session.rows<GroupRow>({
    name: 'groups.insert',
    text: `
      with pool as (
        update pool set group_count = group_count + 1
         where key = $1 and account_id = $2 and product = 'AXG'
        returning key, account_id
      ), serial as (
        select nextval('group_serial') as id
      )
      insert into number_group as g (id, account_id, pool_key, name, remark, idempotency_key,
                                     request_hash)
      select serial.id, pool.account_id, pool.key, coalesce($3, serial.id::text), $4, $5, $6
        from pool, serial
      returning ${groupColumns}`,
    values: [
      ...[group.poolKey, group.accountId, group.name, group.remark],
      ...[group.idempotencyKey, requestHash],
    ],
  })
  if (row === undefined) throw new Error('an AXG pool has gone')
  return row
}

/** One after the other makes or removes groups of a pool. */
async function lockPool(
  session: Sql,
  { poolKey, accountId }: Pick<GroupRef, 'poolKey' | 'accountId'>,
): Promise<void> {
  await session.rows({
    name: 'groups.lock-pool',
    text: 'select 1 from pool where key = $1 and account_id = $2 for no key update',
    values: [poolKey, accountId],
  })
}

/** Binders may share it (`for key share`); whoever removes the group may not. */
async function lockGroup(session: Sql, ref: GroupRef): Promise<GroupRow | undefined> {
  const [row] = await session.rows<GroupRow>({
    name: 'groups.lock',
    text: `
      select ${groupColumns} from number_group g
       where g.id = $1::bigint and g.pool_key = $2 and g.account_id = $3 for no key update`,
    values: [ref.id, ref.poolKey, ref.accountId],
  })
  return row
}

/**
 * Resolves to whether there was one. Statement by statement: only what is read after the lock was
 * had sees the binder that held it. Nobody is told: what is held about its members may name a
 * group that no binding can have any more.
 */
async function removeGroup(session: Sql, ref: GroupRef, now: Date): Promise<boolean> {
  const { id } = ref
  await lockPool(session, ref)
  const locked = await session.rows({
    name: 'groups.lock-to-remove',
    text: `
      select 1 from number_group
       where id = $1::bigint and pool_key = $2 and account_id = $3 for update`,
    values: [id, ref.poolKey, ref.accountId],
  })
  if (locked.length === 0) return false
  const used = await session.rows({
    name: 'groups.in-use',
    text: `
      select 1 from binding
       where group_id = $1::bigint and ended_at is null and expires_at > $2 limit 1`,
    values: [id, now],
  })
  if (used.length > 0) throw groupInUse()
  await session.rows({
    name: 'groups.remove',
    text: `
      with gone as (
        delete from number_group where id = $1::bigint returning pool_key
      )
      update pool set group_count = group_count - 1 from gone where pool.key = gone.pool_key`,
    values: [id],
  })
  return true
}
