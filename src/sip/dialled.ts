import { parseVirtualNumber, type VirtualNumber } from '../domain/ids.ts'

/** How what was dialled is read; `platform/phone-numbers.ts` satisfies it. */
export type DialledParser = {
  virtual(text: string): VirtualNumber | undefined
  virtualAndMore(
    text: string,
  ): { readonly number: VirtualNumber; readonly more: string } | undefined
}

export type Dialled = {
  readonly x: VirtualNumber
  /** 1 to 3 digits. Undefined: none, or nothing that could be one. */
  readonly extension: string | undefined
}

/** How much of a request URI is read: a pattern must not meet a text without end. */
const uriLengthMax = 1000
/** A number with separators, then what a phone dials after it: `,` and `p` pause, `w` waits, `*` and `#` are keys. */
const userPattern = /^(\+?[\d\-.() ]{1,40})([,pw*#][,pw*#\d]{0,20})?$/i
/** Some phones end the digits with a `#`. */
const dialledAfterPattern = /^[,pw*#]+(\d{1,3})#?$/i
const extensionPattern = /^\d{1,3}$/

/**
 * X and the extension from a request URI (RFC 3261 19.1, RFC 3966):
 *
 * ```txt
 * sip:+8617000000001,12@host           digits after a pause, or after * or #
 * sip:+8617000000001;ext=12@host       a parameter of the number
 * sip:+8617000000001@host;ext=12       or of the URI
 * sip:+861700000000112@host            or simply more digits, where a number has one length
 * tel:+86-170-0000-0001;ext=12
 * ```
 *
 * Undefined: no number was dialled. What comes after X and makes no sense is as if it was not there.
 */
export function dialledIn(requestUri: string, parser: DialledParser): Dialled | undefined {
  const parts = partsOf(requestUri.slice(0, uriLengthMax))
  if (parts === undefined) return undefined
  const [, number = '', after = ''] = userPattern.exec(parts.user) ?? []
  const more = parser.virtualAndMore(number)
  const x = more?.number ?? parseVirtualNumber(number) ?? parser.virtual(number)
  if (x === undefined) return undefined
  const dialled = dialledAfterPattern.exec(after)?.[1]
  return { x, extension: dialled ?? parts.extension ?? more?.more }
}

type Parts = { readonly user: string; readonly extension: string | undefined }

function partsOf(uri: string): Parts | undefined {
  const scheme = /^\s*(sips?|tel):/i.exec(uri)
  if (scheme === null) return undefined
  const rest = uri.slice(scheme[0].length).trim()
  if (scheme[1]?.toLowerCase() === 'tel') return numberAndParameters(rest, '')
  const at = rest.indexOf('@')
  if (at < 1) return undefined
  const [userInfo = ''] = rest.slice(0, at).split(':')
  const [host = ''] = rest.slice(at + 1).split('?')
  return numberAndParameters(userInfo, host)
}

/** The parameters of the number come before those of the URI. */
function numberAndParameters(userInfo: string, host: string): Parts | undefined {
  const [user = '', ...ofNumber] = userInfo.split(';')
  const unescaped = unescapeText(user)
  if (unescaped === undefined) return undefined
  const [, ...ofUri] = host.split(';')
  return { user: unescaped, extension: extensionIn(ofNumber) ?? extensionIn(ofUri) }
}

/** Digits may have separators between them (RFC 3966 3, phonedigit). */
function extensionIn(parameters: readonly string[]): string | undefined {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'ext') continue
    const digits = unescapeText(value)?.replace(/[-.() ]/g, '') ?? ''
    if (extensionPattern.test(digits)) return digits
  }
  return undefined
}

function unescapeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
