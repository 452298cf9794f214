import { parseCSeq } from './check.ts'
import { field, header, type SipRequest, type SipResponse, serialize } from './message.ts'
import { Alarm, giveUpAfter, type Timers } from './timers.ts'
import type { Peer } from './transport.ts'

export type ClientTransactionOptions = {
  readonly request: SipRequest
  /** The request, written. */
  readonly bytes: string
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
 *  calling ──────▶ proceeding ─────▶ completed ──K──▶ over     others: E repeats, F gives up
 *     └──────────────┴ F, unreachable ▶ over
 * ```
 * A class because there are thousands of them, and each lives for half a minute after its call.
 */
export class ClientTransaction {
  readonly peer: Peer
  readonly #options: ClientTransactionOptions
  readonly #isInvite: boolean
  #state: State = 'calling'
  readonly #repeat = new Alarm()
  readonly #limit = new Alarm()
  #ack: string | undefined

  constructor(options: ClientTransactionOptions) {
    this.#options = options
    this.peer = options.peer
    this.#isInvite = options.request.method === 'INVITE'
  }

  get state(): State {
    return this.#state
  }

  start(): void {
    const { bytes, peer, send, timers } = this.#options
    send(bytes, peer)
    if (peer.transport === 'udp') this.#repeatAfter(timers.t1)
    this.#limit.set(giveUpAfter(timers), () => this.#fail('timeout'))
  }

  receive(response: SipResponse, from: Peer): void {
    if (response.status < 200) this.#receiveProvisional(response, from)
    else if (this.#isOpen) this.#settle(response, from)
    else if (this.#state === 'accepted') this.#receiveAgain(response, from)
    else if (this.#ack !== undefined && response.status >= 300) {
      this.#options.send(this.#ack, this.peer)
    }
  }

  unreachable(): void {
    this.#fail('unreachable')
  }

  /** Stop at once and say nothing: the program ends, or the caller gave up. */
  abandon(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#stopTimers()
    this.#options.onOver()
  }

  get #isOpen(): boolean {
    return this.#state === 'calling' || this.#state === 'proceeding'
  }

  #receiveProvisional(response: SipResponse, from: Peer): void {
    if (!this.#isOpen) return
    this.#state = 'proceeding'
    if (this.#isInvite) this.#stopTimers()
    this.#options.onResponse(response, from)
  }

  #settle(response: SipResponse, from: Peer): void {
    const { request, timers, send, onResponse } = this.#options
    const isReliable = this.peer.transport === 'tcp'
    if (!this.#isInvite) this.#linger('completed', isReliable ? 0 : timers.t4)
    else if (response.status < 300) this.#linger('accepted', giveUpAfter(timers))
    else {
      this.#ack = serialize(ackFor(request, response))
      send(this.#ack, this.peer)
      // 32 s at least by the RFC for timer D; T1 based so that tests can be short.
      this.#linger('completed', isReliable ? 0 : giveUpAfter(timers))
    }
    onResponse(response, from)
  }

  #receiveAgain(response: SipResponse, from: Peer): void {
    if (response.status < 300) this.#options.onResponse(response, from)
  }

  /** Timer A doubles for ever, timer E only up to T2, and stays at T2 once something was heard. */
  #repeatAfter(wait: number): void {
    const { bytes, send, timers } = this.#options
    this.#repeat.set(wait, () => {
      send(bytes, this.peer)
      const doubled = this.#isInvite ? wait * 2 : Math.min(wait * 2, timers.t2)
      this.#repeatAfter(this.#state === 'proceeding' ? timers.t2 : doubled)
    })
  }

  #stopTimers(): void {
    this.#repeat.clear()
    this.#limit.clear()
  }

  #fail(why: 'timeout' | 'unreachable'): void {
    if (!this.#isOpen) return
    this.abandon()
    this.#options.onFailure(why)
  }

  /** Stay to absorb what is still on the way. */
  #linger(next: 'accepted' | 'completed', ms: number): void {
    this.#stopTimers()
    this.#state = next
    if (ms === 0) this.abandon()
    else this.#limit.set(ms, () => this.abandon())
  }
}

const copiedToAck = new Set(['via', 'max-forwards', 'route', 'from', 'call-id'])

/** The ACK of a non-2xx belongs to the transaction and copies its request (RFC 3261 17.1.1.3). */
function ackFor(request: SipRequest, response: SipResponse): SipRequest {
  const number = parseCSeq(header(request, 'cseq'))?.number ?? 1
  const headers = [
    ...request.headers.filter((each) => copiedToAck.has(each.key)),
    field('To', header(response, 'to') ?? ''),
    field('CSeq', `${number} ACK`),
  ]
  return { kind: 'request', method: 'ACK', uri: request.uri, headers, body: '' }
}
