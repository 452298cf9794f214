import type { AccountId, CertifierId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit, placeIn } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { addCertifier, checkEntry } from './add-certifier.ts'
import { applyCertification } from './certified-numbers.ts'
import type {
  AddCertifier,
  CertificationLink,
  Certifier,
  CertifierFilter,
  CertifierNumber,
  CertifierNumberFilter,
  EndingCertification,
  Page,
} from './certifier.ts'
import { type CertifierRow, certifierColumns, certifierFrom } from './certifier-rows.ts'
import { createLinks } from './links.ts'
import type { CertificationProvider } from './ports.ts'
import { queryWith } from './query-with.ts'
import { certifierUnknown, underReview } from './refusals.ts'

export type CertifierWithLink = { readonly certifier: Certifier; readonly link: CertificationLink }

export type Certifiers = {
  add(entry: AddCertifier): Promise<CertifierWithLink>
  get(accountId: AccountId, id: CertifierId): Promise<Certifier>
  /** Newest first. */
  list(filter: CertifierFilter): Promise<Page<Certifier>>
  numbers(filter: CertifierNumberFilter): Promise<Page<CertifierNumber>>
  /** A new link for the same numbers; the one before is void. What stands certified stays so. */
  renewLink(accountId: AccountId, id: CertifierId): Promise<CertifierWithLink>
  /** Everything that is kept of the person goes; numbers for which nobody else stands are not certified any more. */
  remove(accountId: AccountId, id: CertifierId): Promise<void>
  /** Of all accounts, the first to run out first: for whoever raises the alarm. At most 1000. */
  ending(before: Date): Promise<readonly EndingCertification[]>
}

export function createCertifiers(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  provider: Pick<CertificationProvider, 'forget'>
  /** Where people's phones reach this server. */
  publicUrl: string
}): Certifiers {
  const { sql, vault, clock, provider } = deps
  const links = createLinks(deps)
  const from = (row: CertifierRow) => certifierFrom(row, vault, clock.now())

  async function get(accountId: AccountId, id: CertifierId): Promise<Certifier> {
    const [row] = await sql.rows<CertifierRow>({
      name: 'certifiers.get',
      text: `
        select ${certifierColumns} from certifier c
         where c.id = $1 and c.account_id = $2 and c.removed_at is null`,
      values: [id, accountId],
    })
    if (row === undefined) throw certifierUnknown()
    return from(row)
  }

  return {
    async add(entry) {
      checkEntry(entry)
      const now = clock.now()
      const made = links.make(now)
      const row = await sql.transaction((session) =>
        addCertifier(session, entry, { vault, now, link: made }),
      )
      return { certifier: from(row), link: made.link }
    },
    get,
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<CertifierRow>(listQuery(filter, limit, clock.now()))
      return pageFrom(rows, limit, { item: from, place: ({ id }) => id })
    },
    async numbers(filter) {
      await get(filter.accountId, filter.id)
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<NumberRow>(numbersQuery(filter, limit))
      return pageFrom(rows, limit, { item: numberFrom, place: ({ x }) => x })
    },
    async renewLink(accountId, id) {
      const made = links.make(clock.now())
      const row = await renew(sql, { accountId, id, made })
      if (row !== undefined) return { certifier: from(row), link: made.link }
      await get(accountId, id)
      throw underReview()
    },
    async remove(accountId, id) {
      if (!(await markRemoved(sql, { accountId, id, now: clock.now() }))) throw certifierUnknown()
      await applyCertification(sql, provider, id)
    },
    ending: (before) => ending(sql, { before, now: clock.now() }),
  }
}

const serialPattern = /^[1-9]\d{0,14}$/

