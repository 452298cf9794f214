import { isDeadlock, type Sql, violatedConstraint } from '../platform/sql.ts'
import {
  anyUsableQuery,
  type BindValues,
  type BoundRow,
  bindStatement,
  type XChoice,
} from './bind-statement.ts'
import { sharingOf } from './bindable.ts'
import type { Preference } from './choose-number.ts'
import { forgetOldKey } from './idempotency.ts'
import type { PoolFacts, Pools, Scope } from './pool-facts.ts'
import type { QuickLuck } from './quick-luck.ts'
import { sweepExpired } from './sweep-expired.ts'
import type { WhereFrom } from './where-from.ts'
import { type Asked, noNumberFree } from './why-none-free.ts'
import { bindConflict, whyRefused, xIsFull } from './why-refused.ts'

/** Each round can lose only to binders that won: beyond this the pool is being emptied faster than we can look. */
const roundsMax = 20

type Outcome = BoundRow | 'nothing' | 'conflict' | 'slot-taken' | 'full' | 'repeated'

/** What is to be bound; `x` undefined: on any number of the pool. */
type Wanted = BindValues & { readonly x: string | undefined; readonly where: WhereFrom }

export type TakeDeps = {
  readonly sql: Sql
  readonly pools: Pools
  readonly luck: QuickLuck
  /** From 0 to 1. */
  readonly random: () => number
}

/** Binds on an X, the given one or one that is found; throws when there is none to be had. */
export function createTake(deps: TakeDeps): (wanted: Wanted) => Promise<BoundRow | 'repeated'> {
  const { sql, pools } = deps

  return async (wanted) => {
    const outcome = await withTrueFacts(pools, wanted.poolKey, (facts) =>
      wanted.x === undefined
        ? allocate(deps, wanted, facts)
        : takeGiven(deps, wanted, facts, wanted.x),
    )
    switch (outcome) {
      case 'nothing':
        throw await whyRefused(sql, wanted satisfies Asked)
      case 'conflict':
      case 'slot-taken':
        throw bindConflict(wanted.product)
      case 'full':
        throw sharingOf(wanted.product) === 'none' ? bindConflict(wanted.product) : xIsFull()
      default:
        return outcome
    }
  }
}

/** The statements find nothing in a pool that is no longer as it is remembered: that is looked at before "nothing" is believed. */
async function withTrueFacts(
  pools: Pools,
  poolKey: string,
  work: (facts: PoolFacts) => Promise<Outcome>,
): Promise<Outcome> {
  let facts = await pools.factsOf(poolKey)
  for (;;) {
    if (facts === undefined) return 'nothing'
    const outcome = await work(facts)
    if (outcome !== 'nothing') return outcome
    const now = await pools.readFacts(poolKey)
    if (now === undefined || (now.mode === facts.mode && now.cools === facts.cools)) return outcome
    facts = now
  }
}

/** An expired leg is cleared away only when one may be in the way, with the second attempt. */
async function takeGiven(
  { sql, random }: TakeDeps,
  wanted: Wanted,
  { cools }: PoolFacts,
  x: string,
): Promise<Outcome> {
  for (let round = 0; ; round += 1) {
    const clearing = round > 0
    const choice = { by: 'given', cools, x, seed: seedFrom(random), clearing } as const
    const outcome = await attempt(sql, choice, wanted)
    const last =
      round === roundsMax || (clearing && !(await canChange(sql, outcome, wanted, { x, round })))
    if (last || !mayBeCleared.has(outcome)) return outcome
  }
}

const mayBeCleared: ReadonlySet<Outcome> = new Set(['conflict', 'slot-taken', 'full'])

/** Whether it may be otherwise the next time: an extension that is ours to choose is chosen anew, and what else has expired on X makes room. */
async function canChange(
  sql: Sql,
  outcome: Outcome,
  wanted: Wanted,
  { x, round }: { x: string; round: number },
): Promise<boolean> {
  if (outcome === 'full') {
    const swept = await sweepExpired(sql, { now: wanted.now, x })
    // Somebody else may be sweeping it just now; the next attempt waits for that.
    return swept > 0 || round === 1
  }
  const assigned = wanted.product === 'AXN_EXTENSION' && wanted.extension === undefined
  return outcome === 'slot-taken' && assigned
}

/**
 * By trying a few random places, then by searching from one, passing by numbers that others are
 * just binding; only when nothing else is left, wait for those.
 */
