import { causeOf, type HangupCause, type HangupReason } from '../domain/hangup.ts'

/** Why there is no media, as a cause for the caller. */
export class MediaFault extends Error {
  readonly hangup: HangupCause

  constructor(reason: HangupReason, options: { cause?: unknown } = {}) {
    super(reason, options)
    this.name = 'MediaFault'
    this.hangup = causeOf(reason)
  }
}

/** A media host says of an SDP that it can do nothing with it, and not that something is wrong with the host. */
export const isRefusedOffer = (err: unknown): boolean =>
  err instanceof Error && 'status' in err && (err.status === 488 || err.status === 415)
