import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { groupIdIn, poolKeyIn, realsIn } from '../reading.ts'
import { groupIdField, numbersField, poolKeyField } from './fields.ts'

const edits = { addNumbers: 'add', deleteNumbers: 'delete', overwriteNumbers: 'overwrite' } as const

export const operateAxgGroup = defineAction({
  name: 'OperateAxgGroup',
  scope: 'numbers',
  perSecondMax: 5_000,
  schema: Type.Object({
    PoolKey: poolKeyField,
    GroupId: groupIdField,
    OperateType: Type.Enum(['addNumbers', 'deleteNumbers', 'overwriteNumbers'], {
      description: 'addNumbers, deleteNumbers or overwriteNumbers.',
    }),
    Numbers: numbersField,
  }),
  async run(asked, context) {
    const ref = {
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      id: groupIdIn(asked.GroupId),
    }
    await context.rooms.groups.edit(ref, edits[asked.OperateType], realsIn(asked.Numbers, context))
    return {}
  },
})
