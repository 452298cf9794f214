import { Type } from 'typebox'
import type { NumberClass } from '../../../numbers/price-list.ts'
import { defineAction } from '../action.ts'
import { poolKeyIn } from '../reading.ts'
import { beginningField, cityField, poolKeyField, specIdField } from './fields.ts'

/** One number a time. `DisplayPool` is taken and has no effect. */
export const buySecretNo = defineAction({
  name: 'BuySecretNo',
  scope: 'money',
  perSecondMax: 300,
  schema: Type.Object({
    PoolKey: poolKeyField,
    SpecId: specIdField,
    City: cityField,
    SecretNo: Type.Optional(beginningField),
  }),
  async run(asked, context) {
    const order = await context.rooms.orders.place({
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      class: asked.SpecId as NumberClass,
      city: asked.City,
      quantity: 1,
      beginning: asked.SecretNo,
    })
    const [x] = order.numbers
    return {
      SecretBuyInfoDTO: { SecretNo: x === undefined ? undefined : context.parser.national(x) },
    }
  },
})
