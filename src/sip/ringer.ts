import type { SipResponse } from './drachtio.ts'
import { allowedMethods } from './identity-out.ts'

/**
 * How often a ringing caller is told again that it rings. RFC 3261 13.3.1.1 asks for one a minute;
 * shorter, because the answer of the SIP server is also how we learn that the caller is no longer
 * there when its BYE or CANCEL never reached us.
 */
const stillRingingMs = 10_000

/** Sends 180 or 183 to a caller, and again while nothing else happens. */
export function createRinger(given: {
  readonly response: SipResponse
  /** The caller requires reliable provisional responses (RFC 3262). */
  readonly reliable: boolean
  /** The SIP server no longer knows this caller's INVITE. */
  readonly onGone: () => void
}) {
  let reminder: NodeJS.Timeout | undefined
  // Asked for only where the caller insists: a PRACK for every ring is a round trip more.
  const headers = { Allow: allowedMethods, ...(given.reliable ? { Require: '100rel' } : {}) }

  return {
    ring(status: 180 | 183, sdp: string | undefined): void {
      clearInterval(reminder)
      const send = () =>
        given.response.send(
          status,
          { headers: { ...headers }, ...(sdp === undefined ? {} : { body: sdp }) },
          (err) => {
            if (err === null || err === undefined) return
            given.onGone()
            // Answered all the same: the library keeps an INVITE for ever that it has seen no answer to.
            given.response.send(487)
          },
        )
      send()
      // Repeating a reliable response is the SIP server's work (RFC 3262 3).
      if (!given.reliable) reminder = setInterval(send, stillRingingMs)
    },
    stop(): void {
      clearInterval(reminder)
    },
  }
}
