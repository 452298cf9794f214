import { DomainError } from '../domain/errors.ts'

const limitDefault = 50
const limitMax = 200

export function pageLimit(asked: number | undefined): number {
  return Math.min(Math.max(Math.trunc(asked ?? limitDefault), 1), limitMax)
}

/** Opaque to clients, so that what it holds may change. */
export function cursorFor(more: boolean, last: string | undefined): string | undefined {
  return more && last !== undefined ? Buffer.from(last).toString('base64url') : undefined
}

export function readCursor<T>(cursor: string, parse: (text: string) => T | undefined): T {
  const after = parse(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (after !== undefined) return after
  throw new DomainError(
    'cursor-unknown',
    422,
    'The cursor must be one that an earlier page gave.',
    {
      vendorCode: 'isv.INVALID_PARAMETERS',
    },
  )
}

export function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}

/** The place in a list that is ordered by a serial number. */
export function parseSerial(text: string): string | undefined {
  return /^[1-9]\d{0,17}$/.test(text) ? text : undefined
}
