import { DomainError } from '../../domain/errors.ts'
import {
  type BindingId,
  type GroupId,
  type PoolKey,
  parseBindingId,
  parseGroupId,
  parsePoolKey,
  type VirtualNumber,
} from '../../domain/ids.ts'
import type { PhoneNumber } from '../../domain/phone-number.ts'
import { fromBeijingTime } from '../../platform/beijing-time.ts'
import type { ActionContext } from './action.ts'

/** From the vendor's notation to ours. What cannot be read is a refusal of the business, with its code. */

const refusal = (vendorCode: string, code: string, detail: string) =>
  new DomainError(code, 422, detail, { vendorCode })

export function poolKeyIn(text: string): PoolKey {
  const key = parsePoolKey(text)
  if (key !== undefined) return key
  throw refusal('isv.POOLKEY_NOT_EXISTS', 'pool-unknown', 'There is no pool with this key.')
}

export function realIn(text: string, { parser }: ActionContext): PhoneNumber {
  const number = parser.real(text)
  if (number !== undefined) return number
  throw numberIllegal()
}

export function virtualIn(text: string, { parser }: ActionContext): VirtualNumber {
  const x = parser.virtual(text)
  if (x !== undefined) return x
  throw numberIllegal()
}

const numberIllegal = () =>
  refusal(
    'isv.MOBILE_NUMBER_ILLEGAL',
    'number-illegal',
    'A phone number is written with digits only: a mobile, or a fixed line with its area code.',
  )

/** A comma list. */
export function realsIn(text: string, context: ActionContext): readonly PhoneNumber[] {
  const parts = text.split(',').map((each) => each.trim())
  return parts.filter((each) => each !== '').map((each) => realIn(each, context))
}

export function bindingIdIn(text: string): BindingId {
  const id = parseBindingId(text)
  if (id !== undefined) return id
  throw refusal('isv.SUBS_NOT_EXIST', 'binding-unknown', 'There is no binding with this SubsId.')
}

export function groupIdIn(text: string): GroupId {
  const id = parseGroupId(text)
  if (id !== undefined) return id
  throw refusal('isv.INVALID_PARAMETERS', 'group-unknown', 'There is no group with this GroupId.')
}

/** `yyyy-MM-dd HH:mm:ss`, Beijing time (product-semantics 1.3). */
export function expirationIn(text: string): Date {
  const time = fromBeijingTime(text)
  if (time !== undefined) return time
  throw refusal(
    'isv.EXPIRE_DATE_ILLEGAL',
    'expiry-illegal',
    'Expiration is written as yyyy-MM-dd HH:mm:ss, Beijing time.',
  )
}

export function jsonIn(text: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return { ...read }
  } catch {
    // Said below.
  }
  throw refusal('isv.INVALID_PARAMETERS', 'request-invalid', `${name} invalid`)
}
