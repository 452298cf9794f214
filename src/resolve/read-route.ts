import type { CallerRole, NumberRoute, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { SealedBoundRoute } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import type { ReadRoute } from './route-cache.ts'

type Row = {
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly state: string
  readonly city: string | null
  readonly version: string
  readonly binding_id: string | null
  readonly role: string | null
  readonly callee_sealed: string | null
  readonly expires_at: Date | null
  readonly recording: boolean | null
  readonly ringback: string | null
  readonly ring_seconds_max: number | null
  readonly talk_seconds_max: number | null
  readonly restriction: string | null
  readonly out_id: string | null
}

/** What Postgres says of one caller on one X, from one snapshot. `party`: the caller's blind index. */
export async function readRoute(
  sql: Sql,
  x: VirtualNumber,
  party: string | undefined,
): Promise<ReadRoute> {
  const [row] = await sql.rows<Row>({
    name: 'resolve.read-route',
    text: `
      select n.account_id, n.pool_key, p.product, n.state, n.city, n.version,
             b.id as binding_id, l.role,
             case l.role when 'A' then b.b_sealed else b.a_sealed end as callee_sealed,
             l.expires_at,
             coalesce(b.recording, p.recording) as recording,
             coalesce(b.ringback, p.ringback) as ringback,
             coalesce(b.ring_seconds_max, p.ring_seconds_max) as ring_seconds_max,
             coalesce(b.talk_seconds_max, p.talk_seconds_max) as talk_seconds_max,
             b.restriction, b.out_id
        from number n
        join pool p on p.key = n.pool_key
        left join binding_leg l on l.x = n.x and l.party = $2
        left join binding b on b.id = l.binding_id
       where n.x = $1`,
    values: [x, party],
  })
  if (row === undefined)
    return { x, version: 0, number: undefined, parties: partiesOf(party, undefined) }
  return {
    x,
    version: Number(row.version),
    number: numberFrom(x, row),
    parties: partiesOf(party, boundFrom(row)),
  }
}

const partiesOf = (
  party: string | undefined,
  bound: SealedBoundRoute | undefined,
): ReadRoute['parties'] => (party === undefined ? [] : [{ party, bound }])

function numberFrom(x: VirtualNumber, row: Row): NumberRoute {
  return {
    x,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    product: row.product as Product,
    state: row.state as NumberRoute['state'],
    city: row.city ?? undefined,
  }
}

function boundFrom(row: Row): SealedBoundRoute | undefined {
  if (row.binding_id === null || row.callee_sealed === null || row.expires_at === null) {
    return undefined
  }
  return {
    bindingId: row.binding_id as BindingId,
    callerRole: row.role as CallerRole,
    calleeSealed: row.callee_sealed,
    expiresAt: row.expires_at,
    recording: row.recording ?? false,
    ringback: row.ringback ?? undefined,
    ringSecondsMax: row.ring_seconds_max ?? 60,
    talkSecondsMax: row.talk_seconds_max ?? 14_400,
    restriction: (row.restriction as 'AX' | 'BX' | null) ?? undefined,
    outId: row.out_id ?? undefined,
  }
}
