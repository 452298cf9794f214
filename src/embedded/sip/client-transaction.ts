import { parseCSeq } from './check.ts'
import { field, header, type SipRequest, type SipResponse, serialize } from './message.ts'
import { giveUpAfter, type Timers } from './timers.ts'
import type { Peer } from './transport.ts'

/**
 * Client transactions, RFC 3261 17.1 with RFC 6026.
 *
 * ```txt
 *            1xx               2xx
 *  calling ──────▶ proceeding ─────▶ accepted ──M──▶ over      INVITE: A repeats, B gives up
 *     │  └──────────────┴─ 300-699 ▶ completed ─D──▶ over      in completed the ACK is repeated
 *     └──── B, unreachable ▶ over
 *
 *            1xx               final
 *  trying ───────▶ proceeding ─────▶ completed ──K──▶ over     others: E repeats, F gives up
 *     └──────────────┴ F, unreachable ▶ over
 * ```
 */
export type ClientTransaction = ReturnType<typeof createClientTransaction>

export type ClientTransactionOptions = {
  readonly request: SipRequest
  readonly peer: Peer
  readonly timers: Timers
  readonly send: (bytes: string, peer: Peer) => void
  /** Provisionals, the final response, and for INVITE every further 2xx. */
  readonly onResponse: (response: SipResponse, from: Peer) => void
  /** No final response will come. */
  readonly onFailure: (why: 'timeout' | 'unreachable') => void
  readonly onOver: () => void
}

type State = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'over'

export function createClientTransaction(options: ClientTransactionOptions) {
  const { request, peer, timers, send, onResponse, onFailure, onOver } = options
  const isInvite = request.method === 'INVITE'
  const reliable = peer.transport === 'tcp'
  const bytes = serialize(request)
  let state: State = 'calling'
  let repeat: NodeJS.Timeout | undefined
  let limit: NodeJS.Timeout | undefined
  let ack: string | undefined

  function start(): void {
    send(bytes, peer)
    if (!reliable) repeatAfter(timers.t1)
    limit = setTimeout(() => fail('timeout'), giveUpAfter(timers))
  }

  /** Timer A doubles for ever, timer E only up to T2, and stays at T2 once something was heard. */
  function repeatAfter(wait: number): void {
    repeat = setTimeout(() => {
      send(bytes, peer)
      const doubled = isInvite ? wait * 2 : Math.min(wait * 2, timers.t2)
      repeatAfter(state === 'proceeding' ? timers.t2 : doubled)
    }, wait)
  }

  function stopTimers(): void {
    clearTimeout(repeat)
    clearTimeout(limit)
  }

  function finish(): void {
    if (state === 'over') return
    state = 'over'
    stopTimers()
    onOver()
  }

  function fail(why: 'timeout' | 'unreachable'): void {
    if (state !== 'calling' && state !== 'proceeding') return
    finish()
    onFailure(why)
  }

  /** Stay to absorb what is still on the way. */
  function linger(next: 'accepted' | 'completed', ms: number): void {
    stopTimers()
    state = next
    if (ms === 0) finish()
    else limit = setTimeout(finish, ms)
  }

  function settleInvite(response: SipResponse, from: Peer): void {
    if (response.status < 300) {
      linger('accepted', giveUpAfter(timers))
    } else {
      ack = serialize(ackFor(request, response))
      send(ack, peer)
      // 32 s at least by the RFC for timer D; T1 based so that tests can be short.
      linger('completed', reliable ? 0 : giveUpAfter(timers))
    }
    onResponse(response, from)
  }

  function receiveFinal(response: SipResponse, from: Peer): void {
    if (state === 'calling' || state === 'proceeding') {
      if (isInvite) return settleInvite(response, from)
      linger('completed', reliable ? 0 : timers.t4)
      onResponse(response, from)
    } else if (state === 'accepted') {
      if (response.status < 300) onResponse(response, from)
    } else if (ack !== undefined && response.status >= 300) send(ack, peer)
  }

  return {
    request,
    peer,
    start,
    receive(response: SipResponse, from: Peer): void {
      if (response.status >= 200) return receiveFinal(response, from)
      if (state !== 'calling' && state !== 'proceeding') return
      state = 'proceeding'
      if (isInvite) stopTimers()
      onResponse(response, from)
    },
    unreachable: () => fail('unreachable'),
    /** Stop at once and say nothing: the program ends, or the caller gave up. */
    abandon: finish,
    state: () => state,
  }
}

/** The ACK of a non-2xx belongs to the transaction and copies its request (RFC 3261 17.1.1.3). */
function ackFor(request: SipRequest, response: SipResponse): SipRequest {
  const number = parseCSeq(header(request, 'cseq'))?.number ?? 1
  const kept = request.headers.filter((each) =>
    ['via', 'max-forwards', 'route', 'from', 'call-id'].includes(each.key),
  )
  return {
    kind: 'request',
    method: 'ACK',
    uri: request.uri,
    headers: [...kept, field('To', header(response, 'to') ?? ''), field('CSeq', `${number} ACK`)],
    body: '',
  }
}
