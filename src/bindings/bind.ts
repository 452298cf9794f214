import type { BindingId, VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import type { Vault } from '../platform/vault.ts'
import type { BindValues, BoundRow } from './bind-statement.ts'
import type { BindableProduct } from './bindable.ts'
import type { BindCommand, Binding } from './binding.ts'
import { checkCommand } from './check-command.ts'
import { answeredBefore, hashOf, lateRepeat, type RepeatDeps } from './idempotency.ts'
import { changeWith } from './published.ts'
import { createTake, type TakeDeps } from './take-number.ts'
import { type Cities, whereFrom } from './where-from.ts'
import { poolUnknown, productMismatch, takesNoBindings } from './why-refused.ts'

export type BindDeps = RepeatDeps &
  TakeDeps & {
    readonly vault: Vault
    readonly clock: Clock
    readonly cities: Cities
    readonly publish: (change: RouteChange) => Promise<void>
  }

/** `fresh`: the key cannot have been used before, so that is not asked first. */
export function createBind(
  deps: BindDeps,
): (command: BindCommand, fresh?: boolean) => Promise<Binding> {
  const { vault, clock, publish, cities } = deps
  const take = createTake(deps)

  return async (command, fresh = false) => {
    const now = clock.now()
    const product = await bindableProduct(deps, command)
    const fault = checkCommand(command, product, now)
    if (fault !== undefined) throw fault

    const values = valuesOf(command, product, vault, now)
    const repeated = fresh ? undefined : await answeredBefore(deps, values)
    if (repeated !== undefined) return repeated

    const where = whereFrom(command, product, cities)
    const row = await take({ ...values, x: command.x, where })
    if (row === 'repeated') return lateRepeat(deps, values)
    await publish(changeOf(command, values, row))
    return bindingOf(command, values, row)
  }
}

async function bindableProduct(deps: BindDeps, command: BindCommand): Promise<BindableProduct> {
  const facts = await deps.pools.factsOf(command.poolKey)
  if (facts === undefined || facts.accountId !== command.accountId) throw poolUnknown()
  const { product } = facts
  const asked = command.product === undefined ? [] : [command.product].flat()
  if (asked.length > 0 && !asked.includes(product)) {
    throw productMismatch(product, asked.join(' or '))
  }
  if (product === 'X_MODE') throw takesNoBindings()
  return product
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
