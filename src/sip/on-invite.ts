import { randomUUID } from 'node:crypto'
import type { CallAttempt } from '../domain/call.ts'
import { causeOf, type HangupReason } from '../domain/hangup.ts'
import type { CallId } from '../domain/ids.ts'
import type { Trunk } from '../domain/trunk.ts'
import type { Logger } from '../platform/logger.ts'
import type { Admission } from './admission.ts'
import { createCallerLeg } from './caller-leg.ts'
import { type DialledParser, dialledIn } from './dialled.ts'
import type { SipRequest, SipResponse } from './drachtio.ts'
import { callerNumber, type RealNumberParser } from './identity-in.ts'
import type { SipServer } from './servers.ts'

type CallerLeg = ReturnType<typeof createCallerLeg>

/** Longest header values that we are ready to repeat in every answer of a call: see `refuseLongMessages`. */
const echoedHeaderBytesMax = 4000
const offerBytesMax = 6000

export type InviteHandler = (server: SipServer, request: SipRequest, response: SipResponse) => void

/**
 * From an INVITE to a `CallAttempt`. Every INVITE is answered, whatever happens: one that is not
 * keeps its channel at the carrier for a minute.
 */
export function createInviteHandler(given: {
  readonly trunkBySource: (address: string) => Trunk | undefined
  readonly parser: DialledParser & RealNumberParser
  readonly admission: Admission
  readonly now: () => Date
  readonly log: Logger
  /** Run the call; `refusal` is set when it may not begin but must be recorded. */
  readonly run: (
    attempt: CallAttempt,
    leg: CallerLeg,
    server: SipServer,
    refusal: HangupReason | undefined,
  ) => Promise<void>
  readonly onStranger: () => void
}): InviteHandler {
  return (server, request, response) => {
    const trunk = given.trunkBySource(request.source_address)
    if (trunk === undefined) {
      // The same bare answer whatever was asked for: a scanner learns nothing of our numbers.
      given.onStranger()
      response.send(403)
      return
    }
    const fault = faultOf(request)
    if (fault !== undefined) {
      response.send(fault.status, { headers: fault.headers ?? {} })
      return
    }
    const dialled = dialledIn(request.uri, given.parser)
    if (dialled === undefined) {
      response.send(484)
      return
    }
    const refusal = given.admission.refusal()
    if (refusal === 'unrecordable') {
      response.send(503)
      return
    }
    const callId = randomUUID() as CallId
    const log = given.log.child({ callId })
    const headers = {
      assertedIdentity: request.get('P-Asserted-Identity'),
      from: request.get('From'),
    }
    const attempt: CallAttempt = {
      callId,
      trunkId: trunk.id,
      caller: callerNumber(headers, trunk.trustsIdentity, given.parser),
      dialled: dialled.x,
      extension: dialled.extension,
      receivedAt: given.now(),
    }
    const leg = createCallerLeg({
      srf: server.srf,
      request,
      response,
      log,
      onServerLost: server.onLost,
    })
    given.run(attempt, leg, server, refusal).catch((err: unknown) => {
      log.error({ err }, 'call failed in a way nobody planned for')
      leg.hangUp(causeOf('internal-error'))
    })
  }
}

type MessageFault = { readonly status: number; readonly headers?: Record<string, string> }

/** What is wrong with the message itself. */
function faultOf(request: SipRequest): MessageFault | undefined {
  const echoed = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => request.get(name) ?? '')
  if (Buffer.byteLength(echoed.join('')) > echoedHeaderBytesMax) return { status: 400 }
  // Of a dialog that is no longer: taken for a new call it would ring the other party again (RFC 3261 12.2.2).
  if (/;\s*tag\s*=/i.test((request.get('To') ?? '').replace(/"[^"]*"/g, ''))) return { status: 481 }
  // Empty is as bad as none: the library would send the 200 and then fail to make a dialog of it.
  if ((request.get('Contact') ?? '').trim() === '') return { status: 400 }
  if (Buffer.byteLength(request.body) > offerBytesMax) return { status: 413 }
  const type = request.get('Content-Type')
  if (request.body !== '' && !/^application\/sdp\b/i.test(type ?? '')) {
    return { status: 415, headers: { Accept: 'application/sdp' } }
  }
  const unsupported = unsupportedOptions(request.get('Require') ?? '')
  if (unsupported === '') return undefined
  return { status: 420, headers: { Unsupported: unsupported } }
}

const optionPattern = /^[A-Za-z0-9.-]{1,32}$/

/** Option tags that we cannot honour (RFC 3261 8.2.2.3), as an Unsupported header value. */
function unsupportedOptions(require: string): string {
  const options = require.split(',').map((option) => option.trim())
  const unknown = options.filter((option) => !/^(100rel|timer|)$/i.test(option))
  return unknown.map((option) => (optionPattern.test(option) ? option : 'unknown')).join(', ')
}
