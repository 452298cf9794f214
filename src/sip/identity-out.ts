import type { VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { Trunk } from '../domain/trunk.ts'

export type OutgoingInvite = {
  readonly uri: string
  readonly headers: Record<string, string>
}

/**
 * The INVITE to the callee, made from nothing but the trunk, the callee and X. It cannot carry
 * the caller's number: this function is not given it.
 *
 * `@localhost` becomes the address of the sending transport in the SIP server.
 */
export function buildInvite(given: {
  readonly trunk: Trunk
  readonly callee: PhoneNumber
  readonly x: VirtualNumber
  readonly sessionSeconds: number
  /** E.164 with plus to the national form of the default country. */
  readonly national: (e164: string) => string
}): OutgoingInvite {
  const { trunk, x } = given
  const write = (e164: string) => numberText(e164, trunk.numberFormat, given.national)
  const transport = transportText(trunk)
  const shown = `sip:${write(x)}@localhost`
  return {
    uri: `sip:${write(given.callee.reveal())}@${placeText(trunk)}`,
    headers: {
      From: `<${shown}>`,
      Contact: `<${shown}${transport}>`,
      'P-Asserted-Identity': `<${shown}>`,
      Supported: 'timer',
      'Session-Expires': String(given.sessionSeconds),
      'Min-SE': '90',
      Allow: allowedMethods,
    },
  }
}

/** What we answer inside a dialog. REFER is left out on purpose: a transfer would show numbers. */
export const allowedMethods = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK'

function numberText(
  e164: string,
  format: Trunk['numberFormat'],
  national: (e164: string) => string,
): string {
  switch (format) {
    case 'e164-plus':
      return e164
    case 'e164':
      return e164.slice(1)
    case 'national':
      return national(e164)
  }
}

/** The trunk itself, nobody behind it. */
export const trunkUri = (trunk: Trunk) => `sip:${placeText(trunk)}`

const placeText = (trunk: Trunk) => `${hostText(trunk.host)}:${trunk.port}${transportText(trunk)}`
const transportText = ({ transport }: Trunk) => (transport === 'tcp' ? ';transport=tcp' : '')
const hostText = (host: string) => (host.includes(':') ? `[${host}]` : host)
