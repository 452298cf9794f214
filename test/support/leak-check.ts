import { createHash } from 'node:crypto'

/**
 * Looks for a phone number in bytes, in every writing that a careless or clever program could give
 * it. What it finds it names by coding: `digits`, `base64 > xor`, and so on.
 *
 * The search is for the national digits, which all forms share (`+86138…`, `0086138…`, `138…`).
 * Text is also unwrapped (URI escapes, base64, hex) and what comes out is searched again, so that
 * codings of codings are found as well.
 */
export function findLeaks(bytes: Uint8Array, phoneNumber: string): string[] {
  const signs = knownSigns.get(phoneNumber) ?? signsOf(phoneNumber)
  knownSigns.set(phoneNumber, signs)
  const found = new Set<string>()
  search(Buffer.from(bytes), signs, { path: '', depth: 0, found })
  return [...found].sort()
}

/** Country codes are left out so that a number is found with and without its own. */
const countryCodePattern = /^\+?(86|852|853|1|44)/
/** A wrapping inside a wrapping inside a wrapping: enough for what programs do. */
const depthMax = 3

type Signs = {
  readonly core: string
  readonly plain: readonly (readonly [name: string, needle: Buffer])[]
  readonly delta: Buffer
  readonly steps: string
}

/** One number is looked for in thousands of packets. */
const knownSigns = new Map<string, Signs>()

function signsOf(phoneNumber: string): Signs {
  const digits = phoneNumber.replace(/\D/g, '')
  const core = phoneNumber.startsWith('+') ? digits.replace(countryCodePattern, '') : digits
  const forms = [core, digits, `+${digits}`, `00${digits}`, `0${core}`]
  const needles: [string, Buffer][] = [
    ['digits', Buffer.from(core)],
    ['reversed', Buffer.from([...core].reverse().join(''))],
    ['utf-16', Buffer.from(core, 'utf16le')],
    ['full-width digits', Buffer.from([...core].map((d) => fullWidth(d)).join(''))],
    ...packedForms(core).map((needle): [string, Buffer] => ['packed decimal', needle]),
    ...[...new Set(forms)].flatMap((form) => numericForms(form)),
    ...[...new Set(forms)].flatMap((form) => digests(form)),
  ]
  return {
    core,
    plain: needles,
    delta: deltas(Buffer.from(core)),
    steps: digitSteps(core),
  }
}

const fullWidth = (digit: string) => String.fromCodePoint(0xff10 + Number(digit))

/** Two digits in a byte, in either order, from an even or an odd place (ITU-T Q.763 writes them swapped). */
function packedForms(core: string): Buffer[] {
  const pack = (text: string, swapped: boolean) => {
    const pairs = text.match(/../g) ?? []
    return Buffer.from(pairs.map((p) => (swapped ? `${p[1]}${p[0]}` : p)).join(''), 'hex')
  }
  const odd = core.slice(1)
  return [pack(core, false), pack(core, true), pack(odd, false), pack(odd, true)]
}

/** The number as one big integer: as text in other bases, and as bytes. */
function numericForms(form: string): [string, Buffer][] {
  const value = BigInt(form.replace('+', ''))
  const hex = value.toString(16)
  const wide = hex.padStart(hex.length + (hex.length % 2), '0')
  const bytes = Buffer.from(wide, 'hex')
  const texts: [string, Buffer][] = [
    ['hexadecimal integer', Buffer.from(hex)],
    ['hexadecimal integer', Buffer.from(hex.toUpperCase())],
    ['base36 integer', Buffer.from(value.toString(36))],
  ]
  return [...texts, ['binary integer', bytes], ['binary integer', Buffer.from(bytes).reverse()]]
}

/** A bare hash of an eleven-digit number is as good as the number: all of them can be tried. */
function digests(form: string): [string, Buffer][] {
  return ['md5', 'sha1', 'sha256'].map((algorithm) => [
    `${algorithm} digest`,
    createHash(algorithm).update(form).digest(),
  ])
}

type Walk = { readonly path: string; readonly depth: number; readonly found: Set<string> }

function search(bytes: Buffer, signs: Signs, walk: Walk): void {
  const report = (name: string) => walk.found.add(`${walk.path}${name}`)
  for (const [name, needle] of signs.plain) if (bytes.includes(needle)) report(name)
  if (!bytes.includes(signs.plain[0]?.[1] ?? '') && deltas(bytes).includes(signs.delta)) {
    // Equal differences, other bytes: every byte was combined with one and the same key.
    report('xor with one byte')
  }
  searchText(bytes.toString('latin1'), signs, walk)
}

