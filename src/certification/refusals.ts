import { DomainError } from '../domain/errors.ts'

export const poolUnknown = () =>
  new DomainError('pool-unknown', 404, 'There is no pool with this key.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })

/** By place in the list, since what is no X of theirs may be somebody's real number. */
export const numbersUnknown = (places: readonly number[]) =>
  new DomainError(
    'number-unknown',
    404,
    `Not one of your X numbers, by their place in the list: ${someOf(places)}. Nothing was added.`,
    { vendorCode: 'isv.NO_NOT_EXIST' },
  )

export const needsNone = (product: string) =>
  new DomainError(
    'certification-not-needed',
    409,
    `${product} numbers need no certification. It is for AXB, AXN, AXN_EXTENSION and AXG numbers.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const nothingToCertify = () =>
  new DomainError(
    'nothing-to-certify',
    409,
    'This pool has no number that is not certified. To certify some again, renew the link of their certifier or give them as a list.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const tooManyNumbers = (max: number) =>
  new DomainError(
    'too-many-numbers',
    409,
    `This pool has more than ${max} numbers that are not certified. Give them in lists.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const certifierIsVirtual = () =>
  new DomainError(
    'party-is-virtual',
    422,
    'The certifier has a real number; this one is an X number of this system.',
    { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' },
  )

export const certifierUnknown = () =>
  new DomainError('certifier-unknown', 404, 'There is no certifier with this id.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const underReview = () =>
  new DomainError(
    'certification-under-review',
    409,
    'What was filled in is being checked, so no new link is needed. Wait for the outcome, or remove the certifier.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const reviewUnknown = () =>
  new DomainError('review-unknown', 404, 'There is no review with this id.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const reviewDecided = () =>
  new DomainError(
    'review-decided',
    409,
    'This review has been decided already. To check the person again, renew the certifier’s link.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const illegal = (detail: string) =>
  new DomainError('invalid-parameters', 422, detail, { vendorCode: 'isv.INVALID_PARAMETERS' })

function someOf(places: readonly number[]): string {
  const shown = places.slice(0, 10).join(', ')
  return places.length > 10 ? `${shown} and ${places.length - 10} more` : shown
}
