import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BindCommand, Binding, BindingChange } from '../../../src/bindings/binding.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person } from '../../support/data-rooms.ts'

const ground = bindingGround()

/** Few of everything, so that whatever can meet does. */
const products = ['AXB', 'AXN', 'AXN_EXTENSION'] as const
type ModelProduct = (typeof products)[number]
const peopleCount = 5
const numbersEach = 2
const extensions = ['1', '01', '777']

type Entry = {
  readonly id: BindingId
  readonly product: ModelProduct
  readonly x: VirtualNumber
  readonly extension: string | undefined
  a: number
  b: number | undefined
  expiresAt: number
  ended: boolean
}

type Wanted = Pick<Entry, 'product' | 'a' | 'b' | 'extension'>

/** The rules of product-semantics 1.2 to 1.4, in the fewest words. */
class Model {
  readonly entries: Entry[] = []
  now = 0

  live(x?: VirtualNumber): Entry[] {
    const isLive = (each: Entry) => !each.ended && each.expiresAt > this.now
    return this.entries.filter((each) => isLive(each) && (x === undefined || each.x === x))
  }

  /** Who is on X and could be taken for somebody of the other. */
  clashes(x: VirtualNumber, wanted: Wanted, except?: Entry): boolean {
    const others = this.live(x).filter((each) => each !== except)
    switch (wanted.product) {
      case 'AXB':
        return others.some((each) =>
          [each.a, each.b].some((at) => at === wanted.a || at === wanted.b),
        )
      case 'AXN':
        return others.length > 0
      case 'AXN_EXTENSION':
        return others.some(
          (each) =>
            each.a === wanted.a ||
            (wanted.extension !== undefined && each.extension === wanted.extension),
        )
    }
  }

  /** Whom this caller reaches on X, by which binding. */
  met(x: VirtualNumber, caller: number, extension: string | undefined) {
    const here = this.live(x)
    const asA = here.find((each) => each.a === caller)
    const asB = here.find((each) => each.product === 'AXB' && each.b === caller)
    const dialled = here.find(
      (each) => each.extension !== undefined && each.extension === extension,
    )
    const anybody = here.find((each) => each.product === 'AXN')
    if (dialled !== undefined && dialled !== asA) return { id: dialled.id, peer: dialled.a }
    if (asA !== undefined) return { id: asA.id, peer: asA.b }
    const other = asB ?? anybody
    return other === undefined ? undefined : { id: other.id, peer: other.a }
  }
}

type World = {
  readonly model: Model
  readonly pools: Readonly<Record<ModelProduct, PoolKey>>
  readonly numbers: Readonly<Record<ModelProduct, readonly VirtualNumber[]>>
}

const personOf = (at: number) => person(7_000 + at)
const outcomeOf = (work: Promise<Binding>): Promise<Binding | DomainError> =>
  work.catch((err: unknown) => {
    if (err instanceof DomainError) return err
    throw err
  })

type BindStep = {
  readonly kind: 'bind'
  readonly product: ModelProduct
  readonly a: number
  readonly b: number
  readonly noB: boolean
  readonly at: number | undefined
  readonly extension: number | undefined
  readonly minutes: number
}
type UpdateStep = {
  readonly kind: 'update'
  readonly which: number
  readonly a: number | undefined
  readonly b: number | undefined
  readonly minutes: number | undefined
}
type Step =
  | BindStep
  | UpdateStep
  | { readonly kind: 'unbind'; readonly which: number }
  | { readonly kind: 'wait'; readonly minutes: number }

const someone = fc.integer({ min: 0, max: peopleCount - 1 })
const minutes = fc.integer({ min: 2, max: 20 })
const which = fc.nat({ max: 200 })
const maybe = <T>(given: fc.Arbitrary<T>) => fc.option(given, { nil: undefined })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('bind' as const),
      product: fc.constantFrom(...products),
      a: someone,
      b: someone,
      noB: fc.boolean(),
      at: maybe(fc.nat({ max: numbersEach - 1 })),
      extension: maybe(fc.nat({ max: extensions.length - 1 })),
      minutes,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unbind' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      which,
      a: maybe(someone),
      b: maybe(someone),
      minutes: maybe(minutes),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      minutes: fc.integer({ min: 1, max: 8 }),
    }),
  },
)

function commandOf(world: World, asked: BindStep): { command: BindCommand; wanted: Wanted } {
  const { product, a } = asked
  const b = product !== 'AXB' && asked.noB ? undefined : asked.b
  const x = asked.at === undefined ? undefined : world.numbers[product][asked.at]
  const named = product === 'AXN_EXTENSION' && x !== undefined && asked.extension !== undefined
  const extension = named ? extensions[asked.extension] : undefined
  const expiresAt = inMinutes(asked.minutes, ground.now)
  const command = {
    ...ground.command(world.pools[product], { x, extension, expiresAt }),
    a: personOf(a),
    b: b === undefined ? undefined : personOf(b),
  }
  return { command, wanted: { product, a, b, extension } }
}

