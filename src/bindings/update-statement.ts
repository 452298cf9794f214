import { bindingColumns } from './binding-rows.ts'
import { namedQuery } from './named-query.ts'

/** Columns that a change sets as given, with their types. */
const plainColumns = {
  recording: 'boolean',
  tones: 'jsonb',
  ring_seconds_max: 'integer',
  talk_seconds_max: 'integer',
  restriction: 'text',
  out_id: 'text',
  out_order_id: 'text',
  asr: 'boolean',
  asr_model: 'text',
  survey: 'jsonb',
} as const

export type PlainColumn = keyof typeof plainColumns

const assignments = Object.entries(plainColumns).map(
  ([column, type]) =>
    `${column} = case when '${column}' = any(:fields::text[]) then :${column}::${type} else held.${column} end`,
)

/** Parties that a change puts in place of others and that hold legs: new A, and for AXB new B. */
const arriving = `(:aIndex::text, case when b.product = 'AXB' then :bIndex::text end)`

/**
 * Who is now where a leg was. Who stays among the two keeps his leg, be it as A or B, and who comes
 * takes that of who goes: so no step of it has one of them twice on X. Of the leg's own columns,
 * and no join: after a wait Postgres looks at the newest leg, but not for another partner of it.
 */
const partyNow = `
         case when b.product <> 'AXB' then b.a_index
              when l.party in (b.a_index, b.b_index) then l.party
              when b.a_index in (held.a_index, held.b_index) then b.b_index
              when b.b_index in (held.a_index, held.b_index) then b.a_index
              when l.role = 'A' then b.a_index
              else b.b_index
         end`

/**
 * A change of any fields in one statement: the row lock on X first (after the group's), then the
 * binding as it is under that lock (`held`), then the rest. Legs are changed in place, so that an
 * unbind or a sweep that began before follows them. No row: `why-not-updated.ts` finds out why.
 */
export const updateQuery = namedQuery(
  'bindings.update',
  `
with joined as materialized (
  select g.id from number_group g
   where g.id = :groupId::bigint and g.account_id = :accountId and g.members > 0
     and g.pool_key = (select pool_key from binding where id = :id::bigint)
     for key share
), locked as materialized (
  select n.x, n.state, n.city, n.version, p.cooling_days, pool_settings(p) as settings,
         :now::timestamptz - make_interval(days => p.cooling_days) as cold_since
    from number n join binding b on b.x = n.x join pool p on p.key = n.pool_key
   where b.id = :id::bigint and b.account_id = :accountId::text
     and b.ended_at is null
     and (:poolKey::text is null or b.pool_key = :poolKey) and (:x::text is null or b.x = :x)
     and (:groupId::bigint is null or (b.product = 'AXG' and (select count(*) from joined) = 1))
     and (b.product = 'AXB' or :survey::jsonb is null)
     and (b.product <> 'AXB' or not ('b' = any(:fields::text[]) and :bIndex::text is null))
     and not exists (select 1 from number other where other.x_index in (:aIndex::text, :bIndex::text))
     for no key update of n
), held as materialized (
  select b.*, locked.cooling_days from locked, binding b
   where b.id = :id::bigint and b.ended_at is null and b.expires_at > :now
     and (locked.cooling_days = 0 or (
           select 1 from cooling c
            where c.x = b.x and c.party in ${arriving} and c.until > :now limit 1) is null)
     and (locked.cooling_days = 0 or (
           select 1 from binding_leg l
            where l.x = b.x and l.party in ${arriving} and l.binding_id <> b.id
              and l.expires_at <= :now and l.expires_at > locked.cold_since limit 1) is null)
     for no key update of b
), stale as (
  update binding b set ended_at = b.expires_at, end_reason = 'expired'
    from (select l.binding_id from held join binding_leg l on l.x = held.x
           where l.party = :aIndex::text and l.binding_id <> held.id and l.expires_at <= :now
          union all
          select l.binding_id from held join binding_leg l on l.x = held.x
           where l.party = :bIndex::text and held.product = 'AXB' and l.binding_id <> held.id
             and l.expires_at <= :now) as l
   where b.id = l.binding_id and b.ended_at is null and b.expires_at <= :now
  returning b.id
), cleared as (
  delete from binding_leg l using stale
   where l.binding_id = stale.id and (select count(*) from stale) > 0
  returning 1
), b as (
  update binding
     set a_sealed = coalesce(:aSealed::text, held.a_sealed),
         a_index = coalesce(:aIndex::text, held.a_index),
         b_sealed = case when 'b' = any(:fields::text[]) then :bSealed::text else held.b_sealed end,
         b_index = case when 'b' = any(:fields::text[]) then :bIndex::text else held.b_index end,
         expires_at = coalesce(:expiresAt::timestamptz, held.expires_at),
         group_id = coalesce(:groupId::bigint, held.group_id),
         ${assignments.join(',\n         ')}
    from held
   where binding.id = held.id
  returning binding.*
), moved as (
  update binding_leg l
     set party = ${partyNow}, expires_at = b.expires_at,
         role = case ${partyNow} when b.a_index then 'A' else 'B' end
    from (select count(*) from cleared) as after_clearing, held join b on b.id = held.id
   where l.binding_id = b.id
), leaving as materialized (
  select side.party
    from held join b on b.id = held.id
   cross join lateral (values (held.a_index),
                              (case when b.product = 'AXB' then held.b_index end)) as side (party)
   where side.party <> b.a_index and (b.product <> 'AXB' or side.party <> b.b_index)
), cooled as (
  insert into cooling (party, x, until)
  select leaving.party, held.x, :now::timestamptz + make_interval(days => held.cooling_days)
    from leaving, held where held.cooling_days > 0
  on conflict (party, x) do update set until = greatest(cooling.until, excluded.until)
), bumped as (
  update number n
     set version = nextval('route_version'), bound = n.bound - (select count(*) from stale)
    from b
   where n.x = b.x
  returning n.version
), noted as (
  insert into invalidation (x, version, parties)
  select b.x, bumped.version,
         case b.product
           when 'AXB' then array[b.a_index, b.b_index] || array(select party from leaving)
           when 'AXN_EXTENSION' then array[b.a_index, 'e' || b.extension] || array(select party from leaving)
           else '{}'
         end
    from b, bumped
  returning id
), remembered as (
  insert into idempotency_key (account_id, key, request_hash, binding_id, created_at)
  select :accountId::text, :idempotencyKey::text, :requestHash::text, b.id, :now::timestamptz
    from b where :idempotencyKey::text is not null
)
select ${bindingColumns}, b.a_index, b.b_index, noted.id as invalidation_id, bumped.version,
       locked.state, locked.city, array(select party from leaving) as leaving,
       case when locked.version = (select seen.version from number seen where seen.x = locked.x)
            then locked.settings else pool_settings_now(b.pool_key) end as settings
  from b, locked, bumped, noted`,
)
