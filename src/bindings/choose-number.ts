import { type BindableProduct, sharingOf } from './bindable.ts'

/**
 * How X is found. `given`: this one. `try`: at a few random positions of the pool; finds nearly
 * always, and costs least. `search`: the same and then upwards and downwards from a random place.
 * `wait`: also those that others are just binding, which the two before pass by.
 */
export type ChoiceMethod = 'given' | AllocationMethod
export type AllocationMethod = 'try' | 'search' | 'wait'

const tries: Readonly<Record<'try' | 'search', number>> = { try: 16, search: 48 }
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
export function partyList(product: BindableProduct): string {
  return sharingOf(product) === 'parties' ? ':aIndex, :bIndex' : ':aIndex'
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

/** A scalar subquery is not made a join of: it stays an index probe for each candidate. */
function notCooling(product: BindableProduct): string {
  return `
     and (home.cooling_days = 0 or (
           select 1 from cooling c
            where c.x = n.x and c.party in (${partyList(product)}) and c.until > :now limit 1) is null)`
}

function given(product: BindableProduct): string {
  return `
  select n.x, n.city, n.version from home, number n
   where n.x = :x::text and n.account_id = :accountId and n.pool_key = :poolKey and n.state = 'normal'
     and (home.cooling_days = 0 or (
           select 1 from binding_leg l
            where l.x = n.x and l.party in (${partyList(product)})
              and l.expires_at <= :now and l.expires_at > home.cold_since limit 1) is null)
     ${notCooling(product)}
     for no key update of n`
}

/** Room, and nobody of the binding is on it or was too recently. */
function usable(scope: Scope, product: BindableProduct): string {
  const noLeg = `
     and (select 1 from binding_leg l
           where l.x = n.x and l.party in (${partyList(product)})
             and l.expires_at > home.cold_since limit 1) is null`
  return `n.pool_key = :poolKey and n.free ${inScope[scope]}
     ${sharingOf(product) === 'none' ? '' : noLeg} ${notCooling(product)}`
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
  select 1 from home, number n where ${usable(scope, product)} limit 1
)`
  const span =
    scope === 'pool' && method === 'try'
      ? 'pool_span as (select 1 as low, positions as high from home)'
      : `${scope}_span as materialized (select ${edge('asc')} as low, ${edge('desc')} as high)`
  const start = `${scope}_start as materialized (
  select coalesce((select n.position from number n
                    where ${here} and n.position >= ${randomPosition('0')}
                    order by n.position offset :seed::bigint % ${jitter} limit 1), 2147483647) as position
    from ${scope}_span as span
)`
  const needed = scope === 'pool' ? [] : [left]
  if (method === 'wait') return needed
  return method === 'try' ? [...needed, span] : [...needed, span, start]
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
  if (method === 'wait') {
    return [`${columns} ${open} and ${fits} order by n.position limit 1 for no key update of n`]
  }
  const passing = 'for no key update of n skip locked'
  const tried = `select spot.* from ${scope}_span as span
    cross join generate_series(1, ${tries[method]}) as attempt
    cross join lateral (${columns} ${fits} and n.position = ${randomPosition('attempt')}
                        limit 1 ${passing}) as spot
    where ${open} limit 1`
  if (method === 'try') return [tried]
  const start = `(select position from ${scope}_start)`
  return [
    tried,
    `${columns} ${open} and ${fits} and n.position >= ${start}
      order by n.position limit 1 ${passing}`,
    `${columns} ${open} and ${fits} and n.position < ${start}
      order by n.position desc limit 1 ${passing}`,
  ]
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
