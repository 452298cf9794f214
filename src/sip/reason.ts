import { causeOf, causeOfQ850, type HangupCause } from '../domain/hangup.ts'

/** A Reason header (RFC 3326) with the Q.850 value alone: no free text crosses from one leg to the other. */
export function reasonHeader(cause: HangupCause): Record<string, string> {
  return { Reason: `Q.850;cause=${cause.q850}` }
}

/** What the peer's Reason header says, if it is one that we act on. */
export function causeOfReason(header: string | undefined): HangupCause | undefined {
  const match = /Q\.850\s*;(?:[^,]*;)?\s*cause\s*=\s*(\d{1,3})/i.exec(header ?? '')
  return match?.[1] === undefined ? undefined : causeOfQ850(Number(match[1]))
}

/** The cause of a BYE: its own Reason, or plain hang-up. */
export function causeOfBye(header: string | undefined): HangupCause {
  return causeOfReason(header) ?? causeOf('normal')
}
