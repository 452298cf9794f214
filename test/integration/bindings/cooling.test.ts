import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BindCommand, Binding, BindingChange } from '../../../src/bindings/binding.ts'
import { pruneCooling, sweepExpired } from '../../../src/bindings/sweep-expired.ts'
import { whyNoneFree } from '../../../src/bindings/why-none-free.ts'
import type { Product } from '../../../src/domain/call.ts'
import type { PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person, testVault } from '../../support/data-rooms.ts'

const ground = bindingGround()
let poolKey: PoolKey
let x: VirtualNumber
let other: VirtualNumber

const bind = (change: Partial<BindCommand> = {}) =>
  ground.bindings.bind(ground.command(poolKey, { x, ...change }))
const update = (binding: Binding, change: BindingChange) =>
  ground.bindings.update({ accountId: mainAccount, id: binding.id, change })
const refused = (code: string, vendorCode?: string) =>
  expect.objectContaining({ code, ...(vendorCode === undefined ? {} : { vendorCode }) })

beforeEach(() => {
  ground.now = new Date()
})
afterEach(async () => {
  expect(await ground.drifted()).toEqual([])
})

const coolingPool = async (product: Product = 'AXB') => {
  const numbers = ground.numbers(2)
  x = numbers[0] as VirtualNumber
  other = numbers[1] as VirtualNumber
  poolKey = await ground.pool({ product, coolingDays: 2 }, [{ numbers }])
}
const anyX = (change: Partial<BindCommand>) => ground.bindings.bind(ground.command(poolKey, change))
const unbind = (binding: Binding) =>
  ground.bindings.unbind({ accountId: mainAccount, id: binding.id })
const cooling = refused('number-cooling', 'isv.NO_AVAILABLE_NUMBER')
const days = (count: number) => inMinutes(count * 1440, ground.now)

test('who was unbound does not get X again for so many days, others do', async () => {
  await coolingPool()
  await unbind(await bind())
  await expect(bind({ b: person(3) })).rejects.toEqual(cooling)
  await expect(bind({ a: person(3), b: person(2) })).rejects.toEqual(cooling)
  await bind({ a: person(3), b: person(4) })
  expect((await anyX({ b: person(5) })).x).toBe(other)
  expect((await anyX({ a: person(6) })).x).toBe(other)
})

test('without X: another one, and when all are cooling it says so', async () => {
  await coolingPool()
  await unbind(await bind({ x }))
  await unbind(await bind({ x: other, b: person(3) }))
  await expect(anyX({ b: person(4) })).rejects.toEqual(
    refused('all-numbers-cooling', 'isv.NO_AVAILABLE_NUMBER'),
  )
  ground.now = days(2)
  expect([x, other]).toContain((await anyX({ b: person(4) })).x)
})

test.each([0, 2])(
  'a number that has come free since the bind looked is not cooling: %i days',
  async (coolingDays) => {
    const numbers = ground.numbers(1)
    poolKey = await ground.pool({ product: 'AXB', coolingDays }, [{ numbers }])
    const [a, b] = [person(1), person(2)].map((each) => testVault.blindIndex(each))
    if (a === undefined || b === undefined) throw new Error('two persons')
    const { accountId, now } = { accountId: mainAccount, now: ground.now }
    const asked = { product: 'AXB', accountId, poolKey, x: undefined, now } as const
    const [aIndex, bIndex, groupId] = [a, b, undefined]
    const where = { city: undefined, capital: undefined }
    const why = () => whyNoneFree(ground.sql, { ...asked, aIndex, bIndex, groupId, where })
    expect(await why()).toEqual(refused('no-available-number', 'isv.NO_AVAILABLE_NUMBER'))
    await unbind(await anyX({}))
    const code = coolingDays === 0 ? 'no-available-number' : 'all-numbers-cooling'
    expect(await why()).toEqual(refused(code))
  },
)

test('a binding that has expired cools from then on, swept or not', async () => {
  await coolingPool()
  const bound = await bind({ expiresAt: inMinutes(5, ground.now) })
  ground.now = inMinutes(1440, bound.expiresAt)
  await expect(bind()).rejects.toEqual(cooling)
  expect((await anyX({})).x).toBe(other)
  ground.now = inMinutes(2880, bound.expiresAt)
  await bind()
})

test.each(['AXN', 'AXN_EXTENSION'] as const)('%s: A cools, B does not', async (product) => {
  await coolingPool(product)
  await unbind(await bind())
  await expect(bind()).rejects.toEqual(cooling)
  expect((await anyX({ b: undefined })).x).toBe(other)
  await bind({ a: person(3), b: person(2) })
})

test('AXN: who has made way for another on his expired X cools as well', async () => {
  await coolingPool('AXN')
  const first = await bind({ expiresAt: inMinutes(5, ground.now) })
  ground.now = inMinutes(10, ground.now)
  const second = await bind({ a: person(3), expiresAt: inMinutes(5, ground.now) })
  expect((await ground.bindings.get(mainAccount, first.id)).state).toBe('expired')
  ground.now = inMinutes(10, ground.now)
  await expect(bind()).rejects.toEqual(cooling)
  await expect(bind({ a: person(3) })).rejects.toEqual(cooling)
  ground.now = inMinutes(2880, second.expiresAt)
  await bind()
})

test('a changed party: the old one cools, a cooling one is refused', async () => {
  await coolingPool()
  const bound = await bind()
  await update(bound, { a: person(3) })
  await expect(bind({ a: person(1), b: person(9) })).rejects.toEqual(cooling)
  await expect(update(bound, { a: person(1) })).rejects.toEqual(
    refused('number-cooling', 'isv.UPDATE_CONFLICT'),
  )
})

test('a pool that has given up cooling does not look back', async () => {
  await coolingPool()
  await unbind(await bind())
  await ground.rooms.pools.change(mainAccount, poolKey, { coolingDays: 0 })
  await bind()
})

test('a swept binding leaves the same behind, and what has cooled off is thrown away', async () => {
  await coolingPool()
  const bound = await bind({ expiresAt: inMinutes(5, ground.now) })
  const rows = () =>
    ground.sql.rows<{ until: Date }>({
      name: '',
      text: 'select until from cooling where x = $1',
      values: [x],
    })
  ground.now = inMinutes(7, ground.now)
  expect(await sweepExpired(ground.sql, { now: ground.now, poolKey })).toBe(1)
  const until = inMinutes(2 * 1440, bound.expiresAt)
  expect(await rows()).toEqual([{ until }, { until }])
  await expect(bind()).rejects.toEqual(cooling)
  await pruneCooling(ground.sql, new Date(until.getTime() - 1))
  expect(await rows()).toHaveLength(2)
  await pruneCooling(ground.sql, until)
  expect(await rows()).toEqual([])
})
