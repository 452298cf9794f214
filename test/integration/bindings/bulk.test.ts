import { beforeEach, describe, expect, test } from 'vitest'
import type { BindCommand } from '../../../src/bindings/binding.ts'
import type { BindingId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person } from '../../support/data-rooms.ts'

const ground = bindingGround()
let poolKey: PoolKey
let numbers: VirtualNumber[]

beforeEach(async () => {
  ground.now = new Date()
  numbers = ground.numbers(3)
  poolKey = await ground.pool({ product: 'AXB' }, [{ numbers }])
})

const command = (change: Partial<BindCommand>) => ground.command(poolKey, change)
const pairs = (count: number) =>
  Array.from({ length: count }, (_, at) => command({ a: person(100 + at), b: person(600 + at) }))
const bindMany = (commands: readonly BindCommand[], key?: string) =>
  ground.bindings.bindMany(mainAccount, commands, key)
const unbindMany = (ids: readonly string[], key?: string) =>
  ground.bindings.unbindMany(
    mainAccount,
    ids.map((id) => ({ accountId: mainAccount, id: id as BindingId })),
    key,
  )

describe('binding many', () => {
  test('500 are bound, and calls find them', async () => {
    const outcomes = await bindMany(pairs(500))
    expect(outcomes.filter(({ refusal }) => refusal !== undefined)).toEqual([])
    for (const at of [0, 250, 499]) {
      const { binding } = outcomes[at] ?? {}
      const record = await ground.router.resolve({
        caller: person(100 + at),
        dialled: binding?.x as VirtualNumber,
      })
      expect(record.binding?.peer?.reveal()).toBe(person(600 + at).reveal())
    }
    expect(await ground.drifted()).toEqual([])
  })

  test('each stands for itself, in its place', async () => {
    const x = numbers[0]
    const outcomes = await bindMany([
      command({ x }),
      command({ x, a: person(3), b: person(3) }),
      command({ x, a: person(4), expiresAt: inMinutes(0, ground.now) }),
      command({ a: person(5), b: person(6), poolKey: 'FC999999999999999' as PoolKey }),
      command({ a: person(7), b: person(8) }),
    ])
    expect(outcomes.map((each) => each.refusal?.code ?? each.binding?.state)).toEqual([
      'live',
      'parties-equal',
      'expiry-illegal',
      'pool-unknown',
      'live',
    ])
  })

  test('with a key nothing is bound twice, at the same time or later, and what failed is tried again', async () => {
    const x = numbers[0] as VirtualNumber
    const blocking = await ground.bindings.bind(command({ x, a: person(1), b: person(9) }))
    const commands = [command({ x, b: person(2) }), ...pairs(20)]
    const key = `bulk-${x}`
    const [first, second] = await Promise.all([bindMany(commands, key), bindMany(commands, key)])
    expect(first[0]?.refusal?.code).toBe('bind-conflict')
    const ids = (outcomes: Awaited<ReturnType<typeof bindMany>>) =>
      outcomes.slice(1).map(({ binding }) => binding?.id)
    expect(ids(second)).toEqual(ids(first))
    expect(new Set(ids(first)).size).toBe(20)
    await ground.bindings.unbind({ accountId: mainAccount, id: blocking.id })
    const third = await bindMany(commands, key)
    expect(third[0]?.binding?.x).toBe(x)
    expect(ids(third)).toEqual(ids(first))
  })

  test('a key is for these commands, and for a day', async () => {
    const key = `bulk-${numbers[0]}`
    const commands = pairs(2)
    const first = await bindMany(commands, key)
    const reused = expect.objectContaining({ code: 'idempotency-key-reused' })
    await expect(bindMany(pairs(3), key)).rejects.toEqual(reused)
    await expect(unbindMany(['1000000000000001'], key)).rejects.toEqual(reused)
    await expect(
      ground.bindings.bind(command({ idempotencyKey: key, a: person(1) })),
    ).rejects.toEqual(reused)
    ground.now = inMinutes(25 * 60, ground.now)
    const later = await bindMany(
      commands.map((each) => ({ ...each, expiresAt: inMinutes(60, ground.now) })),
      key,
    )
    expect(later[0]?.binding?.id).not.toBe(first[0]?.binding?.id)
  })

  test.each([0, 501])('%s at once are refused', async (count) => {
    await expect(bindMany(pairs(count))).rejects.toMatchObject({ code: 'bulk-too-large' })
  })
})

describe('unbinding many', () => {
  test('each stands for itself, and with a key it is done once', async () => {
    const bound = await bindMany(pairs(4))
    const ids = bound.map(({ binding }) => binding?.id ?? '')
    const key = `end-${numbers[0]}`
    const asked = [...ids.slice(0, 3), '1']
    const first = await unbindMany(asked, key)
    expect(first.map((each) => each.refusal?.code ?? each.binding?.state)).toEqual([
      'unbound',
      'unbound',
      'unbound',
      'binding-unknown',
    ])
    const again = await unbindMany(asked, key)
    expect(again.map((each) => each.refusal?.code ?? each.binding?.state)).toEqual([
      'unbound',
      'unbound',
      'unbound',
      'binding-unknown',
    ])
    const without = await unbindMany(ids)
    expect(without.map((each) => each.refusal?.code ?? each.binding?.state)).toEqual([
      'binding-unknown',
      'binding-unknown',
      'binding-unknown',
      'unbound',
    ])
    expect(await ground.drifted()).toEqual([])
  })
})
