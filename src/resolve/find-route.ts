import type { CallerRole, PoolSettings, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey } from '../domain/ids.ts'
import {
  extensionParty,
  type SealedBinding,
  type SealedLeg,
  type SealedNumberRoute,
} from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import type { RouteQuestion } from './read-cached.ts'
import type { ReadRoute } from './route-cache.ts'

type NumberRow = {
  readonly version: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly state: string
  readonly city: string | null
  readonly settings: PoolSettings
}

/** A binding, seen from one of its legs. */
type LegRow = {
  readonly party: string
  readonly slot: string | null
  readonly role: string
  readonly id: string
  readonly a_index: string
  readonly a_sealed: string
  readonly b_sealed: string | null
  readonly group_id: string | null
  /** Seconds. */
  readonly expires: string
  readonly recording: boolean | null
  readonly tones: SealedLeg['tones'] | null
  readonly ring_seconds_max: number | null
  readonly talk_seconds_max: number | null
  readonly restriction: string | null
  readonly out_id: string | null
}

/**
 * The truth about one X for one caller, in one statement, so in one snapshot: X, and the legs on it
 * that matter: the caller's own, the extension's, and the one of an X that carries just one binding.
 */
export async function findRoute(sql: Sql, question: RouteQuestion): Promise<ReadRoute> {
  const { x, party, extension } = question
  const [row] = await sql.rows<NumberRow & { readonly legs: LegRow[] }>({
    name: 'resolve.find-route',
    text: `
      select n.version, n.account_id, n.pool_key, p.product, n.state, n.city,
             pool_settings(p) as settings, legs.legs
        from number n
        join pool p on p.key = n.pool_key
        cross join lateral (
          select coalesce(json_agg(leg), '[]') as legs from (
            select l.party, l.slot, l.role, b.id::text as id, b.a_index, b.a_sealed, b.b_sealed,
                   b.group_id::text as group_id,
                   extract(epoch from b.expires_at)::bigint::text as expires, b.recording, b.tones,
                   b.ring_seconds_max, b.talk_seconds_max, b.restriction, b.out_id
              from binding_leg l join binding b on b.id = l.binding_id
             where l.x = n.x and l.party = $2
            union
            select l.party, l.slot, l.role, b.id::text, b.a_index, b.a_sealed, b.b_sealed,
                   b.group_id::text,
                   extract(epoch from b.expires_at)::bigint::text, b.recording, b.tones,
                   b.ring_seconds_max, b.talk_seconds_max, b.restriction, b.out_id
              from binding_leg l join binding b on b.id = l.binding_id
             where l.x = n.x and l.slot in ('*', $3)
          ) as leg
        ) as legs
       where n.x = $1`,
    values: [x, party, extension],
  })
  const legs = row?.legs ?? []
  const single = legs.find((leg) => leg.slot === '*')
  const own = legs.find((leg) => leg.party === party)
  const dialled = legs.find((leg) => leg.slot === extension)
  const parties: ReadRoute['parties'][number][] = []
  if (party !== undefined) {
    const bound = own === undefined || own === single ? undefined : ownLeg(own)
    parties.push({ party, bound })
  }
  if (extension !== undefined) {
    const bound = dialled === undefined ? undefined : extensionLeg(dialled)
    parties.push({ party: extensionParty(extension), bound })
  }
  return {
    x,
    // Zero is older than anything that X's owner will write.
    version: row === undefined ? 0 : Number(row.version),
    number: row === undefined ? undefined : numberFrom(question, row, single),
    parties,
  }
}

function numberFrom(
  { x }: RouteQuestion,
  row: NumberRow,
  single: LegRow | undefined,
): SealedNumberRoute {
  return {
    x,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    product: row.product as Product,
    state: row.state as SealedNumberRoute['state'],
    city: row.city ?? undefined,
    settings: row.settings,
    single: single === undefined ? undefined : singleFrom(single),
  }
}

function singleFrom(leg: LegRow): SealedBinding {
  return {
    ...common(leg),
    aIndex: leg.a_index,
    aSealed: leg.a_sealed,
    bSealed: leg.b_sealed ?? undefined,
    groupId: leg.group_id ?? undefined,
  }
}

/** Of A or B, as whom they call. */
function ownLeg(leg: LegRow): SealedLeg {
  const peer = leg.role === 'A' ? leg.b_sealed : leg.a_sealed
  return { ...common(leg), callerRole: leg.role as CallerRole, peerSealed: peer ?? undefined }
}

/** For whoever dials it. */
function extensionLeg(leg: LegRow): SealedLeg {
  return { ...common(leg), callerRole: 'N', peerSealed: leg.a_sealed, aIndex: leg.a_index }
}

function common(leg: LegRow) {
  return {
    bindingId: leg.id as BindingId,
    expiresAt: new Date(Number(leg.expires) * 1000),
    restriction: (leg.restriction as SealedLeg['restriction'] | null) ?? undefined,
    outId: leg.out_id ?? undefined,
    recording: leg.recording ?? undefined,
    tones: leg.tones ?? undefined,
    ringSecondsMax: leg.ring_seconds_max ?? undefined,
    talkSecondsMax: leg.talk_seconds_max ?? undefined,
  }
}
