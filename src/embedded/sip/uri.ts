/** SIP URIs, name-addr values, lists and parameters. Hand parsers: text in, value or undefined out. */

export type SipUri = {
  readonly scheme: string
  readonly user: string | undefined
  readonly host: string
  readonly port: number | undefined
  /** Everything from the first `;` on, without headers. */
  readonly params: string
}

export type Via = {
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  readonly branch: string | undefined
  readonly params: string
}

/** A port that a socket would refuse to send to must not get any further than here. */
const isPort = (port: number | undefined) => port === undefined || (port > 0 && port <= 65_535)

const hostPort = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/

export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const scheme = text.slice(0, colon).toLowerCase()
  if (scheme !== 'sip' && scheme !== 'sips') return undefined
  let rest = text.slice(colon + 1)
  // The user part may hold `;` and `?`, so the `@` is looked for first (RFC 3261 25.1).
  const at = rest.indexOf('@')
  const user = at === -1 ? undefined : rest.slice(0, at)
  if (at !== -1) rest = rest.slice(at + 1)
  const question = rest.indexOf('?')
  if (question !== -1) rest = rest.slice(0, question)
  const semicolon = rest.indexOf(';')
  const params = semicolon === -1 ? '' : rest.slice(semicolon)
  const found = hostPort.exec(semicolon === -1 ? rest : rest.slice(0, semicolon))
  if (found === null) return undefined
  const port = found[2] === undefined ? undefined : Number(found[2])
  if (!isPort(port)) return undefined
  return { scheme, user, host: found[1] ?? '', port, params }
}

const viaStart =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9.!%*_+`'~-]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)\s*(?::\s*(\d{1,5}))?\s*(;.*)?$/is

/** Read one Via value (the first, if the line holds a list). */
export function parseVia(value: string): Via | undefined {
  const found = viaStart.exec(firstOf(value))
  if (found === null) return undefined
  const params = found[4] ?? ''
  const port = found[3] === undefined ? undefined : Number(found[3])
  if (!isPort(port)) return undefined
  return {
    transport: (found[1] ?? '').toLowerCase(),
    host: found[2] ?? '',
    port,
    branch: param(params, 'branch'),
    params,
  }
}

/**
 * Calls `visit` for each character outside quotes and angle brackets. False when a quote or bracket
 * is left open.
 */
function walk(value: string, visit: (code: number, at: number) => void): boolean {
  let inside = 0
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if (inside === 0) {
      if (code === quote) inside = quote
      else if (code === open) inside = close
      else visit(code, at)
    } else if (code === inside) inside = 0
    else if (code === backslash && inside === quote) at += 1
  }
  return inside === 0
}

const quote = 34
const backslash = 92
const open = 60
const close = 62
const comma = 44

/** Split a header value at the commas that separate values. */
export function splitList(value: string): string[] {
  if (value.indexOf(',') === -1) return [value]
  const parts: string[] = []
  let from = 0
  walk(value, (code, at) => {
    if (code !== comma) return
    parts.push(value.slice(from, at).trim())
    from = at + 1
  })
  parts.push(value.slice(from).trim())
  return parts.filter((part) => part !== '')
}

function firstOf(value: string): string {
  return value.indexOf(',') === -1 ? value : (splitList(value)[0] ?? '')
}

/** Quotes and angle brackets are closed. */
export function isBalanced(value: string): boolean {
  return walk(value, () => undefined)
}

export type Address = { readonly uri: string; readonly params: string }

/** Read a From, To, Contact, Route value: the URI, and the parameters behind it. */
export function parseAddress(value: string): Address | undefined {
  const open = openBracket(value)
  if (open !== -1) {
    const close = value.indexOf('>', open)
    if (close === -1) return undefined
    const uri = value.slice(open + 1, close)
    if (/\s/.test(uri) || uri === '') return undefined
    return { uri, params: value.slice(close + 1).trim() }
  }
  // Without brackets everything behind the first `;` belongs to the header (RFC 3261 20.10).
  const semicolon = value.indexOf(';')
  const uri = (semicolon === -1 ? value : value.slice(0, semicolon)).trim()
  if (uri === '' || /[\s"]/.test(uri)) return undefined
  return { uri, params: semicolon === -1 ? '' : value.slice(semicolon) }
}

/** Where the `<` of a name-addr stands, behind a display name that may itself be quoted. */
function openBracket(value: string): number {
  if (value.charCodeAt(0) !== 34) return value.indexOf('<')
  let at = 1
  while (at < value.length && value.charCodeAt(at) !== 34) {
    at += value.charCodeAt(at) === 92 ? 2 : 1
  }
  return value.indexOf('<', at)
}

/** The value of one `;name=value` parameter; '' when it stands there without a value. */
export function param(params: string, name: string): string | undefined {
  if (params === '') return undefined
  let at = 0
  while (at !== -1 && at < params.length) {
    const end = nextSemicolon(params, at + 1)
    const part = params.slice(at + 1, end === -1 ? undefined : end)
    const equals = part.indexOf('=')
    const key = (equals === -1 ? part : part.slice(0, equals)).trim()
    if (key.length === name.length && key.toLowerCase() === name) {
      return equals === -1 ? '' : part.slice(equals + 1).trim()
    }
    at = end
  }
  return undefined
}

function nextSemicolon(params: string, from: number): number {
  const semicolon = params.indexOf(';', from)
  if (semicolon === -1) return -1
  const quote = params.indexOf('"', from)
  if (quote === -1 || quote > semicolon) return semicolon
  let at = quote + 1
  while (at < params.length && params.charCodeAt(at) !== 34) {
    at += params.charCodeAt(at) === 92 ? 2 : 1
  }
  return params.indexOf(';', at)
}

/** The tag of a From or To value. */
export function tagOf(value: string): string | undefined {
  const address = parseAddress(value)
  const tag = address === undefined ? undefined : param(address.params, 'tag')
  return tag === '' ? undefined : tag
}

/** The value with this tag added. A bare URI gets its brackets, or the tag would become ambiguous. */
export function withTag(value: string, tag: string): string {
  return tagOf(value) === undefined ? `${bracketed(value)};tag=${tag}` : value
}

function bracketed(value: string): string {
  if (openBracket(value) !== -1) return value
  const semicolon = value.indexOf(';')
  return semicolon === -1
    ? `<${value.trim()}>`
    : `<${value.slice(0, semicolon).trim()}>${value.slice(semicolon)}`
}
