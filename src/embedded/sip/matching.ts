import { newTag } from './ids.ts'
import { field, type Header, header, type SipRequest, type SipResponse } from './message.ts'
import type { Peer } from './transport.ts'
import { tagOf, type Via, withTag } from './uri.ts'

/** What identifies a server transaction (RFC 3261 17.2.3); without the magic cookie, by the rules of RFC 2543. */
export function transactionKey(request: SipRequest, via: Via, method: string): string {
  const asked = method === 'ACK' ? 'INVITE' : method
  const sentBy = `${via.host}:${via.port ?? 5060}`
  if (via.branch?.startsWith('z9hG4bK') === true) return `${via.branch} ${sentBy} ${asked}`
  const from = tagOf(header(request, 'from') ?? '') ?? ''
  const number = header(request, 'cseq')?.split(/\s+/)[0] ?? ''
  return `${header(request, 'call-id')} ${from} ${number} ${via.branch ?? ''} ${sentBy} ${asked}`
}

/**
 * What identifies a request whatever way it came (RFC 3261 8.2.2.2): the same one over two ways is a loop or
 * a merged fork. Undefined for requests inside a dialog.
 */
export function originOf(request: SipRequest): string | undefined {
  if (request.method === 'CANCEL' || tagOf(header(request, 'to') ?? '') !== undefined) {
    return undefined
  }
  const from = tagOf(header(request, 'from') ?? '')
  if (from === undefined) return undefined
  return `${header(request, 'call-id')} ${from} ${header(request, 'cseq')}`
}

/** Note in the topmost Via where the request really came from (RFC 3261 18.2.1, RFC 3581). */
export function stamped(request: SipRequest, via: Via, peer: Peer): SipRequest {
  const index = request.headers.findIndex((each) => each.key === 'via')
  const top = request.headers[index]
  if (top === undefined) return request
  const end = endOfFirst(top.value)
  let value = end === top.value.length ? top.value : top.value.slice(0, end)
  if (via.params.includes('rport')) value = value.replace(rportParam, '')
  if (via.host !== peer.host) value = `${value.replace(receivedParam, '')};received=${peer.host}`
  const headers = request.headers.slice()
  headers[index] = {
    name: top.name,
    key: top.key,
    value: `${value};rport=${peer.port}${top.value.slice(end)}`,
  }
  return { kind: 'request', method: request.method, uri: request.uri, headers, body: request.body }
}

const rportParam = /\s*;\s*rport(?:\s*=\s*\d*)?(?=\s*(?:;|$))/i
const receivedParam = /\s*;\s*received\s*=[^;,]*/i

/** A Via line may hold several; commas do not occur inside one but in quotes, which nobody uses here. */
function endOfFirst(value: string): number {
  const comma = value.indexOf(',')
  return comma === -1 ? value.length : comma
}

/** Where the responses go. Without `rport` the port is the one the Via names, whatever the packet's was. */
export function replyTo(via: Via, peer: Peer): Peer {
  if (peer.transport === 'tcp') return peer
  const port = via.port ?? 5060
  return port === peer.port || /;\s*rport\b/i.test(via.params) ? peer : { ...peer, port }
}

const copied = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'record-route'])

/** A response with the headers that every response copies from its request (RFC 3261 8.2.6.2). */
export function responseTo(
  request: SipRequest,
  answer: {
    readonly status: number
    readonly reason: string
    readonly tag?: string | undefined
    readonly headers?: readonly Header[]
    readonly body?: string
  },
): SipResponse {
  const { status, reason, body = '' } = answer
  const opens = status > 100 && status < 300
  const lines: Header[] = []
  for (const each of request.headers) {
    if (!copied.has(each.key) || (each.key === 'record-route' && !opens)) continue
    if (each.key !== 'to' || status === 100) lines.push(each)
    else lines.push(field(each.name, withTag(each.value, answer.tag ?? newTag())))
  }
  if (answer.headers !== undefined) lines.push(...answer.headers)
  return { kind: 'response', status, reason, headers: lines, body }
}
