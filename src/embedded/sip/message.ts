/**
 * SIP messages, read and written.
 *
 * Every string here holds one character per byte (latin1). So lengths are byte lengths, whatever a peer
 * sends goes through unharmed, and the parser never pays for decoding UTF-8.
 */

/** One header line. `name` as spelled, `key` the long name in lower case, `value` unfolded and trimmed. */
export type Header = { readonly name: string; readonly key: string; readonly value: string }

export type SipRequest = {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
  readonly headers: readonly Header[]
  readonly body: string
}

export type SipResponse = {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: readonly Header[]
  readonly body: string
}

export type SipMessage = SipRequest | SipResponse

/** Not a message, but if it was meant as a request there may be enough of it to answer. */
export type Malformed = {
  readonly kind: 'malformed'
  readonly reason: string
  readonly status: number
  readonly request: SipRequest | undefined
}

/** A UDP datagram cannot be larger, and nobody needs more on a stream. */
export const messageBytesMax = 65_536
/** A real INVITE through many proxies has some 40 lines; a flood of them costs time for nothing. */
const headerLinesMax = 256

const longNames: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
}

/** Spellings seen so far. Bounded, since a peer chooses what it sends. */
const keysBySpelling = new Map<string, string>()
const spellingsMax = 512

export function keyOf(name: string): string {
  const known = keysBySpelling.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  const key = longNames[lower] ?? lower
  if (keysBySpelling.size < spellingsMax) keysBySpelling.set(name, key)
  return key
}

export function field(name: string, value: string): Header {
  return { name, key: keyOf(name), value }
}

/** The first value line of that name. */
export function header(message: { readonly headers: readonly Header[] }, key: string) {
  for (const each of message.headers) if (each.key === key) return each.value
  return undefined
}

/** All value lines of that name, in order. */
export function headers(
  message: { readonly headers: readonly Header[] },
  key: string,
): readonly string[] {
  const values: string[] = []
  for (const each of message.headers) if (each.key === key) values.push(each.value)
  return values
}

export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

export function serialize(message: SipMessage): string {
  let text =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`
  for (const each of message.headers) {
    if (each.key !== 'content-length') text += `${each.name}: ${each.value}\r\n`
  }
  return `${text}Content-Length: ${message.body.length}\r\n\r\n${message.body}`
}

/** Read one message. Never throws; what it cannot read comes back as `Malformed`. */
export function parseMessage(bytes: string): SipMessage | Malformed {
  const end = bytes.indexOf('\r\n\r\n')
  const head = end === -1 ? bytes : bytes.slice(0, end)
  const lineEnd = head.indexOf('\r\n')
  const start = readStartLine(lineEnd === -1 ? head : head.slice(0, lineEnd))
  const read = lineEnd === -1 ? { lines: [] } : readHeaders(head, lineEnd + 2)
  const rest = end === -1 ? '' : bytes.slice(end + 4)

  const request = asRequest(start, read.lines)
  if (start.kind === 'none' || start.fault !== undefined) {
    return malformed(start.fault ?? '', start.status, request)
  }
  if (bytes.length > messageBytesMax) return malformed('Message Too Large', 513, request)
  if (end === -1) return malformed('headers do not end', 400, request)
  if (read.fault !== undefined) return malformed(read.fault, 400, request)

  const length = contentLength(read.lines, rest.length)
  if (typeof length === 'string') return malformed(length, 400, request)
  const body = length === rest.length ? rest : rest.slice(0, length)
  return start.kind === 'request'
    ? { kind: 'request', method: start.method, uri: start.uri, headers: read.lines, body }
    : { kind: 'response', status: start.status, reason: start.reason, headers: read.lines, body }
}

type StartLine =
  | { kind: 'request'; method: string; uri: string; fault?: string; status: number }
  | { kind: 'response'; status: number; reason: string; fault?: string }
  | { kind: 'none'; fault: string; status: number; reason?: string }

const requestLine = /^([A-Za-z0-9\-.!%*_+`'~]+) ([^\s<>]+) (SIP\/\d+\.\d+)$/i
const looseRequestLine = /^\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(.*?)\s+SIP\s*\/\s*\d+\.\d+\s*$/i
const statusLine = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/i

function readStartLine(line: string): StartLine {
  const response = statusLine.exec(line)
  if (response !== null) {
    return { kind: 'response', status: Number(response[1]), reason: response[2] ?? '' }
  }
  const request = requestLine.exec(line)
  if (request !== null) {
    const method = request[1] ?? ''
    const uri = request[2] ?? ''
    if (request[3]?.toUpperCase() === 'SIP/2.0') return { kind: 'request', method, uri, status: 0 }
    return { kind: 'request', method, uri, fault: 'Version Not Supported', status: 505 }
  }
  // Not well formed, but a request all the same: worth a 400.
  const loose = looseRequestLine.exec(line)
  const fault = 'Bad Request-Line'
  if (loose === null) return { kind: 'none', fault: 'no SIP start line', status: 400 }
  return { kind: 'request', method: loose[1] ?? '', uri: loose[2] ?? '', fault, status: 400 }
}

const headerName = /^[A-Za-z0-9\-.!%*_+`'~]+$/

function readHeaders(head: string, from: number): { lines: Header[]; fault?: string } {
  const lines: Header[] = []
  let at = from
  let fault: string | undefined
  while (at <= head.length && at > 0) {
    const next = head.indexOf('\r\n', at)
    const end = next === -1 ? head.length : next
    const line = head.slice(at, end)
    at = next === -1 ? -1 : next + 2
    if (lines.length >= headerLinesMax) return { lines, fault: 'Too Many Headers' }
    fault = readHeaderLine(line, lines) ?? fault
  }
  return fault === undefined ? { lines } : { lines, fault }
}

function readHeaderLine(line: string, lines: Header[]): string | undefined {
  const first = line.charCodeAt(0)
  if (first === 32 || first === 9) {
    // A folded line belongs to the one before (RFC 3261 7.3.1).
    const last = lines.pop()
    if (last === undefined) return 'continuation of nothing'
    lines.push({ ...last, value: `${last.value} ${line.trim()}`.trim() })
    return undefined
  }
  const colon = line.indexOf(':')
  const spelled = colon === -1 ? '' : line.slice(0, colon)
  const name = spelled.trimEnd()
  let key = keysBySpelling.get(name)
  if (key === undefined) {
    if (!headerName.test(name)) return 'bad header line'
    key = keyOf(name)
  }
  lines.push({ name, key, value: line.slice(colon + 1).trim() })
  return undefined
}

/** How many bytes of what follows the headers are the body, or what is wrong with the header. */
function contentLength(lines: readonly Header[], available: number): number | string {
  let length: number | undefined
  for (const each of lines) {
    if (each.key !== 'content-length') continue
    if (!/^\d{1,9}$/.test(each.value)) return 'Bad Content-Length'
    const value = Number(each.value)
    if (length !== undefined && length !== value) return 'Conflicting Content-Length'
    length = value
  }
  if (length === undefined) return available
  return length > available ? 'Content-Length Beyond Message' : length
}

function asRequest(start: StartLine, lines: readonly Header[]): SipRequest | undefined {
  if (start.kind !== 'request') return undefined
  return { kind: 'request', method: start.method, uri: start.uri, headers: lines, body: '' }
}

function malformed(reason: string, status: number, request: SipRequest | undefined): Malformed {
  return { kind: 'malformed', reason, status, request }
}
