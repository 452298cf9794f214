import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { poolKeyIn, realsIn } from '../reading.ts'
import { nameField, numbersField, poolKeyField, remarkField } from './fields.ts'

export const createAxgGroup = defineAction({
  name: 'CreateAxgGroup',
  scope: 'numbers',
  perSecondMax: 5_000,
  schema: Type.Object({
    PoolKey: poolKeyField,
    Name: Type.Optional(nameField),
    Remark: Type.Optional(remarkField),
    Numbers: Type.Optional(numbersField),
  }),
  async run(asked, context) {
    const { Numbers: numbers } = asked
    const group = await context.rooms.groups.create({
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      name: asked.Name,
      remark: asked.Remark,
      numbers: numbers === undefined ? undefined : realsIn(numbers, context),
    })
    return { GroupId: Number(group.id) }
  },
})
