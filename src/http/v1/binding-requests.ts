import type { BindCommand, BindingChange } from '../../bindings/binding.ts'
import { DomainError } from '../../domain/errors.ts'
import { type BindingId, type PoolKey, parseBindingId } from '../../domain/ids.ts'
import type { PhoneNumber } from '../../domain/phone-number.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { Principal } from '../auth.ts'
import { type Fault, RequestRefused } from '../problem.ts'
import type { BindingChangeRequest, BindRequest } from './binding-shapes.ts'

/**
 * Every number that is none is named before the request is refused. What may be bound is the
 * room's to say. `at`: where in the request the fields are.
 */
export function commandOf(
  body: BindRequest,
  { accountId }: Principal,
  parser: NumberParser,
  at = 'body',
): BindCommand {
  const { poolKey, product, phoneA, phoneB, x: given, extension, groupId, expectCity } = body
  const { recording, tones, outId, outOrderId, asr, asrModel, survey } = body
  const faults: Fault[] = []
  const read = createReader(parser, faults, at)
  const a = read('phoneA', phoneA)
  const b = read('phoneB', phoneB)
  const x = given === undefined ? undefined : parser.virtual(given)
  if (x === undefined && given !== undefined) faults.push(numberFault(`${at}/x`))
  if (a === undefined || faults.length > 0) throw refusedNumbers(faults)
  return {
    ...{ accountId, poolKey: poolKey as PoolKey, product, a, b, x, extension, groupId, expectCity },
    expiresAt: new Date(body.expiresAt),
    ...{ recording, tones, outId, outOrderId, asr, asrModel, survey },
    ringSecondsMax: body.ringSeconds,
    talkSecondsMax: body.talkSeconds,
    restriction: restrictionOf(body.callRestrict) ?? undefined,
  }
}

export function changeOf(body: BindingChangeRequest, parser: NumberParser): BindingChange {
  const { phoneA, phoneB, expiresAt, groupId, callRestrict } = body
  const { recording, tones, outId, outOrderId, asr, asrModel, survey } = body
  const faults: Fault[] = []
  const read = createReader(parser, faults, 'body')
  const a = read('phoneA', phoneA)
  const b = phoneB === null ? null : read('phoneB', phoneB)
  if (faults.length > 0) throw refusedNumbers(faults)
  return {
    ...{ a, b, groupId },
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    ...{ recording, tones, outId, outOrderId, asr, asrModel, survey },
    ringSecondsMax: body.ringSeconds,
    talkSecondsMax: body.talkSeconds,
    restriction: restrictionOf(callRestrict),
  }
}

function restrictionOf(
  callRestrict: BindingChangeRequest['callRestrict'],
): 'AX' | 'BX' | null | undefined {
  if (callRestrict === undefined || callRestrict === null) return callRestrict
  return callRestrict === 'CONTROL_AX_DISABLE' ? 'AX' : 'BX'
}

function createReader(parser: NumberParser, faults: Fault[], at: string) {
  return (field: string, text: string | undefined): PhoneNumber | undefined => {
    const number = text === undefined ? undefined : parser.real(text)
    if (number === undefined && text !== undefined) faults.push(numberFault(`${at}/${field}`))
    return number
  }
}

const numberFault = (pointer: string): Fault => ({
  pointer,
  detail: 'is not a phone number; give mobile or fixed line with area code, or E.164 with plus',
})

const refusedNumbers = (faults: readonly Fault[]) =>
  new RequestRefused(faults, { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' })

/** The pattern lets ids through that are above 2^53: nothing is known by them. */
export function idIn(text: string): BindingId {
  const id = parseBindingId(text)
  if (id !== undefined) return id
  throw new DomainError('binding-unknown', 404, 'There is no binding with this id.', {
    vendorCode: 'isv.SUBS_NOT_EXIST',
  })
}
