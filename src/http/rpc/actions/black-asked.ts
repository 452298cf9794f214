import { Type } from 'typebox'
import { DomainError } from '../../../domain/errors.ts'
import type { PhoneNumber } from '../../../domain/phone-number.ts'
import type { ActionContext } from '../action.ts'
import { realIn } from '../reading.ts'
import { poolKeyField } from './fields.ts'

/** Parameters of both actions on the blacklist (product-semantics 1.5). */
export const BlackAsked = Type.Object({
  PoolKey: poolKeyField,
  BlackNo: Type.String({ minLength: 1, maxLength: 90, description: 'n1, or n1:n2.' }),
  BlackType: Type.Enum(['PARTNER_GLOBAL_NUMBER_BLACK', 'POINT_TO_POINT_BLACK'], {
    description: 'PARTNER_GLOBAL_NUMBER_BLACK or POINT_TO_POINT_BLACK.',
  }),
  WayControl: Type.Optional(
    Type.Enum(['DUPLEX_REJECT', 'PHONEA_REJECT', 'PHONEB_REJECT'], {
      description: 'DUPLEX_REJECT, PHONEA_REJECT or PHONEB_REJECT.',
    }),
  ),
  Remark: Type.Optional(Type.String({ maxLength: 200, description: 'up to 200 characters.' })),
})

/** `n1:n2` */
export function pairIn(
  text: string,
  context: ActionContext,
): { first: PhoneNumber; second: PhoneNumber } {
  const [first, second, ...more] = text.split(':')
  if (first !== undefined && second !== undefined && more.length === 0) {
    return { first: realIn(first, context), second: realIn(second, context) }
  }
  throw new DomainError(
    'number-illegal',
    422,
    'A point-to-point entry needs two numbers in BlackNo, written n1:n2.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )
}
