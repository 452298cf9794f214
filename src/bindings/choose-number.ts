import { type BindableProduct, sharingOf } from './bindable.ts'

/**
 * How X is found. `given`: this one. `try`: at a few random positions, which gives every free one
 * the same chance, then at the first free ones behind a few; finds nearly always, and costs the
 * same however many A and B are on. `search`: upwards and downwards from a random one. `wait`: the
 * same walk, and not passing by those that others are just binding, as the two before do.
 */
export type ChoiceMethod = 'given' | AllocationMethod
export type AllocationMethod = 'try' | 'search' | 'wait'

/** Walks begin up to this many numbers further on, so that the one behind a gap is not everybody's. */
const jitter = 16

type Scope = 'city' | 'capital' | 'pool'
const inScope: Readonly<Record<Scope, string>> = {
  city: `and n.city = :city::text`,
  capital: `and n.city = :capital::text`,
  pool: '',
}

/**
 * The common table expressions `home`, one row when this pool takes such a binding, and `chosen`,
 * the X with its row lock. Lazy from top to bottom: what comes first ends the search.
 */
export function choosing(method: ChoiceMethod, product: BindableProduct, cities: boolean): string {
  const steps = `${group(product)} home as materialized (${home(product)}
)`
  if (method === 'given') return `${steps}, chosen as materialized (${given(product)})`
  const scopes: readonly Scope[] = cities ? ['city', 'capital', 'pool'] : ['pool']
  const expressions = scopes.flatMap((scope) => helpers(method, scope, product))
  const arms = scopes.flatMap((scope) => armsOf(method, scope, product, cities))
  const from = arms.map((arm, at) => `select * from (${arm}) as arm${at}`)
  return `${steps}${expressions.map((each) => `, ${each}`).join('')}
, chosen as materialized (
  select arm.x, arm.city, arm.version from home cross join lateral (
${from.join('\nunion all\n')}
  limit 1) as arm
)`
}

/** Whether there is one at all, looked for without taking it. */
export function anyUsableText(product: BindableProduct): string {
  return `
with ${group(product)} home as materialized (${home(product)}
)
select 1 from home, number n
 where ${usable('pool', product)} and (home.assignment_mode <> 'strict'${
   product === '95AXN' ? ' or true' : ' or n.city = :city::text'
 })
 limit 1`
}

/** The blind indexes that hold legs on X. */
export function parties(product: BindableProduct): readonly string[] {
  return sharingOf(product) === 'parties' ? [':aIndex::text', ':bIndex::text'] : [':aIndex::text']
}

/** Locked before X is, as everywhere; the lock keeps it from being removed until the binding is there. */
function group(product: BindableProduct): string {
  if (product !== 'AXG') return ''
  return `joined as materialized (
  select g.id from number_group g
   where g.id = :groupId::bigint and g.pool_key = :poolKey and g.account_id = :accountId and g.members > 0
     for key share
),`
}

