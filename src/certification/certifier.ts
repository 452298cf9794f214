import type { AccountId, CertifierId, PoolKey, ReviewId, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/** A person who stands for X numbers. */
export type Certifier = {
  readonly id: CertifierId
  readonly accountId: AccountId
  readonly phone: PhoneNumber
  readonly remark: string | undefined
  /** Undefined: the numbers were given one by one. */
  readonly poolKey: PoolKey | undefined
  /** X numbers that it was made for; those that were given back since are still counted. */
  readonly numbers: number
  readonly check: CheckState
  /** Why, when `check` is `refused`. */
  readonly refusal: string | undefined
  /** Undefined: no link is out. */
  readonly linkExpiresAt: Date | undefined
  readonly submittedAt: Date | undefined
  readonly decidedAt: Date | undefined
  /** Whether a certification stands now, also while a newer check is under way. */
  readonly certified: boolean
  /** Undefined: without end, or never certified. Past: it has run out. */
  readonly certifiedUntil: Date | undefined
  readonly createdAt: Date
}

/** Of the newest link: nobody has filled in the page; somebody has, and it is being checked; the outcome. */
export type CheckState = 'waiting' | 'submitted' | 'approved' | 'refused'

export type AddCertifier = {
  readonly accountId: AccountId
  readonly phone: PhoneNumber
  /** 1 to 50 characters. */
  readonly remark?: string | undefined
  readonly numbers: NumbersToCertify
}

export type NumbersToCertify =
  /** Those of the pool that are there now and not certified. */
  | { readonly of: 'pool'; readonly poolKey: PoolKey }
  /** These, 1 to 1000, certified or not. */
  | { readonly of: 'list'; readonly numbers: readonly VirtualNumber[] }

/** What the QR code holds. Given out once: only a hash of its token is kept. */
export type CertificationLink = { readonly url: string; readonly expiresAt: Date }

export type CertifierNumber = {
  readonly x: VirtualNumber
  readonly poolKey: PoolKey
  readonly city: string | undefined
  /** By this certifier or another. */
  readonly certified: boolean
}

export type CertifierFilter = {
  readonly accountId: AccountId
  readonly poolKey?: PoolKey | undefined
  readonly x?: VirtualNumber | undefined
  readonly check?: CheckState | undefined
  readonly certified?: boolean | undefined
  /** Only certifications that stand and run out before then. */
  readonly endingBefore?: Date | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type CertifierNumberFilter = {
  readonly accountId: AccountId
  readonly id: CertifierId
  readonly certified?: boolean | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** A certification that runs out, whoever's it is: what an alarm needs. */
export type EndingCertification = {
  readonly accountId: AccountId
  readonly certifierId: CertifierId
  readonly poolKey: PoolKey | undefined
  readonly numbers: number
  readonly certifiedUntil: Date
}

/** What the person has filled in. */
export type GuidedForm = {
  readonly phone: PhoneNumber
  /** 1 to 40 characters. */
  readonly name: string
  /** The last four characters of the identity document. */
  readonly documentEnd: string
}

/** What the page behind a link has to show. */
export type GuidedView =
  | {
      readonly state: 'form'
      readonly accountName: string
      readonly numbers: number
      /** A few of them. */
      readonly someNumbers: readonly VirtualNumber[]
    }
  | { readonly state: 'submitted' | 'approved' }
  | { readonly state: 'refused'; readonly reason: string }

export type SubmitOutcome =
  /** `continueAt`: a page of the provider's where the person goes on. */
  | { readonly result: 'accepted'; readonly continueAt: string | undefined }
  | { readonly result: 'wrong-phone'; readonly triesLeft: number }
  /** Nothing can be filled in over this link, or not any more. */
  | { readonly result: 'closed' }

/** A case for a human. */
export type CertificationReview = {
  readonly id: ReviewId
  readonly accountId: AccountId
  readonly accountName: string
  /** X numbers. */
  readonly numbers: number
  readonly state: 'pending' | 'approved' | 'refused'
  readonly reason: string | undefined
  readonly validUntil: Date | undefined
  readonly createdAt: Date
  readonly decidedAt: Date | undefined
}

/** With what the person filled in, which is gone once the decision was made. */
export type OpenedReview = CertificationReview & {
  readonly person:
    | { readonly phone: PhoneNumber; readonly name: string; readonly documentEnd: string }
    | undefined
}

export type ReviewFilter = {
  readonly state?: CertificationReview['state'] | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** `nextCursor` undefined: this was the last page. */
export type Page<Item> = {
  readonly items: readonly Item[]
  readonly nextCursor: string | undefined
}
