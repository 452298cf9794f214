import type { NumberRoute, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { SealedBoundRoute } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import type { ReadRoute } from './route-cache.ts'

type Row = {
  readonly version: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly state: string
  readonly city: string | null
  readonly binding_id: string | null
  readonly role: string
  readonly callee_sealed: string
  readonly expires_at: Date
  readonly recording: boolean
  readonly ringback: string | null
  readonly ring_seconds_max: number
  readonly talk_seconds_max: number
  readonly restriction: string | null
  readonly out_id: string | null
}

/** The truth about one caller on one X, in one statement, so in one snapshot. */
export async function findRoute(
  sql: Sql,
  x: VirtualNumber,
  party: string | undefined,
): Promise<ReadRoute> {
  const [row] = await sql.rows<Row>({
    name: 'resolve.find-route',
    text: `
      select n.version, n.account_id, n.pool_key, p.product, n.state, n.city,
             b.id as binding_id, l.role, b.expires_at, b.restriction, b.out_id,
             case l.role when 'A' then b.b_sealed else b.a_sealed end as callee_sealed,
             coalesce(b.recording, p.recording) as recording,
             coalesce(b.ringback, p.ringback) as ringback,
             coalesce(b.ring_seconds_max, p.ring_seconds_max) as ring_seconds_max,
             coalesce(b.talk_seconds_max, p.talk_seconds_max) as talk_seconds_max
        from number n
        join pool p on p.key = n.pool_key
        left join (binding_leg l join binding b on b.id = l.binding_id)
          on l.x = n.x and l.party = $2
       where n.x = $1`,
    values: [x, party],
  })
  const bound = row === undefined ? undefined : boundFrom(row)
  return {
    x,
    // Zero is older than anything that X's owner will write.
    version: row === undefined ? 0 : Number(row.version),
    number: row === undefined ? undefined : numberFrom(x, row),
    parties: party === undefined ? [] : [{ party, bound }],
  }
}

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
  if (row.binding_id === null) return undefined
  return {
    bindingId: row.binding_id as BindingId,
    callerRole: row.role === 'A' ? 'A' : 'B',
    calleeSealed: row.callee_sealed,
    expiresAt: row.expires_at,
    recording: row.recording,
    ringback: row.ringback ?? undefined,
    ringSecondsMax: row.ring_seconds_max,
    talkSecondsMax: row.talk_seconds_max,
    restriction: (row.restriction as 'AX' | 'BX' | null) ?? undefined,
    outId: row.out_id ?? undefined,
  }
}
