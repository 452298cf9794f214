import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { poolKeyIn } from '../reading.ts'
import { shownNumber } from '../shown-number.ts'
import { phoneField, poolKeyField, subsIdField } from './fields.ts'
import { bindingAsked } from './query-subscription-detail.ts'

/** Of old clients (product-semantics A.7). `SwitchStatus`: 1, calls go through. */
export const getSubscriptionDetail = defineAction({
  name: 'GetSubscriptionDetail',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({ PoolKey: poolKeyField, SubsId: subsIdField, SecretNo: phoneField }),
  async run(asked, context) {
    const poolKey = poolKeyIn(asked.PoolKey)
    const binding = await bindingAsked({ id: asked.SubsId, x: asked.SecretNo, poolKey }, context)
    if (context.mayReveal) await context.noteReveal([binding.id])
    const number = await context.rooms.numbers.get(context.accountId, binding.x)
    return {
      Data: {
        PhoneNo: shownNumber(binding.a, context),
        City: number.city,
        Province: number.province,
        SwitchStatus: binding.state === 'live' ? 1 : 0,
        SubsId: Number(binding.id),
        SecretNo: context.parser.national(binding.x),
        Vendor: number.carrier,
      },
    }
  },
})
