import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { beijingTime } from '../platform/beijing-time.ts'

/** As the vendor names them; field names and order are the vendor's too. */
export type CallReport =
  | { readonly messageType: 'SecretStartReport'; readonly report: SecretStartReport }
  | { readonly messageType: 'SecretRingReport'; readonly report: SecretRingReport }
  | { readonly messageType: 'SecretPickUpReport'; readonly report: SecretPickUpReport }
  | { readonly messageType: 'SecretReport'; readonly report: SecretReport }

export type ReportOptions = {
  /** National form of X, as the vendor writes numbers: `17000000001`. */
  readonly national: (e164: string) => string
  /** How a real number is written; without it masked. In clear only for the customer whose numbers they are. */
  readonly show?: (number: PhoneNumber) => string
  /** Where a recording can be fetched. Without it `record_url` is empty. */
  readonly recordingUrl?: (path: string) => string
}

type CallParties = {
  readonly pool_key: string
  /** 0: the call met no binding. */
  readonly sub_id: number
  readonly call_id: string
  /** Always A's, whoever called. Empty: withheld, or not known. */
  readonly phone_no: string
  readonly secret_no: string
  readonly peer_no: string
  /** 0: A called the peer, 1: the peer called A, 4: intercepted. */
  readonly call_type: 0 | 1 | 4
  readonly call_time: string
  readonly city: string
  readonly out_id?: string
}

type SecretStartReport = CallParties & {
  readonly id: string
  readonly partner_key: string
  readonly called_display_no: string
  readonly unconnected_cause: number
  readonly control_type: string
  readonly control_msg: string
}

type SecretRingReport = CallParties & { readonly ring_time: string }

type SecretPickUpReport = SecretRingReport & { readonly start_time: string }

export type SecretReport = SecretStartReport & {
  readonly call_out_time: string
  readonly ring_time: string
  readonly free_ring_time: string
  readonly start_time: string
  readonly release_time: string
  readonly release_dir: number
  readonly release_cause: number
  readonly record_url: string
  readonly ring_record_url: string
  readonly sms_number: number
  /** Digits that the caller dialled after X. */
  readonly extension?: string
}

/** The receipt for one event. */
export function toReport(event: CallEvent, options: ReportOptions): CallReport {
  switch (event.type) {
    case 'start':
      return { messageType: 'SecretStartReport', report: startReport(event, event.id, options) }
    case 'ring':
      return { messageType: 'SecretRingReport', report: ringReport(event, options) }
    case 'answer':
      return {
        messageType: 'SecretPickUpReport',
        report: {
          ...ringReport(event, options),
          start_time: beijingTime(event.startTime ?? event.at),
        },
      }
    case 'end':
      return { messageType: 'SecretReport', report: endReport(event, event.id, options) }
  }
}

/** The receipt for a call that is in the books; `facts` are a call record's. */
export function toEndReport(facts: CallFacts, options: ReportOptions): SecretReport {
  return endReport(facts, `${facts.callId}:end`, options)
}

/** Also for a call that is still running: what has not happened is told as the vendor tells it. */
function endReport(facts: CallFacts, id: string, options: ReportOptions): SecretReport {
  const released = facts.releaseTime ?? facts.startTime ?? facts.ringTime ?? facts.callTime
  const calledOut = facts.callOutTime ?? facts.callTime
  const rang = facts.ringTime ?? calledOut
  const path = facts.recording
  return {
    ...startReport(facts, id, options),
    call_out_time: beijingTime(calledOut),
    ring_time: beijingTime(rang),
    // Whether the handset itself rang is not told by SIP.
    free_ring_time: beijingTime(rang),
    start_time: beijingTime(facts.startTime ?? released),
    release_time: beijingTime(released),
    release_dir: facts.releaseDirection ?? 0,
    release_cause: facts.releaseCause ?? 31,
    record_url: path === undefined ? '' : (options.recordingUrl?.(path) ?? ''),
    ring_record_url: '',
    sms_number: 0,
    ...(facts.extension === undefined ? {} : { extension: facts.extension }),
  }
}

function startReport(facts: CallFacts, id: string, options: ReportOptions): SecretStartReport {
  return {
    id,
    partner_key: facts.poolKey ?? '',
    ...parties(facts, options),
    // Nobody saw anything when nobody was called.
    called_display_no:
      facts.intercepted || facts.callee === undefined ? '' : options.national(facts.x),
    unconnected_cause: facts.unconnectedCause,
    control_type: facts.controlMsg === 'OK' ? 'CONTINUE' : 'REJECT',
    control_msg: facts.controlMsg,
  }
}

function ringReport(facts: CallFacts, options: ReportOptions): SecretRingReport {
  const rang = facts.ringTime ?? facts.callOutTime ?? facts.callTime
  return { ...parties(facts, options), ring_time: beijingTime(rang) }
}

function parties(facts: CallFacts, options: ReportOptions): CallParties {
  const isPeerCalling = facts.callerRole !== undefined && facts.callerRole !== 'A'
  const [phone, peer] = isPeerCalling ? [facts.callee, facts.caller] : [facts.caller, facts.callee]
  return {
    pool_key: facts.poolKey ?? '',
    // A number below 2^53 by construction.
    sub_id: Number(facts.bindingId ?? 0),
    call_id: facts.callId,
    phone_no: shown(phone, options),
    secret_no: options.national(facts.x),
    peer_no: shown(peer, options),
    call_type: facts.intercepted ? 4 : isPeerCalling ? 1 : 0,
    call_time: beijingTime(facts.callTime),
    city: facts.city ?? '',
    ...(facts.outId === undefined ? {} : { out_id: facts.outId }),
  }
}

function shown(number: PhoneNumber | undefined, options: ReportOptions): string {
  if (number === undefined) return ''
  return options.show === undefined ? number.toString() : options.show(number)
}
