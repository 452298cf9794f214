import { createHmac, hash, timingSafeEqual } from 'node:crypto'

const unreservedPattern = /^[\w.~-]*$/

/** RFC 3986 2.3: only unreserved characters stay; space is %20. */
export function percentEncoded(text: string): string {
  if (unreservedPattern.test(text)) return text
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

type Pair = readonly [name: string, value: string]

/** Names of parameters are ASCII, where this is the order of their bytes. */
const byName = ([a]: Pair, [b]: Pair) => (a < b ? -1 : Number(a > b))
const encodedPair = ([name, value]: Pair) => `${percentEncoded(name)}=${percentEncoded(value)}`

/** Style v1, HMAC-SHA1 (product-semantics 2.1): all parameters but the signature, sorted by byte. */
export function stringToSignV1(method: string, parameters: readonly Pair[]): string {
  const joined = parameters
    .filter(([name]) => name !== 'Signature')
    .sort(byName)
    .map(encodedPair)
    .join('&')
  return `${method}&${percentEncoded('/')}&${percentEncoded(joined)}`
}

export function signatureV1(stringToSign: string, secret: string): string {
  return createHmac('sha1', `${secret}&`).update(stringToSign).digest('base64')
}

export const acs3Algorithm = 'ACS3-HMAC-SHA256'

/** Style ACS3 (product-semantics 2.2): what the client says it signed, and nothing else of the headers. */
export function stringToSignAcs3(request: {
  readonly method: string
  readonly path: string
  readonly query: readonly Pair[]
  /** In the order in which the client lists them. */
  readonly signedHeaders: readonly string[]
  readonly header: (name: string) => string | undefined
  readonly bodyHash: string
}): string {
  const query = [...request.query].sort(byName).map(encodedPair).join('&')
  const headers = request.signedHeaders.map(
    (name) => `${name}:${(request.header(name) ?? '').trim()}\n`,
  )
  const canonical = [
    request.method,
    request.path,
    query,
    headers.join(''),
    request.signedHeaders.join(';'),
    request.bodyHash,
  ].join('\n')
  return `${acs3Algorithm}\n${sha256Hex(canonical)}`
}

export function signatureAcs3(stringToSign: string, secret: string): string {
  return createHmac('sha256', secret).update(stringToSign).digest('hex')
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/** In the same time wherever they differ. How long a signature is is known to everybody. */
export function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