async function renew(
  sql: Sql,
  renewed: {
    accountId: AccountId
    id: CertifierId
    made: { hash: string; request: string; expiresAt: Date }
  },
): Promise<CertifierRow | undefined> {
  const { accountId, id, made } = renewed
  const [row] = await sql.rows<CertifierRow>({
    name: 'certifiers.renew',
    text: `
      update certifier c
         set link_hash = $3, link_request = $4, link_expires_at = $5, link_tries = 0,
             check_state = 'waiting', reference = null, refusal = null
       where c.id = $1 and c.account_id = $2 and c.removed_at is null
         and c.check_state <> 'submitted'
      returning ${certifierColumns}`,
    values: [id, accountId, made.hash, made.request, made.expiresAt],
  })
  return row
}

async function markRemoved(
  sql: Sql,
  { accountId, id, now }: { accountId: AccountId; id: CertifierId; now: Date },
): Promise<boolean> {
  const rows = await sql.rows({
    name: 'certifiers.mark-removed',
    text: `
      update certifier
         set removed_at = $3, certified_at = null, unapplied = true, link_hash = null,
             link_expires_at = null
       where id = $1 and account_id = $2 and removed_at is null
      returning 1`,
    values: [id, accountId, now],
  })
  return rows.length > 0
}

function listQuery(filter: CertifierFilter, limit: number, now: Date): Query {
  const standing = (state: boolean) => ({
    tag: state ? 'certified' : 'uncertified',
    value: filter.certified === state ? now : undefined,
    text: `(c.certified_at is not null and coalesce(c.certified_until > $, true)) = ${state}`,
  })
  return queryWith(
    {
      name: 'certifiers.list',
      text: `
        select ${certifierColumns} from certifier c
         where c.account_id = $1 and c.removed_at is null`,
      values: [filter.accountId, limit + 1],
    },
    [
      { tag: 'pool', value: filter.poolKey, text: 'c.pool_key = $' },
      { tag: 'check', value: filter.check, text: 'c.check_state = $' },
      {
        tag: 'x',
        value: filter.x,
        text: 'c.id in (select certifier_id from certifier_number where x = $)',
      },
      standing(true),
      standing(false),
      {
        tag: 'ending',
        value: filter.endingBefore,
        text: 'c.certified_at is not null and c.certified_until < $',
      },
      { tag: 'after', value: placeIn(filter.cursor, serialPattern), text: 'c.id < $::bigint' },
    ],
    { order: 'order by c.id desc limit $2' },
  )
}

type NumberRow = {
  readonly x: string
  readonly pool_key: string
  readonly city: string | null
  readonly certified: boolean
}

function numbersQuery(filter: CertifierNumberFilter, limit: number): Query {
  return queryWith(
    {
      name: 'certifiers.numbers',
      text: `
        select n.x, n.pool_key, n.city, n.certified
          from certifier_number cn join number n on n.x = cn.x
         where cn.certifier_id = $1`,
      values: [filter.id, limit + 1],
    },
    [
      { tag: 'certified', value: filter.certified, text: 'n.certified = $' },
      { tag: 'after', value: placeIn(filter.cursor, /^\+[1-9]\d{4,14}$/), text: 'cn.x > $' },
    ],
    { order: 'order by cn.x limit $2' },
  )
}

function numberFrom(row: NumberRow): CertifierNumber {
  return {
    x: row.x as VirtualNumber,
    poolKey: row.pool_key as PoolKey,
    city: row.city ?? undefined,
    certified: row.certified,
  }
}

async function ending(
  sql: Sql,
  { before, now }: { before: Date; now: Date },
): Promise<readonly EndingCertification[]> {
  const rows = await sql.rows<CertifierRow & { certified_until: Date }>({
    name: 'certifiers.ending',
    text: `
      select ${certifierColumns} from certifier c
       where c.certified_at is not null and c.removed_at is null
         and c.certified_until < $1 and c.certified_until > $2
       order by c.certified_until limit 1000`,
    values: [before, now],
  })
  return rows.map((row) => ({
    accountId: row.account_id as AccountId,
    certifierId: row.id as CertifierId,
    poolKey: (row.pool_key as PoolKey | null) ?? undefined,
    numbers: row.numbers,
    certifiedUntil: row.certified_until,
  }))
}
