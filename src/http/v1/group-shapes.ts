import { type Static, Type } from 'typebox'
import type { AccountId, GroupId, PoolKey } from '../../domain/ids.ts'
import type { Group, GroupMember, GroupRef } from '../../numbers/group.ts'
import {
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  pageQuery,
  poolKeyShape,
  realNumberShape,
  timeShape,
  timeText,
} from './shapes.ts'

export const groupIdShape = Type.String({
  pattern: '^[1-9]\\d{0,14}$',
  description: "Id of a group, the vendor API's `GroupId`.",
  examples: ['2000000000001'],
})

const nameShape = lineOfText(16, {
  description: 'For people; the id unless given.',
  examples: ['Night shift'],
})

const remarkShape = lineOfText(50, { description: 'For people.', examples: ['until spring'] })

const numbersShape = Type.Array(realNumberShape, {
  maxItems: 200,
  description: 'Each counts once, however often it is given.',
})

export const GroupRequest = Type.Object(
  {
    name: Type.Optional(nameShape),
    remark: Type.Optional(remarkShape),
    numbers: Type.Optional(numbersShape),
  },
  { ...closed, examples: [{ name: 'Night shift', numbers: ['13800000001', '13900000002'] }] },
)

export const GroupChange = Type.Object(
  {
    name: Type.Optional(nameShape),
    remark: Type.Optional(Type.Union([remarkShape, Type.Null({ description: 'None any more.' })])),
  },
  { ...closed, minProperties: 1, examples: [{ name: 'Day shift', remark: null }] },
)

/** To add or to remove. */
export const SomeNumbers = Type.Object(
  { numbers: { ...numbersShape, minItems: 1 } },
  { ...closed, examples: [{ numbers: ['13800000001', '13900000002'] }] },
)

/** To be all that there are; none is allowed. */
export const AllNumbers = Type.Object(
  { numbers: numbersShape },
  { ...closed, examples: [{ numbers: ['13800000001', '13900000002'] }] },
)

export const NumberSearch = Type.Object(
  { number: realNumberShape, ...pageQuery },
  { ...closed, examples: [{ number: '13800000001' }] },
)

const group = {
  id: groupIdShape,
  poolKey: poolKeyShape,
  name: nameShape,
  remark: Type.Optional(remarkShape),
  members: Type.Integer({ description: 'Numbers in it.', examples: [2] }),
  createdAt: timeShape,
}

const groupExample = {
  id: '2000000000001',
  poolKey: 'FC100000000000001',
  name: 'Night shift',
  members: 2,
  createdAt: '2030-01-30T02:00:00Z',
}

export const GroupAnswer = Type.Object(group, { examples: [groupExample] })

export const EditAnswer = Type.Object(
  {
    ...group,
    added: Type.Integer({ description: 'Numbers that came in by this.', examples: [2] }),
    removed: Type.Integer({ description: 'Numbers that went by this.', examples: [0] }),
  },
  { examples: [{ ...groupExample, added: 2, removed: 0 }] },
)

export const MemberAnswer = Type.Object(
  { number: maskedNumberShape, addedAt: timeShape },
  { examples: [{ number: '138****0001', addedAt: '2030-01-30T02:00:00Z' }] },
)

export const groupColumns = ['id', 'poolKey', 'name', 'remark', 'members', 'createdAt'] as const
export const memberColumns = ['number', 'addedAt'] as const

export const PoolParams = Type.Object({ key: poolKeyShape })
export const GroupParams = Type.Object({ key: poolKeyShape, id: groupIdShape })

export function refOf(accountId: AccountId, { key, id }: Static<typeof GroupParams>): GroupRef {
  return { accountId, poolKey: key as PoolKey, id: id as GroupId }
}

export function groupAnswer(of: Group): Static<typeof GroupAnswer> {
  return compact({
    id: of.id as string,
    poolKey: of.poolKey as string,
    name: of.name,
    remark: of.remark,
    members: of.members,
    createdAt: timeText(of.createdAt),
  })
}

export function memberAnswer({ number, addedAt }: GroupMember): Static<typeof MemberAnswer> {
  return { number: number.toString(), addedAt: timeText(addedAt) }
}
