import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { bindingIdIn, virtualIn } from '../reading.ts'
import { phoneField, poolFields, subsIdField } from './fields.ts'
import { poolNamed } from './pool-asked.ts'

export const unbindSubscription = defineAction({
  name: 'UnbindSubscription',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({ ...poolFields, SecretNo: phoneField, SubsId: subsIdField }),
  async run(asked, context) {
    await context.rooms.bindings.unbind({
      accountId: context.accountId,
      id: bindingIdIn(asked.SubsId),
      poolKey: poolNamed(asked),
      x: virtualIn(asked.SecretNo, context),
    })
    // Of no use any more, and still expected by old clients.
    return { ChargeId: 'true' }
  },
})
