import type { VirtualNumber } from '../domain/ids.ts'
import { PhoneNumber } from '../domain/phone-number.ts'
import type { Vault } from '../platform/vault.ts'
import { illegal } from './refusals.ts'

/** X as a party would be indexed, to see that it is none. */
export function virtualIndexOf(vault: Pick<Vault, 'blindIndex'>, x: VirtualNumber): string {
  const asReal = PhoneNumber.fromE164(x)
  if (asReal === undefined) throw illegal('An X number is written in E.164 with plus.')
  return vault.blindIndex(asReal)
}
