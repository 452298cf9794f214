import { DomainError } from '../../../domain/errors.ts'
import type { CallId } from '../../../domain/ids.ts'
import { fromBeijingTime } from '../../../platform/beijing-time.ts'

const callIdPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** An id that cannot be one of ours names no call. */
export function callIdIn(text: string): CallId {
  if (callIdPattern.test(text)) return text.toLowerCase() as CallId
  throw nothingOfCall()
}

/** The time is asked for by the protocol and needed for nothing; a number of milliseconds is refused (product-semantics 3.3). */
export function checkCallTime(text: string | undefined): void {
  if (text === undefined || fromBeijingTime(text) !== undefined) return
  throw new DomainError(
    'request-invalid',
    422,
    'CallTime is written as yyyy-MM-dd HH:mm:ss, Beijing time.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )
}

export const nothingOfCall = () =>
  new DomainError('call-unknown', 404, 'There is nothing of this kind for this call.', {
    vendorCode: 'isv.ILLEGAL_ARGUMENT',
  })
