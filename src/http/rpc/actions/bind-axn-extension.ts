import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { missing } from '../gateway-error.ts'
import { boundOut } from './bound-out.ts'
import { bindFields, poolFields, timeField } from './fields.ts'
import { poolAsked } from './pool-asked.ts'
import { bindTermsIn } from './terms.ts'

/** `Extend` is taken and has no effect. */
export const bindAxnExtension = defineAction({
  name: 'BindAxnExtension',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    ...bindFields,
    ...poolFields,
    Expiration: timeField,
    Extension: Type.Optional(Type.String({ pattern: '^\\d{1,3}$', description: '1 to 3 digits.' })),
  }),
  async run(asked, context) {
    const { Extension: extension, PhoneNoX: x } = asked
    if (extension !== undefined && x === undefined) throw missing('PhoneNoX')
    const binding = await context.rooms.bindings.bind({
      ...bindTermsIn(asked, 'AXN_EXTENSION', context),
      poolKey: await poolAsked(asked, context),
      product: 'AXN_EXTENSION',
      extension,
    })
    return { SecretBindDTO: boundOut(binding, context) }
  },
})
