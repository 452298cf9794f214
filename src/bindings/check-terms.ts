import { DomainError } from '../domain/errors.ts'
import { areTones } from '../domain/tones.ts'
import type { BindingChange, BindingTerms, Survey } from './binding.ts'

/** Nearer than this an expiry is refused: the call that it is for could come too late. */
const aheadMsMin = 60_000
/** A typing mistake in the year, not a wish. */
const aheadMsMax = 100 * 365 * 86_400_000

export function checkExpiry(expiresAt: Date, now: Date): DomainError | undefined {
  const ahead = expiresAt.getTime() - now.getTime()
  // Not a date is NaN, which is not greater either.
  if (ahead > aheadMsMin && ahead <= aheadMsMax) return undefined
  return new DomainError(
    'expiry-illegal',
    422,
    'The expiry must be a time more than 60 seconds and less than 100 years ahead.',
    { vendorCode: 'isv.EXPIRE_DATE_ILLEGAL' },
  )
}

type Term = keyof BindingTerms

/** What a term must be like, or undefined when it is. Null clears a term and is fine for each of them. */
const rules: { readonly [T in Term]: (value: NonNullable<BindingTerms[T]>) => string | undefined } =
  {
    recording: () => undefined,
    tones: (tones) =>
      areTones(tones)
        ? undefined
        : 'The code of a tone has 1 to 32 letters, digits, hyphens or underscores.',
    ringSecondsMax: (seconds) =>
      within(seconds, 5, 180) ? undefined : 'The ring limit is 5 to 180 seconds.',
    talkSecondsMax: (seconds) =>
      within(seconds, 60, 86_400) ? undefined : 'The talk limit is 60 to 86400 seconds.',
    restriction: () => undefined,
    outId: (text) => (hasLength(text, 128) ? undefined : 'The out id has 1 to 128 characters.'),
    outOrderId: (text) =>
      hasLength(text, 128) ? undefined : 'The out order id has 1 to 128 characters.',
    asr: () => undefined,
    asrModel: (text) =>
      hasLength(text, 64) ? undefined : 'The id of a speech model has 1 to 64 characters.',
    survey: surveyFault,
  }

export function checkTerms(terms: BindingTerms | BindingChange): DomainError | undefined {
  for (const term of Object.keys(rules) as Term[]) {
    const fault = faultIn(terms, term)
    if (fault !== undefined) return illegal(fault)
  }
  if (terms.asr === true && (terms.asrModel ?? undefined) === undefined) {
    return illegal('Writing recordings down needs the id of a speech model as well.')
  }
  return undefined
}

function faultIn<T extends Term>(
  terms: { readonly [Each in Term]?: BindingTerms[Each] | null },
  term: T,
): string | undefined {
  const value = terms[term]
  if (value === undefined || value === null) return undefined
  const rule: (value: NonNullable<BindingTerms[T]>) => string | undefined = rules[term]
  return rule(value as NonNullable<BindingTerms[T]>)
}

export function checkKey(idempotencyKey: string | undefined): DomainError | undefined {
  if (idempotencyKey === undefined || hasLength(idempotencyKey, 255)) return undefined
  return illegal('An idempotency key has 1 to 255 characters.')
}

const surveyKey = /^[0-9*#]$/

function surveyFault(survey: Survey): string | undefined {
  const { question, thanks, keys, waitSeconds, loopsMax, endSeconds } = survey
  if (!areTones({ a: question, peer: thanks ?? question })) {
    return 'The tones of a survey are given by their codes: 1 to 32 letters, digits, hyphens or underscores.'
  }
  const twoKeys = keys.length >= 1 && keys.length <= 2 && new Set(keys).size === keys.length
  if (!twoKeys || !keys.every((key) => surveyKey.test(key))) {
    return 'A survey is answered with one of one or two different keys: 0 to 9, * or #.'
  }
  if (!within(waitSeconds, 1, 30)) return 'A survey waits 1 to 30 seconds for a key.'
  if (!within(loopsMax, 1, 5)) return 'A survey asks 1 to 5 times.'
  if (!within(endSeconds, 0, 10)) return 'After a survey the call ends within 0 to 10 seconds.'
  return undefined
}

function within(value: number | undefined, min: number, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max)
}

function hasLength(text: string, max: number): boolean {
  return text.length >= 1 && text.length <= max && !text.includes('\0')
}

export function illegal(detail: string): DomainError {
  return new DomainError('invalid-parameters', 422, detail, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
}
