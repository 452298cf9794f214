import type { BindingId, VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { isDeadlock, type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import {
  anyUsableQuery,
  type BindValues,
  type BoundRow,
  bindStatement,
  type XChoice,
} from './bind-statement.ts'
import { type BindableProduct, sharingOf } from './bindable.ts'
import type { BindCommand, Binding } from './binding.ts'
import { checkCommand } from './check-command.ts'
import { answeredBefore, forgetOldKey, hashOf, lateRepeat, type RepeatDeps } from './idempotency.ts'
import type { createPoolProducts } from './pool-products.ts'
import { changeWith } from './published.ts'
import { sweepExpired } from './sweep-expired.ts'
import { type Cities, type WhereFrom, whereFrom } from './where-from.ts'
import { type Asked, noNumberFree } from './why-none-free.ts'
import {
  bindConflict,
  poolUnknown,
  productMismatch,
  takesNoBindings,
  whyRefused,
  xIsFull,
} from './why-refused.ts'

/** Each round can lose only to binders that won: beyond this the pool is being emptied faster than we can look. */
const roundsMax = 20

type Outcome = BoundRow | 'nothing' | 'conflict' | 'slot-taken' | 'full' | 'repeated'

export type BindDeps = RepeatDeps & {
  readonly vault: Vault
  readonly clock: Clock
  readonly cities: Cities
  /** From 0 to 1. */
  readonly random: () => number
  readonly productOf: ReturnType<typeof createPoolProducts>
  readonly publish: (change: RouteChange) => Promise<void>
}

/** `fresh`: the key cannot have been used before, so that is not asked first. */
export function createBind(
  deps: BindDeps,
): (command: BindCommand, fresh?: boolean) => Promise<Binding> {
  const { sql, vault, clock, publish, cities } = deps

  return async (command, fresh = false) => {
    const now = clock.now()
    const product = await bindableProduct(deps, command)
    const fault = checkCommand(command, product, now)
    if (fault !== undefined) throw fault

    const values = valuesOf(command, product, vault, now)
    const repeated = fresh ? undefined : await answeredBefore(deps, values)
    if (repeated !== undefined) return repeated

    const where = whereFrom(command, product, cities)
    const row = await take(sql, { ...values, x: command.x, where }, deps.random)
    if (row === 'repeated') return lateRepeat(deps, values)
    await publish(changeOf(command, values, row))
    return bindingOf(command, values, row)
  }
}

async function bindableProduct(deps: BindDeps, command: BindCommand): Promise<BindableProduct> {
  const product = await deps.productOf(command.accountId, command.poolKey)
  if (product === undefined) throw poolUnknown()
  const asked = command.product === undefined ? [] : [command.product].flat()
  if (asked.length > 0 && !asked.includes(product)) {
    throw productMismatch(product, asked.join(' or '))
  }
  if (product === 'X_MODE') throw takesNoBindings()
  return product
}

type Wanted = BindValues & { readonly x: string | undefined; readonly where: WhereFrom }

async function take(
  sql: Sql,
  wanted: Wanted,
  random: () => number,
): Promise<BoundRow | 'repeated'> {
  const { x } = wanted
  const seed = () => Math.floor(random() * 2 ** 31)
  const outcome =
    x === undefined ? await allocate(sql, wanted, seed) : await takeGiven(sql, wanted, x, seed)
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

/** Of a full X, expired bindings that were not swept are ended first; an assigned extension that another took meanwhile is assigned anew. */
async function takeGiven(
  sql: Sql,
  wanted: Wanted,
  x: string,
  seed: () => number,
): Promise<Outcome> {
  const assigned = wanted.product === 'AXN_EXTENSION' && wanted.extension === undefined
  let swept = false
  for (let round = 0; round < roundsMax; round += 1) {
    const outcome = await attempt(sql, { by: 'given', x, seed: seed() }, wanted)
    const again = outcome === 'slot-taken' && assigned
    if (!again && outcome !== 'full') return outcome
    if (outcome === 'full') {
      if (swept || (await sweepExpired(sql, { now: wanted.now, x })) === 0) return 'full'
      swept = true
    }
  }
  return 'full'
}

/**
 * By trying a few random places, then by searching from one, passing by numbers that others are
 * just binding; only when nothing else is left, wait for those.
 */
async function allocate(sql: Sql, wanted: Wanted, seed: () => number): Promise<Outcome> {
  let swept = false
  for (let round = 0; round < roundsMax; round += 1) {
    const outcome = await oneRound(sql, wanted, seed())
    if (typeof outcome === 'object' || outcome === 'repeated') return outcome
    if (outcome !== 'nothing') continue
    const usable = await sql.rows(anyUsableQuery(wanted, wanted.where.city))
    if (usable.length > 0) continue
    if (swept) return 'nothing'
    swept = true
    const { now, poolKey } = wanted
    if ((await sweepExpired(sql, { now, poolKey })) === 0) return 'nothing'
  }
  throw noNumberFree()
}

async function oneRound(sql: Sql, wanted: Wanted, seed: number): Promise<Outcome> {
  for (const by of ['try', 'search', 'wait'] as const) {
    const outcome = await attempt(sql, { by, seed, ...wanted.where }, wanted)
    if (outcome !== 'nothing') return outcome
  }
  return 'nothing'
}

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

function valuesOf(
  command: BindCommand,
  product: BindableProduct,
  vault: Vault,
  now: Date,
): BindValues {
  const { a, b } = command
  const parties = {
    aSealed: vault.seal(a),
    aIndex: vault.blindIndex(a),
    bSealed: b === undefined ? undefined : vault.seal(b),
    bIndex: b === undefined ? undefined : vault.blindIndex(b),
  }
  const terms = {
    expiresAt: new Date(Math.floor(command.expiresAt.getTime() / 1000) * 1000),
    recording: command.recording,
    tones: json(command.tones),
    ringSecondsMax: command.ringSecondsMax,
    talkSecondsMax: command.talkSecondsMax,
    restriction: command.restriction,
    outId: command.outId,
    outOrderId: command.outOrderId,
    asr: command.asr,
    asrModel: command.asrModel,
    survey: json(command.survey),
    extension: command.extension,
    groupId: command.groupId,
  }
  const { accountId, poolKey, idempotencyKey } = command
  return {
    ...{ product, accountId, poolKey, ...parties, ...terms, now, idempotencyKey },
    requestHash:
      idempotencyKey === undefined
        ? ''
        : hashOf([poolKey, command.x, command.expectCity, parties.aIndex, parties.bIndex, terms]),
  }
}

function json(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}

function changeOf(command: BindCommand, values: BindValues, row: BoundRow): RouteChange {
  const { product, accountId, poolKey } = values
  const { id, x, city, settings, version } = row
  const number = { invalidationId: row.invalidation_id, version, accountId, poolKey, x }
  const extension = row.extension ?? undefined
  return changeWith(
    { ...number, product, state: 'normal', city, settings },
    { ...values, id, extension, tones: command.tones },
  )
}

function bindingOf(command: BindCommand, values: BindValues, row: BoundRow): Binding {
  const { x, b, expectCity, idempotencyKey, product, ...terms } = command
  return {
    ...terms,
    id: row.id as BindingId,
    x: row.x as VirtualNumber,
    product: values.product,
    b,
    extension: row.extension ?? undefined,
    groupId: command.groupId,
    expiresAt: values.expiresAt,
    createdAt: values.now,
    state: 'live',
    endedAt: undefined,
  }
}
