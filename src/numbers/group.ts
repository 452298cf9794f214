import type { AccountId, GroupId, PoolKey } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/** Real numbers that may call an X together: the G of AXG bindings. */
export type Group = {
  readonly id: GroupId
  readonly poolKey: PoolKey
  readonly name: string
  readonly remark: string | undefined
  readonly members: number
  readonly createdAt: Date
}

export type GroupMember = {
  readonly number: PhoneNumber
  readonly addedAt: Date
}

export type CreateGroup = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** 1 to 16 characters; the id unless given. */
  readonly name?: string | undefined
  /** 1 to 50 characters. */
  readonly remark?: string | undefined
  /** At most 200. */
  readonly numbers?: readonly PhoneNumber[] | undefined
  /** The same key with the same request is the same group, as long as that is there. */
  readonly idempotencyKey?: string | undefined
}

export type GroupRef = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  readonly id: GroupId
}

/** What is absent stays. */
export type ChangeGroup = {
  readonly name?: string | undefined
  readonly remark?: string | 'none' | undefined
}

/** `overwrite`: these and nobody else; only while it has 200 members or fewer. */
export type GroupEdit = 'add' | 'delete' | 'overwrite'

/** How many came and went. */
export type EditedGroup = {
  readonly group: Group
  readonly added: number
  readonly removed: number
}

export type GroupFilter = {
  readonly accountId: AccountId
  readonly poolKey: PoolKey
  /** The id, or a part of the name. */
  readonly search?: string | undefined
  /** Groups that this one is in. */
  readonly number?: PhoneNumber | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type MemberFilter = GroupRef & {
  readonly number?: PhoneNumber | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
