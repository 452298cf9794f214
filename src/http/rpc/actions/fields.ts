import { Type } from 'typebox'

/** Parameters that several actions share (product-semantics 3.1). Their limits are generous: what is wrong with a value is told with the business's own codes. */

const text = (description: string, maxLength = 256) =>
  Type.String({ minLength: 1, maxLength, description })

export const phoneField = text('a phone number, digits only.', 40)
export const poolKeyField = text('the key of a pool, such as FC100000137458124.', 32)
export const subsIdField = text('the SubsId of a binding.', 20)
export const groupIdField = text('the GroupId of a group.', 20)
export const numbersField = text('up to 200 phone numbers, separated by commas.', 9_000)
export const callIdField = text('the call_id of a call.', 100)
export const timeField = text('yyyy-MM-dd HH:mm:ss, Beijing time.', 32)
export const trackNoField = text('the number of a waybill, up to 64 characters.', 64)
export const nameField = text('1 to 16 characters.', 128)
export const remarkField = text('up to 50 characters.', 256)
export const cityField = text('the name of a city, as in 杭州.', 64)

/** Pools can be named by their key or, by customers of old, by the product. */
export const poolFields = {
  PoolKey: Type.Optional(poolKeyField),
  ProductType: Type.Optional(
    text('AXB_170, AXN_170, AXN_95 or AXN_EXTENSION_REUSE; instead of PoolKey.', 32),
  ),
}

const restrictField = Type.Enum(
  ['CONTROL_AX_DISABLE', 'CONTROL_BX_DISABLE', 'CONTROL_CLEAR_DISABLE'],
  { description: 'CONTROL_AX_DISABLE, CONTROL_BX_DISABLE or CONTROL_CLEAR_DISABLE.' },
)
const booleanField = Type.Boolean({ description: 'true or false.' })

/** What a binding asks of its calls, when it is made and when it is changed. */
export const termFields = {
  CallDisplayType: Type.Optional(Type.Integer({ description: 'an integer; X is shown always.' })),
  CallRestrict: Type.Optional(restrictField),
  IsRecordingEnabled: Type.Optional(booleanField),
  OutId: Type.Optional(text('up to 128 characters.', 128)),
  RingConfig: Type.Optional(text('a JSON object of ring codes.', 2_000)),
  ASRStatus: Type.Optional(booleanField),
  ASRModelId: Type.Optional(text('the id of a speech model.', 64)),
}

/** Parameters of every bind. */
export const bindFields = {
  ...termFields,
  PhoneNoA: phoneField,
  PhoneNoB: Type.Optional(phoneField),
  PhoneNoX: Type.Optional(phoneField),
  ExpectCity: Type.Optional(cityField),
  OutOrderId: Type.Optional(text('up to 128 characters.', 128)),
}

export const specIdField = Type.Integer({
  minimum: 1,
  maximum: 3,
  description: '1 for 170 and 171, 2 for carrier numbers, 3 for numbers that begin with 95.',
})
export const beginningField = Type.String({
  pattern: '^\\d{1,18}$',
  description: 'the first digits of a number, up to 18.',
})
