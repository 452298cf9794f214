import type { PoolSettings } from '../domain/call.ts'
import type { AccountId } from '../domain/ids.ts'
import type { Query } from '../platform/sql.ts'
import { type BindableProduct, sharingOf } from './bindable.ts'
import { anyUsableText, type Choice, choosing, type Preference, parties } from './choose-number.ts'
import { type NamedQuery, namedQuery } from './named-query.ts'
import type { WhereFrom } from './where-from.ts'

/** Everything that a bind writes, numbers already sealed and indexed. */
export type BindValues = {
  readonly product: BindableProduct
  readonly accountId: AccountId
  readonly poolKey: string
  readonly aSealed: string
  readonly aIndex: string
  readonly bSealed: string | undefined
  readonly bIndex: string | undefined
  /** Undefined for an AXN extension: one is assigned. */
  readonly extension: string | undefined
  readonly groupId: string | undefined
  readonly expiresAt: Date
  readonly recording: boolean | undefined
  /** JSON. */
  readonly tones: string | undefined
  readonly ringSecondsMax: number | undefined
  readonly talkSecondsMax: number | undefined
  readonly restriction: string | undefined
  readonly outId: string | undefined
  readonly outOrderId: string | undefined
  readonly asr: boolean | undefined
  readonly asrModel: string | undefined
  /** JSON. */
  readonly survey: string | undefined
  readonly now: Date
  readonly idempotencyKey: string | undefined
  readonly requestHash: string
}

/** How X is found: `choose-number.ts`. */
export type XChoice = Choice & {
  /** The one that is given. */
  readonly x?: string | undefined
  /** Random, from 0 to 2^31. */
  readonly seed: number
  readonly city?: string | undefined
  readonly capital?: string | undefined
  /** Whether legs that have expired are cleared away; without it they are conflicts. Never for a `try`. */
  readonly clearing?: boolean
}

export type BoundRow = {
  readonly id: string
  readonly x: string
  readonly city: string | null
  readonly extension: string | null
  readonly version: string
  readonly invalidation_id: string
  readonly settings: PoolSettings
}

/**
 * The whole bind in one statement, so in one round trip and one transaction. The row lock on X comes
 * first and every other part hangs on it. What a concurrent bind did after this statement's
 * snapshot is seen by the constraints: one leg per party, one per extension, as many bindings per X
 * as it carries, one binding per idempotency key. No row: X could not be had; `why-refused.ts`
 * finds out why.
 *
 * Legs that have expired and were not swept yet make way when they may have to (`clearing`), and go
 * on cooling. What is not needed is not in the text: each part costs also when it does nothing.
 * `cleared` does not begin when nothing is stale: while the table is small, its plan reads all of it.
 */
export function bindStatement(choice: XChoice, values: BindValues): Query {
  const { product, extension } = values
  const parts = {
    assigned: product === 'AXN_EXTENSION' && extension === undefined,
    clearing: choice.clearing === true,
    keyed: values.idempotencyKey !== undefined,
  }
  const name = `bindings.bind-${product}-${nameOf(choice)}${marksOf(parts)}`
  const query = remembered(name, () => textOf(choosing(choice, product), product, parts))
  // A `try` waits for nobody, unless it has a key that is being used.
  const shared = choice.by === 'try' && !parts.keyed
  return { ...query({ ...values, ...choice }), shared }
}

/** Whether allocation found nothing only because others were at it. */
export function anyUsableQuery(preference: Preference & WhereFrom, values: BindValues): Query {
  const { product } = values
  const name = `bindings.any-usable-${product}-${nameOf({ ...preference, by: 'search' })}`
  return remembered(name, () => anyUsableText(product, preference))({ ...values, ...preference })
}

/** At most 63 characters with all that is put around it. */
function nameOf(choice: Choice): string {
  const cools = marksOf({ cools: choice.cools })
  if (choice.by === 'given') return `given${cools}`
  const scope = choice.by === 'try' ? `-${choice.scope}` : ''
  return `${choice.by}${scope}-${choice.mode}-of-${choice.scopes.map((each) => each.slice(0, 2)).join('')}${cools}`
}

function marksOf(parts: Readonly<Record<string, boolean>>): string {
  const present = Object.keys(parts).filter((part) => parts[part] === true)
  return present.map((part) => `-${part.slice(0, 2)}`).join('')
}

/** A few dozen of them are in use. */
const known = new Map<string, NamedQuery>()

function remembered(name: string, text: () => string): NamedQuery {
  const found = known.get(name)
  if (found !== undefined) return found
  const made = namedQuery(name, text())
  known.set(name, made)
  return made
}

type Parts = {
  /** The extension is ours to choose. */
  readonly assigned: boolean
  /** An expired leg may be in the way. */
  readonly clearing: boolean
  readonly keyed: boolean
}