async function allocate(deps: TakeDeps, wanted: Wanted, facts: PoolFacts): Promise<Outcome> {
  const { sql, random } = deps
  const preference = preferenceOf(wanted, facts)
  if (preference.scopes.length === 0) return 'nothing'
  const tried = await tryOnce(deps, wanted, preference)
  if (isDone(tried)) return tried
  let swept = false
  for (let round = 0; round < roundsMax; round += 1) {
    const outcome = await search(deps, wanted, preference, seedFrom(random))
    if (isDone(outcome)) return outcome
    if (outcome !== 'nothing') continue
    if (await isAnyUsable(sql, preference, wanted)) continue
    if (swept) return 'nothing'
    swept = true
    const { now, poolKey } = wanted
    const ended = await sweepExpired(sql, { now, poolKey })
    // Nothing may also mean that somebody else was sweeping.
    if (ended === 0 && !(await isAnyUsable(sql, preference, wanted))) return 'nothing'
  }
  throw noNumberFree()
}

async function isAnyUsable(sql: Sql, preference: Preference, wanted: Wanted): Promise<boolean> {
  const rows = await sql.rows(anyUsableQuery({ ...preference, ...wanted.where }, wanted))
  return rows.length > 0
}

const isDone = (outcome: Outcome): outcome is BoundRow | 'repeated' =>
  typeof outcome === 'object' || outcome === 'repeated'

/** Numbers of the whole nation have no city. */
function preferenceOf({ product, where }: Wanted, { mode, cools }: PoolFacts): Preference {
  const { city, capital } = where
  const scopes: readonly (Scope | false)[] = [
    city !== undefined && 'city',
    city !== undefined && capital !== undefined && mode === 'smart' && 'capital',
    (mode !== 'strict' || product === '95AXN') && 'pool',
  ]
  return { mode, cools, scopes: scopes.filter((scope) => scope !== false) }
}

/** Where the last one of this city was found. */
async function tryOnce(
  { sql, pools, luck, random }: TakeDeps,
  wanted: Wanted,
  preference: Preference,
): Promise<Outcome> {
  const { poolKey, where } = wanted
  if (!luck.isWorthIt(poolKey)) return 'nothing'
  const [first = 'pool'] = preference.scopes
  const known = where.city === undefined ? undefined : pools.scopeOf(poolKey, where.city)
  const scope = known !== undefined && preference.scopes.includes(known) ? known : first
  const choice = { ...preference, ...where, by: 'try', scope, seed: seedFrom(random) } as const
  const outcome = await attempt(sql, choice, wanted)
  luck.note(poolKey, outcome !== 'nothing')
  return outcome
}

async function search(
  { sql, pools }: TakeDeps,
  wanted: Wanted,
  preference: Preference,
  seed: number,
): Promise<Outcome> {
  const { poolKey, where } = wanted
  for (const by of ['search', 'wait'] as const) {
    const choice: XChoice = { ...preference, ...where, by, seed, clearing: true }
    const outcome = await attempt(sql, choice, wanted)
    if (typeof outcome === 'object' && where.city !== undefined) {
      pools.noteScope(poolKey, where.city, scopeOf(outcome, where))
    }
    if (outcome !== 'nothing') return outcome
  }
  return 'nothing'
}

function scopeOf({ city }: BoundRow, where: WhereFrom): Scope {
  if (city === null) return 'pool'
  if (city === where.city) return 'city'
  return city === where.capital ? 'capital' : 'pool'
}

const seedFrom = (random: () => number) => Math.floor(random() * 2 ** 31)

async function attempt(sql: Sql, choice: XChoice, values: BindValues): Promise<Outcome> {
  try {
    const [row] = await sql.rows<BoundRow>(bindStatement(choice, values))
    return row ?? 'nothing'
  } catch (err) {
    switch (violatedConstraint(err)) {
      case 'binding_leg_one_per_party':
        return 'conflict'
      case 'binding_leg_one_per_slot':
        return 'slot-taken'
      case 'number_capacity':
      case 'binding_has_extension':
        return 'full'
      case 'idempotency_key_once':
        return (await forgetOldKey(sql, values)) ? attempt(sql, choice, values) : 'repeated'
      default:
        if (isDeadlock(err)) return attempt(sql, choice, values)
        throw err
    }
  }
}
