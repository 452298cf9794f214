import { type BindableProduct, sharingOf } from './bindable.ts'
import type { AssignmentMode, Scope } from './pool-facts.ts'

/**
 * How X is found. `given`: this one. `try`: at a few random positions of one scope, which gives
 * every free one the same chance; in a city, where numbers may lie far apart, then at the first
 * free ones behind a few. Finds nearly always, and costs the same however many A and B are on.
 * `search`: in each scope upwards and downwards from a random position. `wait`: the same walk, and
 * not passing by those that others are just binding, as the two before do.
 */
export type Choice =
  | { readonly by: 'given'; readonly cools: boolean }
  | (Preference & { readonly by: 'try'; readonly scope: Scope })
  | (Preference & { readonly by: 'search' | 'wait' })

/** What the pool says, and the scopes in the order in which they are wanted. */
export type Preference = {
  readonly mode: AssignmentMode
  readonly cools: boolean
  readonly scopes: readonly Scope[]
}

/** Walks begin up to this many numbers further on, so that the one behind a gap is not everybody's. */
const jitter = 16

const inScope: Readonly<Record<Scope, string>> = {
  city: 'and n.city = :city::text',
  capital: 'and n.city = :capital::text',
  pool: '',
}

/**
 * The common table expressions `home`, one row when this pool is as it was taken to be and takes
 * such a binding, and `chosen`, the X with its row lock. Each arm is begun only when the arms before
 * it have found nothing.
 */
export function choosing(choice: Choice, product: BindableProduct): string {
  const steps = `${joined(product)} home as materialized (${home(choice, product)}
)`
  if (choice.by === 'given') {
    return `${steps}, chosen as materialized (${given(product, choice.cools)})`
  }
  const { helpers, arms } = choice.by === 'try' ? trying(choice, product) : walking(choice, product)
  const from = arms.map((arm, at) => `select * from (${arm}) as arm${at}`)
  return `${steps}${helpers.map((each) => `, ${each}`).join('')}
, chosen as materialized (
  select arm.x, arm.city, arm.version from home cross join lateral (
${from.join('\nunion all\n')}
  limit 1) as arm
)`
}

/** Whether there is one at all, looked for without taking it. */
export function anyUsableText(
  product: BindableProduct,
  { scopes, cools, mode }: Preference,
): string {
  const arms = scopes.map(
    (scope) => `(select 1 as one from number n where ${usable(scope, product, cools)} limit 1)`,
  )
  return `
with ${joined(product)} home as materialized (${home({ by: 'search', scopes, cools, mode }, product)}
)
select 1 from home cross join lateral (${arms.join(' union all ')}) as found limit 1`
}

/** The blind indexes that hold legs on X. */
export function parties(product: BindableProduct): readonly string[] {
  return sharingOf(product) === 'parties' ? [':aIndex::text', ':bIndex::text'] : [':aIndex::text']
}

/** Locked before X is, as everywhere; the lock keeps it from being removed until the binding is there. */
function joined(product: BindableProduct): string {
  if (product !== 'AXG') return ''
  return `joined as materialized (
  select g.id from number_group g
   where g.id = :groupId::bigint and g.pool_key = :poolKey and g.account_id = :accountId and g.members > 0
     for key share
),`
}

function home(choice: Choice, product: BindableProduct): string {
  const cools = choice.cools ? 'p.cooling_days > 0' : 'p.cooling_days = 0'
  const mode = choice.by === 'given' ? 'true' : `p.assignment_mode = '${choice.mode}'`
  const inGroup = product === 'AXG' ? 'and (select count(*) from joined) = 1' : ''
  return `
  select p.cooling_days, p.positions, pool_settings(p) as settings,
         :now::timestamptz - make_interval(days => p.cooling_days) as cold_since
    from pool p
   where p.key = :poolKey and p.account_id = :accountId and p.product = '${product}'
     and ${cools} and ${mode} ${inGroup}
     and not exists (select 1 from number other where other.x_index in (:aIndex, :bIndex))`
}

/**
 * True when no party of the binding has such a row for X. Scalar subqueries are not made joins of,
 * and one per party is one index probe each; `coalesce` because Postgres takes `is null` for rare
 * and would plan for candidates that nearly always fail.
 */
function none(product: BindableProduct, table: string, condition: string): string {
  const probes = parties(product).map(
    (party) =>
      `(select false from ${table} where t.x = n.x and t.party = ${party} and ${condition} limit 1)`,
  )
  return `coalesce(${probes.join(', ')}, true)`
}

function notCooling(product: BindableProduct): string {
  return none(product, 'cooling t', 't.until > :now')
}

