import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { groupIdIn, poolKeyIn } from '../reading.ts'
import { groupIdField, poolKeyField } from './fields.ts'

export const deleteAxgGroup = defineAction({
  name: 'DeleteAxgGroup',
  scope: 'numbers',
  perSecondMax: 5_000,
  schema: Type.Object({ PoolKey: poolKeyField, GroupId: groupIdField }),
  async run(asked, context) {
    await context.rooms.groups.remove({
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      id: groupIdIn(asked.GroupId),
    })
    return {}
  },
})
