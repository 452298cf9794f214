import { DomainError } from '../domain/errors.ts'

export function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}

export const poolUnknown = () =>
  new DomainError('pool-unknown', 404, 'There is no pool with this key.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })

export const numberUnknown = () =>
  new DomainError('number-unknown', 404, 'This X is not one of your numbers.', {
    vendorCode: 'isv.NO_NOT_EXIST',
  })

export const numberBound = () =>
  new DomainError(
    'number-bound',
    409,
    'This X still has live bindings. Unbind them or wait for their expiry, then remove it.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const numberTaken = () =>
  new DomainError(
    'number-taken',
    409,
    'One of these X numbers is already in a pool. None was added.',
    { vendorCode: 'isv.NO_USED_BY_OTHERS' },
  )

export const numberIsParty = () =>
  new DomainError(
    'number-is-party',
    409,
    'One of these numbers takes part in a live binding as A or B, so it cannot be an X. None was added.',
    { vendorCode: 'isv.NO_USED_BY_OTHERS' },
  )

export const numberFrozen = () =>
  new DomainError(
    'number-frozen',
    409,
    'The operator has stopped this X; it can be neither locked nor unlocked. Ask your operator.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const migrationUnknown = () =>
  new DomainError('migration-unknown', 404, 'There is no migration with this id.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const poolsDiffer = (from: string, to: string) =>
  new DomainError(
    'product-mismatch',
    409,
    `The old pool holds ${from} numbers and the new one ${to} numbers; numbers move only between pools of one product.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const keyReused = () =>
  new DomainError(
    'idempotency-key-reused',
    422,
    'This Idempotency-Key was used for a different request. Use a new key for a new request.',
  )
