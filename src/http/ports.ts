import type { CallFacts } from '../domain/call-event.ts'
import type { AccountId, PoolKey, TrunkId, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { Trunk } from '../domain/trunk.ts'
import type {
  AddNumbers,
  CreatePool,
  NumberFilter,
  Page,
  Pool,
  PoolFilter,
  XNumber,
} from '../numbers/number.ts'

/** Text to number, as the country of this installation writes them. */
export type NumberParser = {
  real(text: string): PhoneNumber | undefined
  virtual(text: string): VirtualNumber | undefined
}

export type PoolsRoom = {
  create(pool: CreatePool): Promise<Pool>
  get(accountId: AccountId, key: PoolKey): Promise<Pool>
  list(filter: PoolFilter): Promise<Page<Pool>>
}

export type NumbersRoom = {
  add(numbers: AddNumbers): Promise<readonly XNumber[]>
  get(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  list(filter: NumberFilter): Promise<Page<XNumber>>
  remove(accountId: AccountId, x: VirtualNumber): Promise<unknown>
}

export type TrunksRoom = {
  list(accountId: AccountId): Promise<readonly Trunk[]>
  create(accountId: AccountId, trunk: Trunk): Promise<Trunk>
  remove(accountId: AccountId, id: TrunkId): Promise<unknown>
}

/** The calls that are up now, of whatever account. */
export type LiveCallsRoom = {
  list(): readonly CallFacts[] | Promise<readonly CallFacts[]>
}
