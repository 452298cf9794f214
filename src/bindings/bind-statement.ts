import type { PoolSettings } from '../domain/call.ts'
import type { Tones } from '../domain/tones.ts'
import type { Query } from '../platform/sql.ts'

/** Everything that a bind writes, numbers already sealed and indexed. */
export type BindValues = {
  readonly accountId: string
  readonly poolKey: string
  readonly a: { readonly sealed: string; readonly index: string }
  readonly b: { readonly sealed: string; readonly index: string }
  readonly expiresAt: Date
  readonly recording: boolean | undefined
  readonly tones: Tones | undefined
  readonly ringSecondsMax: number | undefined
  readonly talkSecondsMax: number | undefined
  readonly restriction: string | undefined
  readonly outId: string | undefined
  readonly now: Date
  readonly idempotencyKey: string | undefined
  readonly requestHash: string
}

/** How X is found. `upwards` and `downwards` from a random position skip numbers that others are just binding; `wait` does not. */
export type XChoice =
  | { readonly by: 'given'; readonly x: string }
  | { readonly by: 'upwards' | 'downwards' | 'wait'; readonly fraction: number }

export type BoundRow = {
  readonly id: string
  readonly x: string
  readonly product: string
  readonly city: string | null
  readonly version: string
  readonly invalidation_id: string
  readonly settings: PoolSettings
}

const numberOfPool = `
  select n.x, n.city, p.product, pool_settings(p) as settings
    from number n join pool p on p.key = n.pool_key
   where n.account_id = $1 and n.pool_key = $2 and n.state = 'normal' and p.product = 'AXB'
     and not exists (select 1 from number other where other.x_index in ($4, $6))`

/** Neither party has a live leg there, and there is room. Position order makes each candidate a few index probes. */
const usable = `
     and n.free
     and not exists (
           select 1 from binding_leg l
            where l.x = n.x and l.party in ($4, $6) and l.expires_at > $14)`

const fromFraction = '(select floor($17::float8 * positions)::int from pool where key = $2)'

const chosenBy: Readonly<Record<XChoice['by'], string>> = {
  given: `${numberOfPool} and n.x = $17 for no key update of n`,
  upwards: `${numberOfPool} ${usable} and n.position > ${fromFraction}
     order by n.position limit 1 for no key update of n skip locked`,
  downwards: `${numberOfPool} ${usable} and n.position <= ${fromFraction}
     order by n.position desc limit 1 for no key update of n skip locked`,
  wait: `${numberOfPool} ${usable} and n.position > $17::float8
     order by n.position limit 1 for no key update of n`,
}

/**
 * The whole bind in one statement, so in one round trip and one transaction. The row lock on X comes
 * first and every other part hangs on it. What a concurrent bind did after this statement's
 * snapshot is seen by the constraints: one leg per party, at most 200 bindings per X, one binding
 * per idempotency key. No row: X could not be had; `why-refused.ts` finds out why.
 *
 * Legs that have expired and were not swept yet make way (`stale`, `cleared`).
 */
export function bindStatement(choice: XChoice, values: BindValues): Query {
  return {
    name: `bindings.bind-${choice.by}`,
    text: `
with chosen as materialized (${chosenBy[choice.by]}
), stale as (
  update binding b set ended_at = b.expires_at, end_reason = 'expired'
    from chosen join binding_leg l on l.x = chosen.x and l.party in ($4, $6) and l.expires_at <= $14
   where b.id = l.binding_id and b.ended_at is null
  returning b.id
), cleared as (
  delete from binding_leg l using stale where l.binding_id = stale.id
  returning 1
), bound as (
  insert into binding (account_id, pool_key, x, product, a_sealed, a_index, b_sealed, b_index,
                       expires_at, recording, tones, ring_seconds_max, talk_seconds_max,
                       restriction, out_id, created_at)
  select $1::text, $2::text, chosen.x, chosen.product, $3::text, $4::text, $5::text, $6::text,
         $7::timestamptz, $8::boolean, $9::jsonb, $10::integer, $11::integer,
         $12::text, $13::text, $14::timestamptz
    from chosen
  returning id, x
), legs as (
  insert into binding_leg (x, party, binding_id, role, expires_at)
  select bound.x, side.party, bound.id, side.role, $7::timestamptz
    from (select count(*) from cleared) as after_clearing, bound,
         (values ($4::text, 'A'), ($6::text, 'B')) as side (party, role)
), bumped as (
  update number n
     set version = nextval('route_version'), bound = n.bound + 1 - (select count(*) from stale)
    from chosen
   where n.x = chosen.x
  returning n.version
), noted as (
  insert into invalidation (x, version, parties)
  select chosen.x, bumped.version, array[$4::text, $6::text] from chosen, bumped
  returning id
), remembered as (
  insert into idempotency_key (account_id, key, request_hash, binding_id, created_at)
  select $1::text, $15::text, $16::text, bound.id, $14::timestamptz from bound where $15::text is not null
)
select bound.id, chosen.x, chosen.product, chosen.city, bumped.version, noted.id as invalidation_id,
       chosen.settings
  from chosen, bound, bumped, noted`,
    values: [
      values.accountId,
      values.poolKey,
      values.a.sealed,
      values.a.index,
      values.b.sealed,
      values.b.index,
      values.expiresAt,
      values.recording,
      values.tones === undefined ? undefined : JSON.stringify(values.tones),
      values.ringSecondsMax,
      values.talkSecondsMax,
      values.restriction,
      values.outId,
      values.now,
      values.idempotencyKey,
      values.requestHash,
      choice.by === 'given' ? choice.x : choice.fraction,
    ],
  }
}
