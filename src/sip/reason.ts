import { causeOf, causeOfQ850, type HangupCause } from '../domain/hangup.ts'

/** A Reason header (RFC 3326) with the Q.850 value alone: no free text crosses from one leg to the other. */
export function reasonHeader(cause: HangupCause): Record<string, string> {
  return { Reason: `Q.850;cause=${cause.q850}` }
}

/** How much of a Reason header is read: a pattern must not meet a text without end. */
const readMax = 256

/** What the peer's Reason header says, if it is one that we act on. */
export function causeOfReason(header: string | undefined): HangupCause | undefined {
  const text = (header ?? '').slice(0, readMax)
  const match = /Q\.850\s*;(?:[^,]*;)?\s*cause\s*=\s*(\d{1,3})/i.exec(text)
  return match?.[1] === undefined ? undefined : causeOfQ850(Number(match[1]))
}

/**
 * The cause of a BYE: its own Reason where a network failed, else plain hang-up. "Busy" and the like
 * are said of calls that were never answered; of this one only their value is kept.
 */
export function causeOfBye(header: string | undefined): HangupCause {
  const said = causeOfReason(header)
  if (said === undefined || said.fault === 'carrier') return said ?? causeOf('normal')
  return { ...causeOf('normal'), q850: said.q850 }
}
