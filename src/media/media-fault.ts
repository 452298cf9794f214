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
