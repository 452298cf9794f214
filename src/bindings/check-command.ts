import { DomainError } from '../domain/errors.ts'
import { areTones } from '../domain/tones.ts'
import type { BindCommand } from './binding.ts'

/** Nearer than this an expiry is refused: the call that it is for could come too late. */
const aheadMsMin = 60_000
/** A typing mistake in the year, not a wish. */
const aheadMsMax = 100 * 365 * 86_400_000

/** What can be said about a command without looking anything up. The database holds the same rules as constraints. */
export function checkCommand(command: BindCommand, now: Date): DomainError | undefined {
  const ahead = command.expiresAt.getTime() - now.getTime()
  // Not a date is NaN, which is not greater either.
  if (!(ahead > aheadMsMin) || ahead > aheadMsMax) {
    return new DomainError(
      'expiry-illegal',
      422,
      'The expiry must be a time more than 60 seconds and less than 100 years ahead.',
      { vendorCode: 'isv.EXPIRE_DATE_ILLEGAL' },
    )
  }
  if (command.a.equals(command.b)) {
    return new DomainError('parties-equal', 422, 'A and B must be two different numbers.', {
      vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL',
    })
  }
  return checkTerms(command)
}

function checkTerms(command: BindCommand): DomainError | undefined {
  const { tones, ringSecondsMax, talkSecondsMax, outId, idempotencyKey } = command
  if (tones !== undefined && !areTones(tones)) {
    return illegal('The code of a tone has 1 to 32 letters, digits, hyphens or underscores.')
  }
  if (!within(ringSecondsMax, 5, 180)) return illegal('The ring limit is 5 to 180 seconds.')
  if (!within(talkSecondsMax, 60, 86_400)) return illegal('The talk limit is 60 to 86400 seconds.')
  if (!hasLength(outId, 128)) return illegal('The out id has 1 to 128 characters.')
  if (!hasLength(idempotencyKey, 255)) return illegal('An idempotency key has 1 to 255 characters.')
  return undefined
}

function within(value: number | undefined, min: number, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max)
}

function hasLength(text: string | undefined, max: number): boolean {
  if (text === undefined) return true
  return text.length >= 1 && text.length <= max && !text.includes('\0')
}

function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}
