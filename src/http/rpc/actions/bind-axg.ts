import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { groupIdIn } from '../reading.ts'
import { boundOut } from './bound-out.ts'
import { bindFields, groupIdField, poolFields, timeField } from './fields.ts'
import { poolAsked } from './pool-asked.ts'
import { bindTermsIn } from './terms.ts'

export const bindAxg = defineAction({
  name: 'BindAxg',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    ...bindFields,
    PoolKey: poolFields.PoolKey,
    Expiration: timeField,
    GroupId: groupIdField,
  }),
  async run(asked, context) {
    const binding = await context.rooms.bindings.bind({
      ...bindTermsIn(asked, 'AXG', context),
      poolKey: await poolAsked(asked, context),
      product: 'AXG',
      groupId: groupIdIn(asked.GroupId),
    })
    return { SecretBindDTO: boundOut(binding, context) }
  },
})
