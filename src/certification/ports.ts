import type { AccountId } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/**
 * Who finds out whether a person is who they say. The local one asks a human; others ask an
 * identity service. A method rejects when the provider is away: it is asked again later.
 */
export type CertificationProvider = {
  /** The same `request` twice is one check. */
  start(check: {
    /** UUID of ours. */
    readonly request: string
    readonly accountId: AccountId
    readonly phone: PhoneNumber
    readonly name: string
    readonly documentEnd: string
    /** How many X numbers the person stands for. */
    readonly numbers: number
  }): Promise<StartedCheck>
  status(reference: string): Promise<CheckStatus>
  /** Whatever it still holds of this person goes. Of what is not known there is nothing to forget. */
  forget(reference: string): Promise<void>
}

export type StartedCheck = {
  /** The provider's own name for the check. */
  readonly reference: string
  /** Where the person goes on, when the provider has pages of its own. */
  readonly continueAt: string | undefined
}

export type CheckStatus =
  | { readonly state: 'pending' }
  /** `validUntil` undefined: without end. */
  | { readonly state: 'approved'; readonly validUntil: Date | undefined }
  /** `reason`: 1 to 200 characters that the person may read. */
  | { readonly state: 'refused'; readonly reason: string }
