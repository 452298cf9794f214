import type { HeaderPair } from './building.ts'
import { keyOf } from './message.ts'
import type { HostPort } from './transport.ts'

/** SIP text as an app sends it: a sketch, in which nearly everything may be missing. */
export type AppMessage = {
  readonly startLine: string
  readonly headers: readonly HeaderPair[]
  readonly body: string
}

const headerLine = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:[ \t]*(.*)$/

/** The body is everything behind the empty line; Content-Length is not believed. Bad lines are dropped. */
export function readAppMessage(text: string): AppMessage {
  const end = text.indexOf('\r\n\r\n')
  const lines = (end === -1 ? text : text.slice(0, end)).split(/\r\n|\r|\n/)
  const headers: HeaderPair[] = []
  for (const line of lines.slice(1)) {
    const found = headerLine.exec(line)
    if (found !== null) headers.push([canonicalName(found[1] ?? ''), (found[2] ?? '').trim()])
  }
  return { startLine: lines[0] ?? '', headers, body: end === -1 ? '' : text.slice(end + 4) }
}

export function appHeader(message: AppMessage, key: string): string | undefined {
  return message.headers.find(([name]) => keyOf(name) === key)?.[1]
}

const irregular: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  rseq: 'RSeq',
  rack: 'RAck',
  'min-se': 'Min-SE',
  'mime-version': 'MIME-Version',
  'content-id': 'Content-ID',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  'www-authenticate': 'WWW-Authenticate',
}
const canonical = new Map<string, string>()
const namesMax = 512

/** `X-` names keep their spelling, all others get the one from the RFCs: Title-Case, with a few exceptions. */
function canonicalName(name: string): string {
  const known = canonical.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  const proper = lower.startsWith('x-')
    ? name
    : (irregular[keyOf(lower)] ?? titleCase(keyOf(lower)))
  if (canonical.size < namesMax) canonical.set(name, proper)
  return proper
}

const titleCase = (lower: string) => lower.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())

const withOwnAddress = new Set(['from', 'to', 'contact', 'p-asserted-identity'])

/** An app does not know our address: it writes `localhost`, and a bare URI where brackets belong. */
export function localised(headers: readonly HeaderPair[], local: HostPort): readonly HeaderPair[] {
  return headers.map(([name, value]) => {
    const key = keyOf(name)
    if (!withOwnAddress.has(key)) return [name, value] as const
    let text = value
    if (text.includes('localhost')) {
      const own = `${local.host}:${local.port}`
      text = text.replace(/@localhost(?![\w.:-])/g, `@${own}`)
      if (key === 'from') text = text.replace(/(sips?:)localhost(?![\w.:-])/g, `$1${own}`)
    }
    return [name, key === 'contact' ? bracketed(text) : text] as const
  })
}

const bracketed = (value: string) => (/^sips?:[^<>]*$/i.test(value) ? `<${value}>` : value)
