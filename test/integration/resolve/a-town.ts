import type { Binding } from '../../../src/bindings/binding.ts'
import type { CallbackMode, Product } from '../../../src/domain/call.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { inMinutes, mainAccount, person } from '../../support/data-rooms.ts'
import { createHistory, createTicks, type History, type Writing } from '../../support/history.ts'
import { aPool, type Rooms } from './some-calls.ts'

/**
 * Some people, one X of a product, and everything that can be done to it at once by two API
 * processes; each thing done is noted with its ticks, and each look is judged against them.
 */
export const people = 4
export const extensions = ['1', '2'] as const

type Life = {
  readonly binding: Binding
  readonly began: number
  begun: number
  mayEndAt: number
  endedAt: number
  /** Who is A, and who is B of an AXB. */
  readonly a: History<number>
  readonly b: History<number | undefined>
  readonly restriction: History<'AX' | 'BX' | undefined>
}

export type Look = {
  readonly asking: number
  readonly extension: string | undefined
  readonly began: number
  readonly ended: number
  readonly latest: Date
  readonly record: Awaited<ReturnType<Rooms['router']['resolve']>>
}

export type Town = Awaited<ReturnType<typeof createTown>>

let towns = 0

export async function createTown(
  world: {
    readonly apis: readonly [Rooms['api'], Rooms['api']]
    readonly now: () => Date
  },
  product: Exclude<Product, 'X_MODE'>,
) {
  const [first] = world.apis
  const place = await aPool({ api: first }, product, { name: 'town' })
  towns += 1
  const firstPerson = 2_000_000 + towns * 10
  const personOf = (at: number): PhoneNumber => person(firstPerson + at)
  const group =
    product === 'AXG'
      ? await first.groups.create({
          accountId: mainAccount,
          poolKey: place.poolKey,
          numbers: [personOf(0)],
        })
      : undefined
  const ticks = createTicks()
  const members = Array.from({ length: people }, (_, at) =>
    createHistory(ticks, group !== undefined && at === 0),
  )
  const blocked = Array.from({ length: people }, () => createHistory(ticks, false))
  const callbackMode = createHistory<CallbackMode>(ticks, 'default-b')
  const locked = createHistory(ticks, false)
  return {
    ...place,
    product,
    world,
    group,
    personOf,
    ticks,
    members,
    blocked,
    callbackMode,
    locked,
    lives: [] as Life[],
  }
}

/** Refusals are part of it; anything else that is thrown is a fault. */
async function noted<T>(writing: Writing, work: Promise<T>): Promise<T | undefined> {
  try {
    const result = await work
    writing.done()
    return result
  } catch (err) {
    if (!(err instanceof DomainError) || err.httpStatus >= 500) throw err
    writing.refused()
    return undefined
  }
}

const at = ({ poolKey }: Town) => ({ accountId: mainAccount, poolKey })

export async function bind(
  town: Town,
  api: Rooms['api'],
  given: { a: number; b: number; minutes: number; extension: (typeof extensions)[number] },
) {
  const { product, group, personOf, ticks, x, world } = town
  const began = ticks.next()
  const binding = await api.bindings
    .bind({
      ...at(town),
      x,
      a: personOf(given.a),
      b: personOf(given.b),
      groupId: group?.id,
      extension: product === 'AXN_EXTENSION' ? given.extension : undefined,
      expiresAt: inMinutes(given.minutes, world.now()),
    })
    .catch((err: unknown) => {
      if (!(err instanceof DomainError) || err.httpStatus >= 500) throw err
    })
  if (binding === undefined) return
  town.lives.push({
    binding,
    began,
    begun: ticks.next(),
    mayEndAt: Number.POSITIVE_INFINITY,
    endedAt: Number.POSITIVE_INFINITY,
    a: createHistory(ticks, given.a),
    b: createHistory<number | undefined>(ticks, given.b),
    restriction: createHistory<'AX' | 'BX' | undefined>(ticks, undefined),
  })
}

export async function unbind(town: Town, api: Rooms['api'], pick: number) {
  const life = pickFrom(town.lives, pick)
  if (life === undefined) return
  const began = town.ticks.next()
  life.mayEndAt = Math.min(life.mayEndAt, began)
  await api.bindings
    .unbind({ accountId: mainAccount, id: life.binding.id })
    .catch((err: unknown) => {
      if (!(err instanceof DomainError) || err.httpStatus >= 500) throw err
    })
  life.endedAt = Math.min(life.endedAt, town.ticks.next())
}

export async function update(
  town: Town,
  api: Rooms['api'],
  given: { pick: number; what: 'a' | 'restriction'; who: number; restriction: 'AX' | 'BX' | null },
) {
  const life = pickFrom(town.lives, given.pick)
  if (life === undefined) return
  const ref = { accountId: mainAccount, id: life.binding.id }
  if (given.what === 'a') {
    const change = { a: town.personOf(given.who) }
    await noted(life.a.write(given.who), api.bindings.update({ ...ref, change }))
    return
  }
  const { restriction } = given
  const writing = life.restriction.write(restriction ?? undefined)
  await noted(writing, api.bindings.update({ ...ref, change: { restriction } }))
}

export async function editGroup(town: Town, api: Rooms['api'], who: number, isIn: boolean) {
  const { group, members, personOf } = town
  const member = members[who]
  if (group === undefined || member === undefined) return
  const edit = isIn ? 'add' : 'delete'
  const ref = { ...at(town), id: group.id }
  await noted(member.write(isIn), api.groups.edit(ref, edit, [personOf(who)]))
}

export async function block(town: Town, api: Rooms['api'], who: number, isBlocked: boolean) {
  const entry = town.blocked[who]
  if (entry === undefined || town.product === 'AXG') return
  const command = { ...at(town), number: town.personOf(who) }
  const { blacklist } = api
  await noted(
    entry.write(isBlocked),
    isBlocked
      ? blacklist.blockCaller(command).then(() => undefined)
      : blacklist.unblockCaller(command),
  )
}

export async function setCallback(town: Town, api: Rooms['api'], mode: CallbackMode) {
  if (town.product === 'AXB') return
  const change = api.pools.change(mainAccount, town.poolKey, { callbackMode: mode })
  await noted(town.callbackMode.write(mode), change)
}

export async function setLocked(town: Town, api: Rooms['api'], isLocked: boolean) {
  const { numbers } = api
  const work = isLocked ? numbers.lock(mainAccount, town.x) : numbers.unlock(mainAccount, town.x)
  await noted(town.locked.write(isLocked), work)
}

export async function look(
  town: Town,
  router: Pick<Rooms['router'], 'resolve'>,
  asking: number,
  extension: string | undefined,
): Promise<Look> {
  const began = town.ticks.next()
  const receivedAt = town.world.now()
  const call = { caller: town.personOf(asking), dialled: town.x, extension, receivedAt }
  const record = await router.resolve(call)
  const ended = town.ticks.next()
  return { asking, extension, began, ended, latest: town.world.now(), record }
}

function pickFrom<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(items.length, 1)]
}
