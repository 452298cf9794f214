import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { boundOut } from './bound-out.ts'
import { bindFields, poolFields, timeField } from './fields.ts'
import { poolAsked } from './pool-asked.ts'
import { bindTermsIn } from './terms.ts'

/** Also for the nationwide numbers that begin with 95. `NoType` and `Extend` are taken and have no effect. */
export const bindAxn = defineAction({
  name: 'BindAxn',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    ...bindFields,
    ...poolFields,
    Expiration: timeField,
    CallTimeout: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 180, description: '5 to 180.' }),
    ),
  }),
  async run(asked, context) {
    const { CallTimeout: ringSeconds } = asked
    const binding = await context.rooms.bindings.bind({
      ...bindTermsIn(asked, 'AXN', context),
      poolKey: await poolAsked(asked, context),
      product: ['AXN', '95AXN'],
      ringSecondsMax: ringSeconds === 0 ? undefined : ringSeconds,
    })
    return { SecretBindDTO: boundOut(binding, context) }
  },
})
