import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { poolKeyIn, realIn } from '../reading.ts'
import { phoneField, poolKeyField } from './fields.ts'

/** Pool-wide entries only. */
export const operateBlackNo = defineAction({
  name: 'OperateBlackNo',
  scope: 'numbers',
  perSecondMax: 1_000,
  schema: Type.Object({
    PoolKey: poolKeyField,
    BlackNo: phoneField,
    OperateType: Type.Enum(['AddBlack', 'DeleteBlack'], {
      description: 'AddBlack or DeleteBlack.',
    }),
    Tips: Type.Optional(Type.String({ maxLength: 200, description: 'up to 200 characters.' })),
  }),
  async run(asked, context) {
    const { blacklist } = context.rooms
    const entry = {
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      number: realIn(asked.BlackNo, context),
    }
    if (asked.OperateType === 'AddBlack') {
      await blacklist.blockCaller({ ...entry, remark: asked.Tips })
    } else {
      await blacklist.unblockCaller(entry)
    }
    return {}
  },
})