async function doBind(world: World, asked: BindStep): Promise<void> {
  const { model, numbers } = world
  const { command, wanted } = commandOf(world, asked)
  const { x: given } = command
  const open = numbers[wanted.product].filter(
    (x) => (given === undefined || x === given) && !model.clashes(x, wanted),
  )
  const outcome = await outcomeOf(ground.bindings.bind(command))
  if (wanted.a === wanted.b) {
    expect(outcome).toMatchObject({ code: 'parties-equal' })
    return
  }
  if (open.length === 0) {
    const dry = wanted.product === 'AXN' ? 'all-numbers-full' : 'party-on-every-number'
    expect(outcome).toMatchObject({ code: given === undefined ? dry : 'bind-conflict' })
    return
  }
  if (outcome instanceof DomainError) throw outcome
  const { id, x, extension } = outcome
  expect(open).toContain(x)
  const isAssigned = wanted.product === 'AXN_EXTENSION' && wanted.extension === undefined
  if (isAssigned) expect(extension).toMatch(/^\d{3}$/)
  else expect(extension).toBe(wanted.extension)
  expect(model.clashes(x, { ...wanted, extension })).toBe(false)
  const expiresAt = outcome.expiresAt.getTime()
  model.entries.push({ ...wanted, id, x, extension, expiresAt, ended: false })
}

/** Why a change is refused; undefined: it is not. */
function refusalOf(model: Model, entry: Entry, next: Entry, asked: UpdateStep): string | undefined {
  const { a, b, minutes: later } = asked
  if (a === undefined && b === undefined && later === undefined) return 'invalid-parameters'
  if (a !== undefined && a === b) return 'parties-equal'
  if (entry.ended) return 'binding-unknown'
  if (entry.expiresAt <= model.now) return 'binding-expired'
  if (next.a === next.b) return 'parties-equal'
  return model.clashes(entry.x, next, entry) ? 'update-conflict' : undefined
}

async function doUpdate({ model }: World, asked: UpdateStep, entry: Entry): Promise<void> {
  const { a, b } = asked
  const change: BindingChange = {
    a: a === undefined ? undefined : personOf(a),
    b: b === undefined ? undefined : personOf(b),
    expiresAt: asked.minutes === undefined ? undefined : inMinutes(asked.minutes, ground.now),
  }
  const { id } = entry
  const outcome = await outcomeOf(ground.bindings.update({ accountId: mainAccount, id, change }))
  const next = { ...entry, a: a ?? entry.a, b: b ?? entry.b }
  const refusal = refusalOf(model, entry, next, asked)
  if (refusal !== undefined) {
    expect(outcome).toMatchObject({ code: refusal })
    return
  }
  if (outcome instanceof DomainError) throw outcome
  Object.assign(entry, { a: next.a, b: next.b, expiresAt: outcome.expiresAt.getTime() })
}

async function doStep(world: World, asked: Step): Promise<void> {
  const { model } = world
  model.now = ground.now.getTime()
  if (asked.kind === 'bind') return doBind(world, asked)
  if (asked.kind === 'wait') {
    ground.now = inMinutes(asked.minutes, ground.now)
    model.now = ground.now.getTime()
    return
  }
  const entry = model.entries[asked.which % Math.max(model.entries.length, 1)]
  if (entry === undefined) return
  if (asked.kind === 'update') return doUpdate(world, asked, entry)
  const live = model.live().includes(entry)
  const outcome = await outcomeOf(ground.bindings.unbind({ accountId: mainAccount, id: entry.id }))
  if (live) expect(outcome).toMatchObject({ state: 'unbound' })
  else expect(outcome).toMatchObject({ code: 'binding-unknown' })
  if (live) entry.ended = true
}

/** For every caller on every X, what a call finds is what the model says. */
async function compare(world: World): Promise<void> {
  for (const x of products.flatMap((product) => world.numbers[product])) {
    const live = world.model.live(x)
    const ids = live.map(({ id }) => id).sort()
    expect(await ground.bindings.liveOn(mainAccount, x)).toEqual(ids)
    const dialled = [undefined, ...new Set(live.flatMap(({ extension }) => extension ?? []))]
    for (let caller = 0; caller < peopleCount; caller += 1) {
      for (const extension of dialled) await compareOne(world, x, caller, extension)
    }
  }
}

async function compareOne(
  { model }: World,
  x: VirtualNumber,
  caller: number,
  extension: string | undefined,
): Promise<void> {
  const attempt = { caller: personOf(caller), dialled: x, extension, receivedAt: ground.now }
  const { binding } = await ground.router.resolve(attempt)
  const isOver = binding === undefined || binding.expiresAt <= ground.now
  const found = isOver ? undefined : { id: binding.bindingId, peer: binding.peer?.reveal() }
  const met = model.met(x, caller, extension)
  const peer = met?.peer === undefined ? undefined : personOf(met.peer).reveal()
  expect(found).toEqual(met === undefined ? undefined : { id: met.id, peer })
}

test('whatever is bound, changed, ended and left to expire, no caller on an X is ever ambiguous', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const numbers = {} as Record<ModelProduct, VirtualNumber[]>
      const pools = {} as Record<ModelProduct, PoolKey>
      for (const product of products) {
        numbers[product] = ground.numbers(numbersEach)
        pools[product] = await ground.pool({ product }, [{ numbers: numbers[product] }])
      }
      const world: World = { model: new Model(), pools, numbers }
      ground.now = new Date()
      for (const each of steps) await doStep(world, each)
      await compare(world)
      expect(await ground.drifted()).toEqual([])
    }),
    { numRuns: 40 },
  )
}, 180_000)
