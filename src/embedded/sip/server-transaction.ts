import { type SipRequest, type SipResponse, serialize } from './message.ts'
import { giveUpAfter, type Timers } from './timers.ts'
import type { Peer } from './transport.ts'

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
export type ServerTransaction = ReturnType<typeof createServerTransaction>

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

export function createServerTransaction(options: ServerTransactionOptions) {
  const { request, peer, replyTo, timers, send, onOver } = options
  const isInvite = request.method === 'INVITE'
  const reliable = replyTo.transport === 'tcp'
  let state: State = 'proceeding'
  let last: string | undefined
  let repeat: NodeJS.Timeout | undefined
  let limit: NodeJS.Timeout | undefined
  let unreachable: (() => void) | undefined

  function finish(): void {
    if (state === 'over') return
    state = 'over'
    clearTimeout(repeat)
    clearTimeout(limit)
    onOver()
  }

  function linger(next: State, ms: number): void {
    clearTimeout(repeat)
    clearTimeout(limit)
    state = next
    if (ms === 0) finish()
    else limit = setTimeout(finish, ms)
  }

  /** Timer G. */
  function repeatAfter(bytes: string, wait: number): void {
    repeat = setTimeout(() => {
      send(bytes, replyTo)
      repeatAfter(bytes, Math.min(wait * 2, timers.t2))
    }, wait)
  }

  function settle(response: SipResponse, bytes: string): void {
    const whole = giveUpAfter(timers)
    if (!isInvite) return linger('completed', reliable ? 0 : whole)
    if (response.status < 300) return linger('accepted', whole)
    linger('completed', whole)
    if (!reliable) repeatAfter(bytes, timers.t1)
  }

  return {
    request,
    peer,
    replyTo,
    /** False when a final response has gone out already: nothing was sent. */
    respond(response: SipResponse): boolean {
      if (state !== 'proceeding') return false
      const bytes = serialize(response)
      last = bytes
      send(bytes, replyTo)
      if (response.status >= 200) settle(response, bytes)
      return true
    },
    /** The same request again: our last word again. A 2xx is left to its own clock. */
    repeated(): void {
      if (last !== undefined && (state === 'proceeding' || state === 'completed')) {
        send(last, replyTo)
      }
    },
    /** True when the ACK was for this transaction's own non-2xx response. */
    acked(): boolean {
      if (state === 'completed') linger('confirmed', reliable ? 0 : timers.t4)
      return state !== 'accepted'
    },
    isOpen: () => state === 'proceeding',
    onUnreachable(act: () => void): void {
      unreachable = act
    },
    unreachable: () => unreachable?.(),
    /** Forget it: no answer will be sent. */
    abandon: finish,
  }
}
