import type { PhoneNumber } from '../domain/phone-number.ts'

/** National or international text to canonical numbers; `platform/phone-numbers.ts` satisfies it. */
export type RealNumberParser = {
  real(text: string): PhoneNumber | undefined
}

const quotedString = /"(?:[^"\\]|\\.)*"/g
/** How much of a header value is read: a pattern must not meet a text without end. */
const headerLengthMax = 4000
/** Longest user part that is looked at: E.164 is 15 digits, the rest is separators and escapes. */
const userLengthMax = 64

/**
 * The user part of the first SIP or tel URI in a header value (RFC 3261 25.1, RFC 3966 3), without its parameters. Undefined when there is none.
 */
export function userOfUri(whole: string): string | undefined {
  const text = whole.slice(0, headerLengthMax)
  const match = /(?:sips?|tel):([^@>;,?\s]{1,200})/i.exec(text.replace(quotedString, ''))
  const user = match?.[1]
  if (user === undefined || user.length > userLengthMax) return undefined
  // `sip:host` has no user part; a tel URI has nothing but one.
  const isTel = /^tel:/i.test(match?.[0] ?? '')
  if (!isTel && !text.includes('@')) return undefined
  return unescapeUser(user)
}

function unescapeUser(user: string): string | undefined {
  try {
    return decodeURIComponent(user)
  } catch {
    return undefined
  }
}

/**
 * The caller: P-Asserted-Identity where the trunk is believed (RFC 3325 9.1), else From.
 * Undefined for a withheld number and for anything that is not one.
 */
export function callerNumber(
  headers: { readonly assertedIdentity: string | undefined; readonly from: string | undefined },
  trustsIdentity: boolean,
  parser: RealNumberParser,
): PhoneNumber | undefined {
  const asserted = trustsIdentity ? headers.assertedIdentity : undefined
  const user = userOfUri(asserted ?? headers.from ?? '')
  return user === undefined ? undefined : parser.real(user)
}
