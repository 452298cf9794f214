import { type SipRequest, type SipResponse, serialize } from './message.ts'
import { Alarm, giveUpAfter, type Timers } from './timers.ts'
import type { Peer } from './transport.ts'

export type ServerTransactionOptions = {
  readonly request: SipRequest
  /** Where the request came from. */
  readonly peer: Peer
  /** Where its responses go (RFC 3261 18.2.2, RFC 3581). */
  readonly replyTo: Peer
  readonly timers: Timers
  readonly send: (bytes: string, peer: Peer) => void
  readonly onOver: () => void
}

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'over'

/**
 * Server transactions, RFC 3261 17.2 with RFC 6026.
 *
 * ```txt
 *                2xx
 *  proceeding ──────▶ accepted ──L──▶ over          INVITE: the 2xx itself is repeated by the dialog
 *       │   300-699             ACK
 *       └─────▶ completed ──────────▶ confirmed ──I──▶ over     G repeats the final response, H gives up
 *
 *               final
 *  proceeding ──────▶ completed ──J──▶ over         others
 * ```
 */
export class ServerTransaction {
  readonly request: SipRequest
  readonly peer: Peer
  readonly replyTo: Peer
  readonly #options: ServerTransactionOptions
  #state: State = 'proceeding'
  #last: string | undefined
  readonly #repeat = new Alarm()
  readonly #limit = new Alarm()

  constructor(options: ServerTransactionOptions) {
    this.#options = options
    this.request = options.request
    this.peer = options.peer
    this.replyTo = options.replyTo
  }

  get isOpen(): boolean {
    return this.#state === 'proceeding'
  }

  /** The response as sent. Undefined when a final one has gone out already: nothing was sent. */
  respond(response: SipResponse): string | undefined {
    if (!this.isOpen) return undefined
    const bytes = serialize(response)
    this.#last = bytes
    this.#options.send(bytes, this.replyTo)
    if (response.status >= 200) this.#settle(response, bytes)
    return bytes
  }

  /** The same request again: our last word again. A 2xx to INVITE is left to its own clock. */
  repeated(): void {
    if (this.#last === undefined) return
    if (this.#state === 'proceeding' || this.#state === 'completed') {
      this.#options.send(this.#last, this.replyTo)
    }
  }

  /** True when the ACK was for this transaction's own non-2xx response. */
  acked(): boolean {
    if (this.#state === 'completed') {
      this.#linger('confirmed', this.replyTo.transport === 'tcp' ? 0 : this.#options.timers.t4)
    }
    return this.#state !== 'accepted'
  }

  /** Forget it: no answer will be sent. */
  abandon(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#stopTimers()
    this.#options.onOver()
  }

  #settle(response: SipResponse, bytes: string): void {
    const { request, timers } = this.#options
    const isReliable = this.replyTo.transport === 'tcp'
    const whole = giveUpAfter(timers)
    if (request.method !== 'INVITE') this.#linger('completed', isReliable ? 0 : whole)
    else if (response.status < 300) this.#linger('accepted', whole)
    else {
      this.#linger('completed', whole)
      if (!isReliable) this.#repeatAfter(bytes, timers.t1)
    }
  }

  #linger(next: State, ms: number): void {
    this.#stopTimers()
    this.#state = next
    if (ms === 0) this.abandon()
    else this.#limit.set(ms, () => this.abandon())
  }

  /** Timer G. */
  #repeatAfter(bytes: string, wait: number): void {
    this.#repeat.set(wait, () => {
      this.#options.send(bytes, this.replyTo)
      this.#repeatAfter(bytes, Math.min(wait * 2, this.#options.timers.t2))
    })
  }

  #stopTimers(): void {
    this.#repeat.clear()
    this.#limit.clear()
  }
}
