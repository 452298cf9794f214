import { DomainError } from '../domain/errors.ts'

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

export function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}
