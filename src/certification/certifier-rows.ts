import type { AccountId, CertifierId, PoolKey } from '../domain/ids.ts'
import type { Vault } from '../platform/vault.ts'
import type { Certifier, CheckState } from './certifier.ts'

export type CertifierRow = {
  readonly id: string
  readonly account_id: string
  readonly phone_sealed: string
  readonly remark: string | null
  readonly pool_key: string | null
  readonly numbers: number
  readonly check_state: string
  readonly refusal: string | null
  readonly link_expires_at: Date | null
  readonly submitted_at: Date | null
  readonly decided_at: Date | null
  readonly certified_at: Date | null
  readonly certified_until: Date | null
  readonly created_at: Date
}

export const certifierColumns = `
  c.id, c.account_id, c.phone_sealed, c.remark, c.pool_key, c.numbers, c.check_state, c.refusal,
  c.link_expires_at, c.submitted_at, c.decided_at, c.certified_at, c.certified_until, c.created_at`

export function certifierFrom(row: CertifierRow, vault: Vault, now: Date): Certifier {
  const until = row.certified_until ?? undefined
  const linked = row.link_expires_at !== null && row.link_expires_at > now
  return {
    id: row.id as CertifierId,
    accountId: row.account_id as AccountId,
    phone: vault.open(row.phone_sealed),
    remark: row.remark ?? undefined,
    poolKey: (row.pool_key as PoolKey | null) ?? undefined,
    numbers: row.numbers,
    check: row.check_state as CheckState,
    refusal: row.refusal ?? undefined,
    linkExpiresAt: linked ? (row.link_expires_at ?? undefined) : undefined,
    submittedAt: row.submitted_at ?? undefined,
    decidedAt: row.decided_at ?? undefined,
    // A worker ends what has run out a little later.
    certified: row.certified_at !== null && (until === undefined || until > now),
    certifiedUntil: until,
    createdAt: row.created_at,
  }
}
