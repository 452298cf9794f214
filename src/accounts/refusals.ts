import { DomainError } from '../domain/errors.ts'
import type { Li } from '../domain/money.ts'

export const accountUnknown = () =>
  new DomainError('account-unknown', 404, 'There is no account with this id.', {
    vendorCode: 'isv.ACCOUNT_NOT_EXISTS',
  })

export const accountExists = (cause: unknown) =>
  new DomainError('account-exists', 409, 'There is already an account with this id.', { cause })

export const accountOperates = (cause: unknown) =>
  new DomainError(
    'account-operates',
    409,
    'This account runs the installation and cannot be suspended.',
    { cause },
  )

export const tokenUnknown = () =>
  new DomainError('token-not-found', 404, 'There is no token with this id.')

export const keyUnknown = () =>
  new DomainError('access-key-unknown', 404, 'There is no access key with this id.')

export const balanceRange = (amount: Li) =>
  new DomainError(
    'balance-range',
    409,
    amount < 0
      ? 'That is more than the account has. A balance does not go below nothing.'
      : 'A balance does not go beyond a trillion yuan.',
  )

export const keyReused = () =>
  new DomainError(
    'idempotency-key-reused',
    422,
    'This Idempotency-Key was used for a different request. Use a new key for a new request.',
  )

export function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}
