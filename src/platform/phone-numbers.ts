import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import { parseVirtualNumber, type VirtualNumber } from '../domain/ids.ts'
import { PhoneNumber } from '../domain/phone-number.ts'

export type NumberParser = {
  /** Any usual way of writing a number: `13800000001`, `+86 138 0000 0001`, `008613800000001`, `0571-88992688`. */
  real(text: string): PhoneNumber | undefined
  virtual(text: string): VirtualNumber | undefined
  /**
   * A number with one to three digits more behind it, such as an extension that was dialled without
   * a pause. Only where numbers of the kind have one length, so that the digits cannot be the
   * number's own: Chinese mobiles, of which most virtual numbers are.
   */
  virtualAndMore(text: string): { number: VirtualNumber; more: string } | undefined
  /** As dialled and shown inside the country, and in the vendor's protocol: `13800000001`, `057188992688`, `95013123456`. */
  national(e164: string): string
}

/** Longer is not a number in any notation, and not worth a regular expression. */
const textLengthMax = 40
/** Nearly every number of a Chinese deployment: told apart without the library, which costs some 20 times as much. */
const chineseMobilePattern = /^(?:\+?86|0086)?(1[3-9]\d{9})$/
const chineseMobileAndMorePattern = /^(\+86|0086|86)?(1[3-9]\d{9})(\d{1,3})$/
/** Nationwide service numbers: the library does not know the long ones. Ten digits is a landline of Ningxia (0951 to 0955). */
const chineseServicePattern = /^(?:\+?86|0086)?(95\d{3,6}|95\d{9,11})$/
/** Mobiles, service numbers and 400/800 numbers: written alike with and without the country code. */
const chineseFlatPattern = /^\+86(1[3-9]\d{9}|95\d{3,6}|95\d{9,11}|[48]00\d{7})$/
/** Beijing, the two-digit area codes, all others. */
const chineseLandlinePattern = /^\+86(10\d{8}|2\d{9}|[3-9]\d{9,10})$/

export function createNumberParser(options: { country: string }): NumberParser {
  const { country } = options
  if (!isSupportedCountry(country)) throw new Error(`${country} is not a country with numbers`)
  const e164 = (text: string): string | undefined => {
    if (text.length > textLengthMax) return undefined
    return (country === 'CN' ? chineseE164(text) : undefined) ?? parsedE164(text, country)
  }

  return {
    real(text) {
      const canonical = e164(text)
      return canonical === undefined ? undefined : PhoneNumber.fromE164(canonical)
    },
    virtual(text) {
      const canonical = e164(text)
      return canonical === undefined ? undefined : parseVirtualNumber(canonical)
    },
    virtualAndMore(text) {
      const [, prefix, mobile, more] = chineseMobileAndMorePattern.exec(text) ?? []
      const isChinese = country === 'CN' || prefix === '+86' || prefix === '0086'
      if (!isChinese || mobile === undefined || more === undefined) return undefined
      const number = parseVirtualNumber(`+86${mobile}`)
      return number === undefined ? undefined : { number, more }
    },
    national(canonical) {
      return country === 'CN' ? chineseNational(canonical) : nationalDigits(canonical, country)
    },
  }
}

function chineseE164(text: string): string | undefined {
  const digits = chineseMobilePattern.exec(text)?.[1] ?? chineseServicePattern.exec(text)?.[1]
  return digits === undefined ? undefined : `+86${digits}`
}

/** `possible`, not `valid`: which blocks a carrier has opened changes faster than a library. */
function parsedE164(text: string, country: CountryCode): string | undefined {
  const international = text.startsWith('00') ? `+${text.slice(2)}` : text
  const parsed = parsePhoneNumberFromString(international, {
    defaultCountry: country,
    extract: false,
  })
  if (parsed === undefined || parsed.ext !== undefined || !parsed.isPossible()) return undefined
  const { number } = parsed
  // The library calls a mobile with a digit missing a possible landline.
  const chinese = parsed.countryCallingCode === '86'
  if (chinese && !chineseFlatPattern.test(number) && !chineseLandlinePattern.test(number)) {
    return undefined
  }
  return number
}

function chineseNational(canonical: string): string {
  if (chineseFlatPattern.test(canonical)) return canonical.slice(3)
  // A landline keeps its area code with the leading 0; anything abroad is dialled with 00.
  return canonical.startsWith('+86') ? `0${canonical.slice(3)}` : `00${canonical.slice(1)}`
}

function nationalDigits(canonical: string, country: CountryCode): string {
  const parsed = parsePhoneNumberFromString(canonical, { extract: false })
  if (parsed === undefined || parsed.country !== country) return `00${canonical.slice(1)}`
  return parsed.formatNational().replace(/\D/g, '')
}
