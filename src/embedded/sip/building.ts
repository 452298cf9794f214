import type { Core } from './core.ts'
import { type Dialog, dialogRouting } from './dialog.ts'
import { newBranch, newCallId, newCSeq, newTag } from './ids.ts'
import { field, type Header, type SipRequest } from './message.ts'
import type { HostPort, TransportName } from './transport.ts'
import { param, parseUri, withTag } from './uri.ts'

export type HeaderPair = readonly [name: string, value: string]

/** These are the user agent's own business, whatever a caller gives. */
const ours = new Set(['via', 'route', 'record-route', 'content-length', 'rseq'])
/** In a dialog these follow from the dialog. */
const oursInDialog = new Set([...ours, 'from', 'to', 'call-id', 'cseq', 'max-forwards'])

/** Transport that a URI asks for (RFC 3263 4.1, without DNS records). */
export function transportOf(uri: string): TransportName | undefined {
  const parsed = parseUri(uri)
  if (parsed === undefined || parsed.scheme === 'sips') return undefined
  const asked = (param(parsed.params, 'transport') ?? 'udp').toLowerCase()
  return asked === 'udp' || asked === 'tcp' ? asked : undefined
}

function viaFor(transport: TransportName, local: HostPort): Header {
  const rport = transport === 'udp' ? ';rport' : ''
  const value = `SIP/2.0/${transport.toUpperCase()} ${local.host}:${local.port}${rport};branch=${newBranch()}`
  return { name: 'Via', key: 'via', value }
}

/** The headers a caller gave, without those that are ours. */
export function given(pairs: readonly HeaderPair[] | undefined, without: ReadonlySet<string>) {
  const lines: Header[] = []
  for (const [name, value] of pairs ?? []) {
    const line = field(name, value)
    if (!without.has(line.key)) lines.push(line)
  }
  return lines
}

export type NewRequest = {
  readonly method: string
  readonly uri: string
  readonly transport: TransportName
  readonly headers: readonly HeaderPair[] | undefined
  readonly body: string
}

/** A request outside any dialog (RFC 3261 8.1.1). What the caller gives wins over the defaults. */
export function newRequest(core: Core, wanted: NewRequest): SipRequest {
  const { method, uri, transport, body } = wanted
  const rest = given(wanted.headers, ours)
  const take = (key: string): string | undefined => {
    const index = rest.findIndex((each) => each.key === key)
    return index === -1 ? undefined : rest.splice(index, 1)[0]?.value
  }
  const local = core.local(transport)
  const from = take('from') ?? `<sip:${local.host}:${local.port}>`
  const lines: Header[] = [
    viaFor(transport, local),
    field('Max-Forwards', take('max-forwards') ?? '70'),
    field('From', withTag(from, newTag())),
    field('To', take('to') ?? `<${uri}>`),
    field('Call-ID', take('call-id') ?? newCallId()),
    field('CSeq', take('cseq') ?? `${newCSeq()} ${method}`),
  ]
  const contact = take('contact')
  if (contact !== undefined) lines.push(field('Contact', contact))
  else if (method === 'INVITE' || method === 'SUBSCRIBE') {
    lines.push(field('Contact', core.contact(transport)))
  }
  return finish(core, lines, { method, uri, rest, body })
}

export type DialogRequest = {
  readonly method: string
  readonly transport: TransportName
  readonly headers: readonly HeaderPair[] | undefined
  readonly body: string
  /** ACK and CANCEL use the number of their INVITE. */
  readonly cseq: number
}

/** A request inside a dialog (RFC 3261 12.2.1.1). */
export function dialogRequest(core: Core, dialog: Dialog, wanted: DialogRequest): SipRequest {
  const { method, transport, body, cseq } = wanted
  const { uri, routes } = dialogRouting(dialog)
  const rest = given(wanted.headers, oursInDialog)
  const lines: Header[] = [
    viaFor(transport, core.local(transport)),
    ...routes,
    field('Max-Forwards', '70'),
    field('From', dialog.local),
    field('To', dialog.remote),
    field('Call-ID', dialog.callId),
    field('CSeq', `${cseq} ${method}`),
  ]
  if (needsContact.has(method) && !rest.some((each) => each.key === 'contact')) {
    lines.push(field('Contact', dialog.contact))
  }
  return finish(core, lines, { method, uri, rest, body })
}

const needsContact = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE'])

function finish(
  core: Core,
  lines: Header[],
  parts: {
    readonly method: string
    readonly uri: string
    readonly rest: readonly Header[]
    readonly body: string
  },
): SipRequest {
  const { method, uri, rest, body } = parts
  lines.push(...rest)
  addCommon(core, lines, { body, name: 'User-Agent' })
  return { kind: 'request', method, uri, headers: lines, body }
}

/** Content-Type where the body speaks for itself, and our name. */
export function addCommon(
  core: Core,
  lines: Header[],
  { body, name }: { readonly body: string; readonly name: 'User-Agent' | 'Server' },
): void {
  if (body.startsWith('v=0') && !lines.some((each) => each.key === 'content-type')) {
    lines.push(field('Content-Type', 'application/sdp'))
  }
  if (core.userAgent === undefined) return
  if (!lines.some((each) => each.key === name.toLowerCase())) {
    lines.push(field(name, core.userAgent))
  }
}
