import type { SipMessage, SipRequest } from './message.ts'
import { header } from './message.ts'
import { isBalanced, parseAddress, parseVia } from './uri.ts'

export type Fault = { readonly status: number; readonly reason: string }

const single = ['from', 'to', 'call-id', 'cseq'] as const
const knownSchemes = /^(sips?|tel):/i
const cseqPattern = /^(\d{1,10})\s+(\S+)$/
const cseqMax = 2 ** 31 - 1

export type CSeq = { readonly number: number; readonly method: string }

export function parseCSeq(value: string | undefined): CSeq | undefined {
  const found = value === undefined ? null : cseqPattern.exec(value)
  if (found === null) return undefined
  const number = Number(found[1])
  return number > cseqMax ? undefined : { number, method: found[2] ?? '' }
}

/** What every message must have to be of any use (RFC 3261 8.1.1). */
export function checkMessage(message: SipMessage): Fault | undefined {
  const via = header(message, 'via')
  if (via === undefined || parseVia(via) === undefined) return bad('Bad Via')
  const repeated = single.find((key) => isRepeated(message, key))
  if (repeated !== undefined) return bad(`Missing Or Repeated ${repeated}`)
  for (const key of ['from', 'to'] as const) {
    const value = header(message, key) ?? ''
    if (!isBalanced(value) || !isAddress(value)) return bad(`Bad ${key}`)
  }
  const cseq = parseCSeq(header(message, 'cseq'))
  if (cseq === undefined) return bad('Bad CSeq')
  if (message.kind === 'response') return undefined
  return cseq.method === message.method ? checkRequest(message) : bad('CSeq Method Mismatch')
}

/** Not there exactly once. */
function isRepeated(message: SipMessage, key: string): boolean {
  let times = 0
  for (const each of message.headers) if (each.key === key) times += each.value === '' ? 2 : 1
  return times !== 1
}

function checkRequest(request: SipRequest): Fault | undefined {
  if (!knownSchemes.test(request.uri)) return { status: 416, reason: 'Unsupported URI Scheme' }
  const hops = header(request, 'max-forwards')
  if (hops !== undefined && !(/^\d{1,6}$/.test(hops) && Number(hops) <= 255)) {
    return bad('Bad Max-Forwards')
  }
  return undefined
}

/** A name-addr whose URI at least has a scheme, and whose display name is quoted where it has to be. */
function isAddress(value: string): boolean {
  const address = parseAddress(value)
  if (address === undefined || !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(address.uri)) return false
  const open = value.indexOf('<')
  if (open <= 0 || value.charCodeAt(0) === 34) return true
  return !/[,;:@"]/.test(value.slice(0, open))
}

const bad = (reason: string): Fault => ({ status: 400, reason })