function textOf(choice: string, product: BindableProduct, parts: Parts): string {
  const { assigned, clearing, keyed } = parts
  return `
with ${choice}
${assigned ? assigning : ''}
${clearing ? clearingOf(product) : ''}
, bound as (
  insert into binding (account_id, pool_key, x, product, a_sealed, a_index, b_sealed, b_index,
                       extension, group_id, expires_at, recording, tones, ring_seconds_max,
                       talk_seconds_max, restriction, out_id, out_order_id, asr, asr_model, survey,
                       created_at)
  select :accountId::text, :poolKey::text, chosen.x, '${product}', :aSealed::text, :aIndex::text,
         :bSealed::text, :bIndex::text, ${extensionOf(product, assigned)}, :groupId::bigint,
         :expiresAt::timestamptz, :recording::boolean, :tones::jsonb, :ringSecondsMax::integer,
         :talkSecondsMax::integer, :restriction::text, :outId::text, :outOrderId::text,
         :asr::boolean, :asrModel::text, :survey::jsonb, :now::timestamptz
    from chosen ${assigned ? 'cross join assigned' : ''}
  returning id, x, extension
), legs as (
  ${legs(product, clearing)}
), bumped as (
  update number n
     set version = nextval('route_version'),
         bound = n.bound + 1${clearing ? ' - (select count(*) from stale)' : ''}
    from chosen
   where n.x = chosen.x
  returning n.version
), noted as (
  insert into invalidation (x, version, parties)
  select bound.x, bumped.version, ${changedParties(product)} from bound, bumped
  returning id
)
${keyed ? remembering : ''}
select bound.id, bound.x, bound.extension, chosen.city, bumped.version, noted.id as invalidation_id,
       ${settingsNow}
  from home, chosen, bound, bumped, noted`
}

const remembering = `
, remembered as (
  insert into idempotency_key (account_id, key, request_hash, binding_id, created_at)
  select :accountId::text, :idempotencyKey::text, :requestHash::text, bound.id, :now::timestamptz
    from bound
)`

function clearingOf(product: BindableProduct): string {
  return `
, stale as (
  update binding b set ended_at = b.expires_at, end_reason = 'expired'
    from (${inTheWay(product).map(expiredLeg).join(' union all ')}) as l
   where b.id = l.binding_id and b.ended_at is null and b.expires_at <= :now
  returning b.id
), cleared as (
  delete from binding_leg l using stale
   where l.binding_id = stale.id and (select count(*) from stale) > 0
  returning l.party, l.x, l.expires_at
)
${sharingOf(product) === 'parties' ? '' : cooling}`
}

/**
 * What the pool says. When X has changed between this statement's snapshot and its lock, so may the
 * pool have, and the numbers told; then it is read anew, or the new version would carry old settings.
 */
const settingsNow = `
       case when chosen.version = (select seen.version from number seen where seen.x = chosen.x)
            then home.settings else pool_settings_now(:poolKey) end as settings`

/** A free one of three digits: by chance, and in a nearly full X by looking at each. */
const assigning = `
, assigned as materialized (
  select coalesce(
           (select spot.digits
              from generate_series(1, 16) as attempt
              cross join lateral (
                select lpad(((hashint4extended(attempt, :seed::bigint) & 2147483647) % 1000)::text, 3, '0') as digits
              ) as spot
             where (select 1 from binding_leg l where l.x = chosen.x and l.slot = spot.digits) is null
             limit 1),
           (select lpad(at::text, 3, '0') from generate_series(0, 999) as at
             where (select 1 from binding_leg l
                     where l.x = chosen.x and l.slot = lpad(at::text, 3, '0')) is null
             limit 1)) as extension
    from chosen
)`

const cooling = `
, cooled as (
  insert into cooling (party, x, until)
  select cleared.party, cleared.x, cleared.expires_at + make_interval(days => home.cooling_days)
    from cleared, home where home.cooling_days > 0
  on conflict (party, x) do update set until = greatest(cooling.until, excluded.until)
)`

/** One index probe each. */
const expiredLeg = (condition: string) => `
      select l.binding_id from chosen join binding_leg l on l.x = chosen.x
       where ${condition} and l.expires_at <= :now`

/** Which legs leave no room for this binding. */
function inTheWay(product: BindableProduct): readonly string[] {
  const ofParties = parties(product).map((party) => `l.party = ${party}`)
  switch (sharingOf(product)) {
    case 'parties':
      return ofParties
    case 'none':
      return [`l.slot = '*'`]
    case 'extensions':
      return [...ofParties, 'l.slot = :extension::text']
  }
}

function extensionOf(product: BindableProduct, assigned: boolean): string {
  if (product !== 'AXN_EXTENSION') return 'null'
  return assigned ? 'assigned.extension' : ':extension::text'
}

/** After the stale ones have gone. */
function legs(product: BindableProduct, clearing: boolean): string {
  const insert = `
  insert into binding_leg (x, party, binding_id, role, slot, expires_at)`
  const cleared = clearing ? '(select count(*) from cleared) as after_clearing,' : ''
  if (sharingOf(product) === 'parties') {
    return `${insert}
  select bound.x, side.party, bound.id, side.role, null, :expiresAt::timestamptz
    from ${cleared} bound, (values (:aIndex::text, 'A'), (:bIndex::text, 'B')) as side (party, role)`
  }
  const slot = sharingOf(product) === 'none' ? `'*'` : 'bound.extension'
  return `${insert}
  select bound.x, :aIndex::text, bound.id, 'A', ${slot}, :expiresAt::timestamptz
    from ${cleared} bound`
}

/** Names of the records, besides X's own, that calls see changed. */
function changedParties(product: BindableProduct): string {
  switch (sharingOf(product)) {
    case 'parties':
      return 'array[:aIndex::text, :bIndex::text]'
    case 'none':
      return `'{}'::text[]`
    case 'extensions':
      return `array[:aIndex::text, 'e' || bound.extension]`
  }
}