function given(product: BindableProduct, cools: boolean): string {
  const expiredAndWarm = 't.expires_at <= :now and t.expires_at > home.cold_since'
  const cold = `and ${notCooling(product)} and ${none(product, 'binding_leg t', expiredAndWarm)}`
  return `
  select n.x, n.city, n.version from home, number n
   where n.x = :x::text and n.account_id = :accountId and n.pool_key = :poolKey
     and n.state = 'normal' ${cools ? cold : ''}
     for no key update of n`
}

/** Room, and nobody of the binding is on it or was too recently. `legs`: which of theirs count. */
function usable(
  scope: Scope,
  product: BindableProduct,
  cools: boolean,
  legs = 't.expires_at > home.cold_since',
): string {
  const noLeg = `and ${none(product, 'binding_leg t', legs)}`
  return `n.pool_key = :poolKey and n.free ${inScope[scope]}
     ${sharingOf(product) === 'none' ? '' : noLeg} ${cools ? `and ${notCooling(product)}` : ''}`
}

type Parts = { readonly helpers: readonly string[]; readonly arms: readonly string[] }

/**
 * Only while nothing is free in the scopes that are wanted more: otherwise the search decides. A leg
 * that has expired and was not swept counts too, so that none has to be cleared away.
 */
function trying(
  { scope, scopes, cools }: Extract<Choice, { by: 'try' }>,
  product: BindableProduct,
): Parts {
  const better = scopes.slice(0, scopes.indexOf(scope))
  const open = better
    .map((each) => `not exists (select 1 from number n where ${freeIn(each)})`)
    .join(' and ')
  // Positions are dense in a pool that nothing was moved out of: good enough for tries.
  const span =
    scope === 'pool' ? 'pool_span as (select 1 as low, positions as high from home)' : spanOf(scope)
  const at = (tries: number, position: (attempt: string) => string) =>
    `select spot.* from ${scope}_span as span
      cross join generate_series(1, ${tries}) as attempt
      cross join lateral (
        select n.x, n.city, n.version from number n
         where ${usable(scope, product, cools, 'true')} and n.position = ${position('attempt')}
         limit 1 for no key update of n skip locked) as spot
      where ${open === '' ? 'true' : open} limit 1`
  const behind = at(8, (attempt) => freeFrom(scope, attempt))
  return {
    helpers: [span],
    arms: scope === 'pool' ? [at(12, randomPosition)] : [at(8, randomPosition), behind],
  }
}

/** What the scopes before have, if only locked, is left to them: it is waited for. */
function walking(
  { by, scopes, cools }: Preference & { readonly by: 'search' | 'wait' },
  product: BindableProduct,
): Parts {
  const lock = `limit 1 for no key update of n ${by === 'wait' ? '' : 'skip locked'}`
  const left = (scope: Scope) => `${scope}_left as materialized (
  select 1 from home cross join lateral (
    select 1 from number n where ${usable(scope, product, cools)} order by n.position limit 1
  ) as one
)`
  const start = (scope: Scope) => `${scope}_start as materialized (
  select coalesce(${freeFrom(scope, '0')}, span.low) as position from ${scope}_span as span
)`
  const arms = scopes.flatMap((scope, at) => {
    const before = scopes.slice(0, at).map((each) => `and not exists (select 1 from ${each}_left)`)
    const walk = (side: string, direction: string) =>
      `select n.x, n.city, n.version from number n
        where ${usable(scope, product, cools)} ${before.join(' ')}
          and n.position ${side} (select position from ${scope}_start)
        order by n.position ${direction} ${lock}`
    return [walk('>=', 'asc'), walk('<', 'desc')]
  })
  return {
    helpers: scopes.flatMap((scope, at) => [
      spanOf(scope),
      start(scope),
      ...(at < scopes.length - 1 ? [left(scope)] : []),
    ]),
    arms,
  }
}

const freeIn = (scope: Scope) => `n.pool_key = :poolKey and n.free ${inScope[scope]}`

function spanOf(scope: Scope): string {
  const edge = (direction: string) =>
    `(select n.position from number n where ${freeIn(scope)} order by n.position ${direction} limit 1)`
  return `${scope}_span as materialized (select ${edge('asc')} as low, ${edge('desc')} as high)`
}

/**
 * Where the first free one is from a random position on, or one of those behind it: the one after a
 * long gap must not be everybody's.
 */
function freeFrom(scope: Scope, attempt: string): string {
  return `(select f.position from number f
            where ${freeIn(scope).replaceAll('n.', 'f.')}
              and f.position >= ${randomPosition(attempt)}
            order by f.position offset :seed::bigint % ${jitter} limit 1)`
}

/** Of the span, the same for the same seed and attempt. The hash is the one of hash partitions, so it does not change. */
function randomPosition(attempt: string): string {
  return `span.low + floor((hashint4extended(${attempt}, :seed::bigint) & 2147483647)::float8
                     / 2147483648 * (span.high - span.low + 1))::integer`
}
