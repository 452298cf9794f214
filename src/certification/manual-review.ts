import { type AccountId, parseReviewId, type ReviewId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { CertificationReview, OpenedReview, Page, ReviewFilter } from './certifier.ts'
import type { CertificationProvider, CheckStatus } from './ports.ts'
import { queryWith } from './query-with.ts'
import { illegal, reviewDecided, reviewUnknown } from './refusals.ts'

/** Of all accounts: only for the operator. */
export type Reviews = {
  /** The one that waits longest first. */
  list(filter: ReviewFilter): Promise<Page<CertificationReview>>
  get(id: ReviewId): Promise<OpenedReview>
  /** `validUntil` undefined: without end. Resolves when the numbers are certified. */
  approve(id: ReviewId, validUntil: Date | undefined): Promise<CertificationReview>
  /** `reason`: 1 to 200 characters, read by the person. */
  refuse(id: ReviewId, reason: string): Promise<CertificationReview>
}

/** What somebody has filled in is not kept for longer, looked at or not. */
const waitingDaysMax = 60
const notReviewed =
  'Nobody has looked at this in time. Ask for a new code and fill it in once more.'

type ReviewRow = {
  readonly id: string
  readonly account_id: string
  readonly account_name: string
  readonly phone_sealed: string | null
  readonly name_sealed: string | null
  readonly document_sealed: string | null
  readonly numbers: number
  readonly state: string
  readonly reason: string | null
  readonly valid_until: Date | null
  readonly created_at: Date
  readonly decided_at: Date | null
}

const selectReview = `
  select r.id, r.account_id, a.name as account_name, r.phone_sealed, r.name_sealed,
         r.document_sealed, r.numbers, r.state, r.reason, r.valid_until, r.created_at, r.decided_at
    from certification_review r join account a on a.id = r.account_id`

/** The provider that asks a human of the operator's. Name and document are sealed, and go with the decision. */
export function createManualReview(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
}): CertificationProvider {
  const { sql, vault, clock } = deps

  return {
    async start(check) {
      const [row] = await sql.rows<{ id: string }>({
        name: 'reviews.start',
        text: `
          insert into certification_review
                 (request, account_id, phone_sealed, name_sealed, document_sealed, numbers, created_at)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict (request) do update set numbers = certification_review.numbers
          returning id`,
        values: [
          check.request,
          check.accountId,
          vault.seal(check.phone),
          vault.sealText(check.name, 'name'),
          vault.sealText(check.documentEnd, 'document'),
          check.numbers,
          clock.now(),
        ],
      })
      if (row === undefined) throw new Error('insert returned nothing')
      return { reference: `review ${row.id}`, continueAt: undefined }
    },

    async status(reference) {
      const id = idIn(reference)
      const now = clock.now()
      const oldest = new Date(now.getTime() - waitingDaysMax * 86_400_000)
      await sql.rows({
        name: 'reviews.give-up',
        text: `
          update certification_review set ${decided('refused')}
           where id = $1 and state = 'pending' and created_at <= $5`,
        values: [id, now, notReviewed, null, oldest],
      })
      const [row] = await sql.rows<ReviewRow>({
        name: 'reviews.status',
        text: `${selectReview} where r.id = $1`,
        values: [id],
      })
      return statusOf(row)
    },

    async forget(reference) {
      await sql.rows({
        name: 'reviews.forget',
        text: `delete from certification_review where id = $1 and state = 'pending'`,
        values: [idIn(reference)],
      })
    },
  }
}

export function createReviews(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  /** Does what follows from the decision. */
  follow(reference: string): Promise<void>
}): Reviews {
  const { sql, vault, clock, follow } = deps

  async function get(id: ReviewId): Promise<ReviewRow> {
    const [row] = await sql.rows<ReviewRow>({
      name: 'reviews.get',
      text: `${selectReview} where r.id = $1`,
      values: [id],
    })
    if (row === undefined) throw reviewUnknown()
    return row
  }

  async function decide(
    id: ReviewId,
    state: 'approved' | 'refused',
    { reason, validUntil }: { reason: string | undefined; validUntil: Date | undefined },
  ): Promise<CertificationReview> {
    const rows = await sql.rows({
      name: `reviews.decide-${state}`,
      text: `
        update certification_review set ${decided(state)}
         where id = $1 and state = 'pending'
        returning 1`,
      values: [id, clock.now(), reason, validUntil],
    })
    const row = await get(id)
    if (rows.length === 0) throw reviewDecided()
    await follow(`review ${id}`)
    return reviewFrom(row)
  }

  return {
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<ReviewRow>(
        queryWith(
          { name: 'reviews.list', text: `${selectReview} where true`, values: [limit + 1] },
          [
            { tag: 'state', value: filter.state, text: 'r.state = $' },
            {
              tag: 'after',
              value: placeIn(filter.cursor, /^[1-9]\d{0,14}$/),
              text: 'r.id > $::bigint',
            },
          ],
          { order: 'order by r.id limit $1' },
        ),
      )
      return pageFrom(rows, limit, { item: reviewFrom, place: ({ id }) => id })
    },
    async get(id) {
      const row = await get(id)
      return { ...reviewFrom(row), person: personOf(row, vault) }
    },
    async approve(id, validUntil) {
      if (validUntil !== undefined && validUntil <= clock.now()) {
        throw illegal('A certification ends in the future. Leave the end out for one without.')
      }
      return decide(id, 'approved', { reason: undefined, validUntil })
    },
    async refuse(id, reason) {
      const length = [...reason.trim()].length
      if (length < 1 || length > 200) {
        throw illegal('Say in 1 to 200 characters why: the person reads it.')
      }
      return decide(id, 'refused', { reason: reason.trim(), validUntil: undefined })
    },
  }
}

/** `$2` when, `$3` why, `$4` until when. */
function decided(state: 'approved' | 'refused'): string {
  return `
    state = '${state}', decided_at = $2, reason = $3, valid_until = $4::timestamptz,
    phone_sealed = null, name_sealed = null, document_sealed = null`
}

/** One that was forgotten counts as refused: nobody waits for it. */
function statusOf(row: ReviewRow | undefined): CheckStatus {
  if (row === undefined) return { state: 'refused', reason: notReviewed }
  switch (row.state) {
    case 'approved':
      return { state: 'approved', validUntil: row.valid_until ?? undefined }
    case 'refused':
      return { state: 'refused', reason: row.reason ?? notReviewed }
    default:
      return { state: 'pending' }
  }
}

/** References are ours: anything else is a bug. */
function idIn(reference: string): ReviewId {
  const id = parseReviewId(reference.replace(/^review /, ''))
  if (id === undefined) throw new Error('not a reference of the manual review')
  return id
}

function personOf(row: ReviewRow, vault: Vault): OpenedReview['person'] {
  const { phone_sealed: phone, name_sealed: name, document_sealed: document } = row
  if (phone === null || name === null || document === null) return undefined
  return {
    phone: vault.open(phone),
    name: vault.openText(name, 'name'),
    documentEnd: vault.openText(document, 'document'),
  }
}

function reviewFrom(row: ReviewRow): CertificationReview {
  return {
    id: row.id as ReviewId,
    accountId: row.account_id as AccountId,
    accountName: row.account_name,
    numbers: row.numbers,
    state: row.state as CertificationReview['state'],
    reason: row.reason ?? undefined,
    validUntil: row.valid_until ?? undefined,
    createdAt: row.created_at,
    decidedAt: row.decided_at ?? undefined,
  }
}
