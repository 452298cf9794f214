import { parseCSeq } from './check.ts'
import {
  field,
  type Header,
  header,
  headers,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import type { Peer } from './transport.ts'
import { param, parseAddress, parseUri, splitList, tagOf } from './uri.ts'

/**
 * A dialog (RFC 3261 12): what two user agents must remember about each other.
 *
 * ```txt
 * early ──2xx──▶ confirmed ──BYE──▶ over
 *   └──── 300-699, CANCEL ─────────▶ over
 * ```
 */
export type Dialog = {
  /** `<Call-ID>;from-tag=<tag of the one who opened it>`, the form that drachtio's clients know. */
  readonly id: string
  readonly role: 'uas' | 'uac'
  /** The request that opened it: INVITE or SUBSCRIBE. */
  readonly method: string
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** Our From value in requests of our own, with tag. */
  readonly local: string
  /** Our To value in requests of our own, with tag. */
  readonly remote: string
  /** Our Contact value. */
  contact: string
  state: 'early' | 'confirmed' | 'over'
  remoteTarget: string
  routeSet: readonly string[]
  localCSeq: number
  remoteCSeq: number
  /** Where in-dialog requests go when the Contact cannot be trusted to lead there. */
  behindNat: Peer | undefined
  /** CSeq of the last INVITE of ours: its 2xx wants an ACK with this number. */
  sentInvite: number
  /** The ACK we gave, to be given again when its 2xx comes again. */
  ack: { readonly cseq: number; readonly bytes: string; readonly peer: Peer } | undefined
  /** An INVITE of ours in this dialog that has no final response yet. */
  ourInvite: { readonly cancel: () => void } | undefined
  /** An INVITE of theirs that has no final response yet. */
  theirInvite: TheirInvite | undefined
  /** A 2xx of ours that is repeated until its ACK comes. */
  unacked: { readonly cseq: number; readonly stop: () => void } | undefined
  /** Why a BYE must follow the ACK: the 2xx came although we had cancelled. */
  hangUpAfterAck: string | undefined
  /** RSeq of their last reliable provisional: one that is not newer is a repetition (RFC 3262 4). */
  lastRSeq: number
  /** The SDP we gave last: what a refresh of our own repeats. */
  localSdp: string
  /** Stops the session timer, or that of the subscription. */
  stopClock: (() => void) | undefined
  /** What else must happen when the dialog is over. */
  readonly closers: Set<() => void>
}

export type TheirInvite = {
  /** Answer 487 and tell the owner. */
  readonly cancel: (cancelling: SipRequest) => void
  /** Answer 500 and tell nobody. */
  readonly drop: () => void
  /** Is this the PRACK of a response that waits for one? (RFC 3262 3) */
  readonly prack: (rack: string) => boolean
}

/** What every dialog starts with. */
const fresh = () =>
  ({
    state: 'early',
    sentInvite: 0,
    ack: undefined,
    ourInvite: undefined,
    theirInvite: undefined,
    unacked: undefined,
    hangUpAfterAck: undefined,
    lastRSeq: 0,
    localSdp: '',
    stopClock: undefined,
    closers: new Set<() => void>(),
  }) as const

export const dialogKey = (callId: string, localTag: string, remoteTag: string) =>
  `${callId} ${localTag} ${remoteTag}`

export const keyOfDialog = (dialog: Dialog) =>
  dialogKey(dialog.callId, dialog.localTag, dialog.remoteTag)

/** RFC 3261 12.1.1: we answered. `response` carries our tag. */
export function answeredDialog(
  request: SipRequest,
  response: SipResponse,
  { peer, contact }: { readonly peer: Peer; readonly contact: string },
): Dialog {
  const from = header(request, 'from') ?? ''
  const to = header(response, 'to') ?? ''
  const callId = header(request, 'call-id') ?? ''
  const remoteTag = tagOf(from) ?? ''
  const routeSet = listOf(request, 'record-route')
  const target = contactUri(request)
  return {
    id: `${callId};from-tag=${remoteTag}`,
    role: 'uas',
    method: request.method,
    callId,
    localTag: tagOf(to) ?? '',
    remoteTag,
    local: to,
    remote: from,
    contact,
    ...fresh(),
    remoteTarget: target ?? `sip:${peer.host}:${peer.port}`,
    routeSet,
    localCSeq: 0,
    remoteCSeq: parseCSeq(header(request, 'cseq'))?.number ?? 0,
    behindNat: natOf(target, routeSet, { peer, strict: true }),
  }
}

/** RFC 3261 12.1.2: we were answered. */
export function calledDialog(request: SipRequest, response: SipResponse, peer: Peer): Dialog {
  const from = header(request, 'from') ?? ''
  const to = header(response, 'to') ?? ''
  const callId = header(request, 'call-id') ?? ''
  const localTag = tagOf(from) ?? ''
  const routeSet = listOf(response, 'record-route').slice().reverse()
  const target = contactUri(response)
  return {
    id: `${callId};from-tag=${localTag}`,
    role: 'uac',
    method: request.method,
    callId,
    localTag,
    remoteTag: tagOf(to) ?? '',
    local: from,
    remote: to,
    contact: header(request, 'contact') ?? '',
    ...fresh(),
    sentInvite: parseCSeq(header(request, 'cseq'))?.number ?? 1,
    remoteTarget: target ?? `sip:${peer.host}:${peer.port}`,
    routeSet,
    localCSeq: parseCSeq(header(request, 'cseq'))?.number ?? 1,
    remoteCSeq: 0,
    behindNat: natOf(target, routeSet, { peer, strict: false }),
  }
}

/** What the 2xx says counts, whatever a 1xx said before (RFC 3261 13.2.2.4). */
export function confirmCalled(dialog: Dialog, response: SipResponse, peer: Peer): void {
  dialog.state = 'confirmed'
  dialog.routeSet = listOf(response, 'record-route').slice().reverse()
  refreshTarget(dialog, response, peer)
}

/** Target refresh (RFC 3261 12.2): a re-INVITE, UPDATE or their 2xx may move the other side's Contact. */
export function refreshTarget(dialog: Dialog, message: SipRequest | SipResponse, peer: Peer): void {
  const target = contactUri(message)
  if (target === undefined) return
  dialog.remoteTarget = target
  dialog.behindNat = natOf(target, dialog.routeSet, { peer, strict: message.kind === 'request' })
}

/** Request URI, next hop and headers of a request inside the dialog (RFC 3261 12.2.1.1). */
export function dialogRouting(dialog: Dialog): {
  readonly uri: string
  readonly nextHop: string
  readonly routes: readonly Header[]
} {
  const [first] = dialog.routeSet
  if (first === undefined) {
    return { uri: dialog.remoteTarget, nextHop: dialog.remoteTarget, routes: [] }
  }
  const firstUri = parseAddress(first)?.uri ?? dialog.remoteTarget
  if (param(parseUri(firstUri)?.params ?? '', 'lr') !== undefined) {
    const routes = dialog.routeSet.map((each) => field('Route', each))
    return { uri: dialog.remoteTarget, nextHop: firstUri, routes }
  }
  // A strict router from RFC 2543 times: it wants to see itself in the request URI.
  const rest = [...dialog.routeSet.slice(1), `<${dialog.remoteTarget}>`]
  return {
    uri: firstUri,
    nextHop: firstUri,
    routes: rest.map((each) => field('Route', each)),
  }
}

function listOf(message: { readonly headers: readonly Header[] }, key: string): readonly string[] {
  return headers(message, key).flatMap(splitList)
}

function contactUri(message: { readonly headers: readonly Header[] }): string | undefined {
  const value = header(message, 'contact')
  if (value === undefined) return undefined
  const uri = parseAddress(splitList(value)[0] ?? '')?.uri
  return uri !== undefined && parseUri(uri) !== undefined ? uri : undefined
}

/**
 * A Contact that names another place than the packet came from, with no proxy in between that has
 * asked to stay: most likely a NAT. Then the packet's source is where the other side can be reached.
 * Responses may well come from another port of the same host (`strict` is for requests).
 */
function natOf(
  target: string | undefined,
  routeSet: readonly string[],
  { peer, strict }: { readonly peer: Peer; readonly strict: boolean },
): Peer | undefined {
  if (routeSet.length > 0 || peer.transport !== 'udp') return undefined
  const uri = target === undefined ? undefined : parseUri(target)
  if (uri === undefined) return peer
  const isSame = uri.host === peer.host && (!strict || (uri.port ?? 5060) === peer.port)
  return isSame || !isLiteral(uri.host) ? undefined : peer
}

const isLiteral = (host: string) => /^(\d+\.){3}\d+$/.test(host) || host.startsWith('[')
