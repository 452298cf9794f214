import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { type CertificationKeeper, createCertificationKeeper } from './certification-keeper.ts'
import { type Certifiers, createCertifiers } from './certifiers.ts'
import { createDecisions } from './decisions.ts'
import { createGuidedCheck, type GuidedCheck } from './guided-check.ts'
import { createManualReview, createReviews, type Reviews } from './manual-review.ts'
import type { CertificationProvider } from './ports.ts'

export type Certification = {
  readonly certifiers: Certifiers
  readonly guided: GuidedCheck
  readonly reviews: Reviews
  readonly keeper: CertificationKeeper
}

/** The whole room. Without a provider of its own it asks a human of the operator's. */
export function createCertification(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  log: Logger
  /** Where people's phones reach this server. */
  publicUrl: string
  provider?: CertificationProvider
}): Certification {
  const provider = deps.provider ?? createManualReview(deps)
  const decisions = createDecisions({ ...deps, provider })
  return {
    certifiers: createCertifiers({ ...deps, provider }),
    guided: createGuidedCheck({ ...deps, provider }),
    reviews: createReviews({ ...deps, follow: decisions.follow }),
    keeper: createCertificationKeeper({ decisions, log: deps.log }),
  }
}