function home(product: BindableProduct): string {
  const inGroup = product === 'AXG' ? 'and (select count(*) from joined) = 1' : ''
  return `
  select p.assignment_mode, p.cooling_days, p.positions, pool_settings(p) as settings,
         :now::timestamptz - make_interval(days => p.cooling_days) as cold_since
    from pool p
   where p.key = :poolKey and p.account_id = :accountId and p.product = '${product}' ${inGroup}
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
  return `(home.cooling_days = 0 or ${none(product, 'cooling t', 't.until > :now')})`
}

function given(product: BindableProduct): string {
  const expiredAndWarm = 't.expires_at <= :now and t.expires_at > home.cold_since'
  return `
  select n.x, n.city, n.version from home, number n
   where n.x = :x::text and n.account_id = :accountId and n.pool_key = :poolKey
     and n.state = 'normal' and ${notCooling(product)}
     and (home.cooling_days = 0 or ${none(product, 'binding_leg t', expiredAndWarm)})
     for no key update of n`
}

/** Room, and nobody of the binding is on it or was too recently. */
function usable(scope: Scope, product: BindableProduct): string {
  const noLeg = `and ${none(product, 'binding_leg t', 't.expires_at > home.cold_since')}`
  return `n.pool_key = :poolKey and n.free ${inScope[scope]}
     ${sharingOf(product) === 'none' ? '' : noLeg} and ${notCooling(product)}`
}

function helpers(
  method: AllocationMethod,
  scope: Scope,
  product: BindableProduct,
): readonly string[] {
  const here = `n.pool_key = :poolKey and n.free ${inScope[scope]}`
  const edge = (direction: string) =>
    `(select n.position from number n where ${here} order by n.position ${direction} limit 1)`
  const left = `${scope}_left as materialized (
  select 1 from home cross join lateral (
    select 1 from number n where ${usable(scope, product)} order by n.position limit 1
  ) as one
)`
  const span = `${scope}_span as materialized (select ${edge('asc')} as low, ${edge('desc')} as high)`
  // Positions are dense in a pool that nothing was moved out of: good enough for tries.
  const dense = 'pool_span as (select 1 as low, positions as high from home)'
  const start = `${scope}_start as materialized (
  select coalesce(${freeFrom(scope, '0')}, span.low) as position from ${scope}_span as span
)`
  const needed = method === 'try' ? [scope === 'pool' ? dense : span] : [span, start]
  return scope === 'pool' ? needed : [left, ...needed]
}

/**
 * Where the first free one is from a random position on, or one of those behind it: the one after a
 * long gap must not be everybody's.
 */
function freeFrom(scope: Scope, attempt: string): string {
  return `(select f.position from number f
            where f.pool_key = :poolKey and f.free ${inScope[scope].replaceAll('n.', 'f.')}
              and f.position >= ${randomPosition(attempt)}
            order by f.position offset :seed::bigint % ${jitter} limit 1)`
}

/** Of the span, the same for the same seed and try. The hash is the one of hash partitions, so it does not change. */
function randomPosition(attempt: string): string {
  return `span.low + floor((hashint4extended(${attempt}, :seed::bigint) & 2147483647)::float8
                     / 2147483648 * (span.high - span.low + 1))::integer`
}

function armsOf(
  method: AllocationMethod,
  scope: Scope,
  product: BindableProduct,
  cities: boolean,
): readonly string[] {
  const columns = 'select n.x, n.city, n.version from number n where'
  const open = gate(scope, product, cities)
  const fits = usable(scope, product)
  const lock = `limit 1 for no key update of n ${method === 'wait' ? '' : 'skip locked'}`
  if (method === 'try') {
    const at = (tries: number, position: (attempt: string) => string) =>
      `select spot.* from ${scope}_span as span
        cross join generate_series(1, ${tries}) as attempt
        cross join lateral (${columns} ${fits} and n.position = ${position('attempt')} ${lock}) as spot
        where ${open} limit 1`
    return [at(12, randomPosition), at(8, (attempt) => freeFrom(scope, attempt))]
  }
  const walk = (side: string, direction: string) =>
    `${columns} ${open} and ${fits} and n.position ${side} (select position from ${scope}_start)
      order by n.position ${direction} ${lock}`
  return [walk('>=', 'asc'), walk('<', 'desc')]
}

/** Whether the pool's mode looks there, nothing before being left: what is only locked is waited for. */
function gate(scope: Scope, product: BindableProduct, cities: boolean): string {
  if (scope === 'city') return 'true'
  const nothingBefore = cities ? 'not exists (select 1 from city_left)' : 'true'
  if (scope === 'capital') return `home.assignment_mode = 'smart' and ${nothingBefore}`
  // Numbers of the whole nation have no city.
  const strict = product === '95AXN' ? 'true' : `home.assignment_mode <> 'strict'`
  if (!cities) return strict
  return `${strict} and ${nothingBefore}
     and (home.assignment_mode <> 'smart' or not exists (select 1 from capital_left))`
}
