import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { boundOut } from './bound-out.ts'
import { bindFields, poolFields, timeField } from './fields.ts'
import { poolAsked } from './pool-asked.ts'
import { bindTermsIn, surveyIn } from './terms.ts'

export const bindAxb = defineAction({
  name: 'BindAxb',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    ...bindFields,
    ...poolFields,
    Expiration: timeField,
    CallTimeout: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 180, description: '5 to 180.' }),
    ),
    DtmfConfig: Type.Optional(Type.String({ maxLength: 2_000, description: 'a JSON object.' })),
  }),
  async run(asked, context) {
    const { CallTimeout: ringSeconds, DtmfConfig: survey } = asked
    const binding = await context.rooms.bindings.bind({
      ...bindTermsIn(asked, 'AXB', context),
      poolKey: await poolAsked(asked, context),
      product: 'AXB',
      // Zero is what some SDKs send for "not said".
      ringSecondsMax: ringSeconds === 0 ? undefined : ringSeconds,
      survey: survey === undefined ? undefined : surveyIn(survey),
    })
    return { SecretBindDTO: boundOut(binding, context) }
  },
})