function searchText(text: string, signs: Signs, walk: Walk): void {
  const report = (name: string) => walk.found.add(`${walk.path}${name}`)
  const joined = text.replace(/[\s().\-/_:,]/g, '')
  if (!text.includes(signs.core) && joined.includes(signs.core)) report('digits with separators')
  for (const run of text.match(/\d{7,}/g) ?? []) {
    if (!run.includes(signs.core) && digitSteps(run).includes(signs.steps)) report('shifted digits')
  }
  if (walk.depth >= depthMax) return
  for (const [name, inner] of unwrapped(text)) {
    const path = `${walk.path}${name} > `
    search(inner, signs, { path, depth: walk.depth + 1, found: walk.found })
  }
}

/** What a piece of text turns into when a coding is taken off it. */
function unwrapped(text: string): [string, Buffer][] {
  const all: [string, Buffer][] = []
  if (/%[0-9a-f]{2}/i.test(text)) all.push(['uri escapes', fromEscapes(text, /%([0-9a-f]{2})/gi)])
  if (/\\x[0-9a-f]{2}|\\u00[0-9a-f]{2}/i.test(text)) {
    all.push(['backslash escapes', fromEscapes(text, /\\(?:x|u00)([0-9a-f]{2})/gi)])
  }
  if (/&#x?[0-9a-f]+;/i.test(text)) all.push(['html entities', fromEntities(text)])
  for (const run of text.match(/(?:[0-9a-f]{2}[\s:,-]?){7,}/gi) ?? []) {
    const digits = run.replace(/[^0-9a-f]/gi, '')
    all.push(['hex', Buffer.from(digits, 'hex')], ['hex', Buffer.from(digits.slice(1), 'hex')])
  }
  for (const run of text.match(/[A-Za-z0-9+/_.-]{10,}/g) ?? []) {
    // Where the coding begins within the run is not known, so each of the four phases is tried.
    for (let phase = 0; phase < 4; phase++) all.push(['base64', fromBase64(run.slice(phase))])
  }
  return all
}

const fromEscapes = (text: string, pattern: RegExp) =>
  Buffer.from(
    text.replace(pattern, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )

const fromEntities = (text: string) =>
  Buffer.from(
    text.replace(/&#(x?)([0-9a-f]+);/gi, (_, x: string, value: string) =>
      String.fromCharCode(Number.parseInt(value, x === '' ? 10 : 16) & 0xff),
    ),
    'latin1',
  )

/** Node reads both alphabets; Kamailio's has a dot in place of the slash. */
const fromBase64 = (text: string) => Buffer.from(text.replaceAll('.', '/'), 'base64')

function deltas(bytes: Buffer): Buffer {
  const out = Buffer.alloc(Math.max(0, bytes.length - 1))
  for (let i = 0; i < out.length; i++) out[i] = (bytes[i] ?? 0) ^ (bytes[i + 1] ?? 0)
  return out
}

/** Steps from digit to digit, modulo ten: the same for every constant shift of the digits. */
function digitSteps(digits: string): string {
  let out = ''
  for (let i = 1; i < digits.length; i++) {
    out += (Number(digits[i]) - Number(digits[i - 1]) + 10) % 10
  }
  return out
}

/**
 * The same, and also combined with a number that the other side sees anyway: XOR with X is how a SIP
 * proxy has been known to hide a caller in a Record-Route parameter.
 */
export function findLeaksAgainst(
  bytes: Uint8Array,
  phoneNumber: string,
  shown: readonly string[],
): string[] {
  const found = new Set(findLeaks(bytes, phoneNumber))
  for (const mask of shown) {
    for (const needle of maskedForms(phoneNumber, mask)) {
      for (const [name, inner] of [
        ['', Buffer.from(bytes)] as const,
        ...unwrapped(Buffer.from(bytes).toString('latin1')),
      ]) {
        if (inner.includes(needle)) found.add(`${name === '' ? '' : `${name} > `}xor with X`)
      }
    }
  }
  return [...found].sort()
}

/** Fewer bytes that differ than this say nothing: zeros are everywhere. */
const tellingBytesMin = 4

function maskedForms(phoneNumber: string, mask: string): Buffer[] {
  const xor = (a: string, b: string) =>
    Buffer.from([...a].map((char, i) => char.charCodeAt(0) ^ b.charCodeAt(i % b.length)))
  const national = (text: string) =>
    text
      .replace(/[^\d+]/g, '')
      .replace(countryCodePattern, (whole) => (whole.startsWith('+') ? '' : whole))
  const needles = [xor(national(phoneNumber), national(mask)), xor(phoneNumber, mask)]
  return needles.filter((each) => each.filter((byte) => byte !== 0).length >= tellingBytesMin)
}
