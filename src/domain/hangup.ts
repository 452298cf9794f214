/** Who is answerable for the end of a call: for billing and for the pager. */
export type Fault = 'none' | 'caller' | 'callee' | 'carrier' | 'us'

/** Stable words, safe to group by. Adding one means adding its row in `causes`. */
export type HangupReason =
  | 'normal'
  | 'caller-abandoned'
  | 'callee-busy'
  | 'callee-declined'
  | 'no-answer'
  | 'callee-unavailable'
  | 'callee-gone'
  | 'number-unassigned'
  | 'number-changed'
  | 'invalid-number'
  | 'call-barred'
  | 'no-binding'
  | 'binding-expired'
  | 'number-unknown'
  | 'number-frozen'
  | 'number-faulty'
  | 'extension-missing'
  | 'extension-unknown'
  | 'not-in-group'
  | 'no-callback'
  | 'no-instructions'
  | 'restricted'
  | 'blacklisted'
  | 'untrusted-source'
  | 'over-limit'
  | 'draining'
  | 'no-trunk'
  | 'trunk-failed'
  | 'media-failed'
  | 'media-lost'
  | 'media-unacceptable'
  | 'caller-lost'
  | 'callee-lost'
  | 'ring-timeout'
  | 'talk-limit'
  | 'killed'
  | 'router-lost'
  | 'bad-request'
  | 'internal-error'

export type HangupCause = {
  readonly reason: HangupReason
  readonly fault: Fault
  /** What the caller is told when the call was not answered (RFC 3261 21). */
  readonly sipStatus: number
  /** ITU-T Q.850 cause value; `release_cause` in call records (product-semantics 4.9). */
  readonly q850: number
}

type Row = readonly [fault: Fault, sipStatus: number, q850: number]

/** SIP status and Q.850 pairs follow RFC 3398 8.2.6.1 and 7.2.4.1 wherever it has a row. */
const causes: Readonly<Record<HangupReason, Row>> = {
  normal: ['none', 200, 16],
  'caller-abandoned': ['caller', 487, 16],
  'callee-busy': ['callee', 486, 17],
  'callee-declined': ['callee', 603, 21],
  'no-answer': ['callee', 480, 19],
  'callee-unavailable': ['callee', 480, 18],
  'callee-gone': ['callee', 480, 20],
  'number-unassigned': ['callee', 404, 1],
  'number-changed': ['callee', 410, 22],
  'invalid-number': ['callee', 484, 28],
  'call-barred': ['callee', 403, 21],
  'no-binding': ['caller', 403, 21],
  'binding-expired': ['caller', 403, 21],
  'number-unknown': ['caller', 404, 1],
  'number-frozen': ['us', 480, 31],
  'number-faulty': ['us', 480, 27],
  'extension-missing': ['caller', 484, 28],
  'extension-unknown': ['caller', 404, 1],
  'not-in-group': ['caller', 403, 21],
  // As the number that nobody has: product-semantics 1.2, AXN without B.
  'no-callback': ['caller', 404, 1],
  'no-instructions': ['us', 480, 31],
  restricted: ['caller', 403, 21],
  blacklisted: ['caller', 403, 21],
  'untrusted-source': ['caller', 403, 21],
  'over-limit': ['us', 503, 42],
  draining: ['us', 503, 41],
  'no-trunk': ['us', 503, 34],
  'trunk-failed': ['carrier', 503, 38],
  'media-failed': ['us', 503, 41],
  'media-lost': ['us', 503, 41],
  'media-unacceptable': ['caller', 488, 88],
  'caller-lost': ['carrier', 503, 27],
  'callee-lost': ['carrier', 503, 27],
  'ring-timeout': ['callee', 480, 19],
  'talk-limit': ['none', 200, 16],
  killed: ['us', 503, 31],
  'router-lost': ['us', 503, 41],
  'bad-request': ['caller', 400, 95],
  'internal-error': ['us', 500, 41],
}

export function causeOf(reason: HangupReason): HangupCause {
  const [fault, sipStatus, q850] = causes[reason]
  return { reason, fault, sipStatus, q850 }
}

const reasonByStatus: Readonly<Record<number, HangupReason>> = {
  400: 'trunk-failed',
  403: 'call-barred',
  404: 'number-unassigned',
  408: 'callee-gone',
  410: 'number-changed',
  480: 'callee-unavailable',
  484: 'invalid-number',
  486: 'callee-busy',
  488: 'media-unacceptable',
  600: 'callee-busy',
  603: 'callee-declined',
  604: 'number-unassigned',
  606: 'media-unacceptable',
}

/**
 * Total: every final failure status that a carrier can send for the callee has a cause. A status
 * without a row is not passed on to the caller: its phone would take a 422 or a 494 as said of its
 * own INVITE, and the SIP library refuses to send one that it does not know (607, 608, 555).
 * A 487 is without a row as well: one that we asked for by CANCEL finds nobody waiting for it.
 */
export function causeOfStatus(status: number): HangupCause {
  const known = reasonByStatus[status]
  if (known !== undefined) return { ...causeOf(known), sipStatus: status }
  return causeOf(status >= 500 && status < 600 ? 'trunk-failed' : 'callee-unavailable')
}

const reasonByQ850: Readonly<Record<number, HangupReason>> = {
  1: 'number-unassigned',
  16: 'normal',
  17: 'callee-busy',
  18: 'callee-unavailable',
  19: 'no-answer',
  20: 'callee-gone',
  21: 'callee-declined',
  22: 'number-changed',
  28: 'invalid-number',
  34: 'trunk-failed',
  38: 'trunk-failed',
  41: 'trunk-failed',
  42: 'trunk-failed',
}

/** The cause for a Q.850 value that the other network gave in a Reason header (RFC 3326); undefined when it says nothing we act on. */
export function causeOfQ850(value: number): HangupCause | undefined {
  const reason = reasonByQ850[value]
  return reason === undefined ? undefined : { ...causeOf(reason), q850: value }
}

/** Whether the next trunk may be tried: only what speaks for the trunk, never what speaks for the callee. */
export function mayTryNextTrunk(status: number): boolean {
  return status === 408 || (status >= 500 && status < 600)
}
