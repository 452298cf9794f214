import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BindCommand } from '../../../src/bindings/binding.ts'
import type { Product } from '../../../src/domain/call.ts'
import type { GroupId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person, phone } from '../../support/data-rooms.ts'

const ground = bindingGround()
let poolKey: PoolKey
let x: VirtualNumber
let other: VirtualNumber

async function poolOf(product: Product, count = 2): Promise<void> {
  const numbers = product === '95AXN' ? nationwideNumbers(count) : ground.numbers(count)
  x = numbers[0] as VirtualNumber
  other = numbers[1] as VirtualNumber
  poolKey = await ground.pool({ product }, [{ numbers }])
}

let nextNationwide = 0
function nationwideNumbers(count: number): VirtualNumber[] {
  return Array.from({ length: count }, () => {
    nextNationwide += 1
    return `+8695013${String(nextNationwide).padStart(6, '0')}` as VirtualNumber
  })
}

const bind = (change: Partial<BindCommand> = {}) =>
  ground.bindings.bind(ground.command(poolKey, change))
const unbind = (id: { id: never } | { id: string }) =>
  ground.bindings.unbind({ accountId: mainAccount, id: id.id as never })
const lookup = (caller: ReturnType<typeof person> | undefined, dialled = x, extension?: string) =>
  ground.router.resolve({ caller, dialled, extension })
const refused = (code: string, vendorCode?: string) =>
  expect.objectContaining({ code, ...(vendorCode === undefined ? {} : { vendorCode }) })

beforeEach(() => {
  ground.now = new Date()
})
afterEach(async () => {
  expect(await ground.drifted()).toEqual([])
})

describe.each(['AXN', '95AXN'] as const)('%s', (product) => {
  beforeEach(() => poolOf(product))

  test('anybody reaches A, and A reaches B, until it is unbound', async () => {
    const bound = await bind({ x, outId: 'o', tones: { peer: '10000002' } })
    expect(bound).toMatchObject({ product, x, extension: undefined, groupId: undefined })
    for (const caller of [person(7), person(2), undefined]) {
      const record = await lookup(caller)
      expect(record).toMatchObject({
        source: 'redis',
        number: { product },
        binding: { bindingId: bound.id, callerRole: 'N', outId: 'o', tones: { peer: '10000002' } },
      })
      expect(record.binding?.peer?.reveal()).toBe(person(1).reveal())
    }
    const fromA = await lookup(person(1))
    expect(fromA.binding).toMatchObject({ callerRole: 'A' })
    expect(fromA.binding?.peer?.reveal()).toBe(person(2).reveal())
    await unbind(bound)
    expect(await lookup(person(7))).toMatchObject({ source: 'redis', binding: undefined })
    expect((await lookup(person(1))).binding).toBeUndefined()
  })

  test('without B, A reaches nobody', async () => {
    const bound = await bind({ x, b: undefined })
    expect(bound.b).toBeUndefined()
    const record = await lookup(person(1))
    expect(record.binding).toMatchObject({ callerRole: 'A', peer: undefined })
    const shown = await ground.bindings.get(mainAccount, bound.id)
    expect(shown.b).toBeUndefined()
  })

  test('an X carries one, and once it has expired the next, swept or not', async () => {
    const first = await bind({ x, expiresAt: inMinutes(5, ground.now) })
    await expect(bind({ x, a: person(3), b: undefined })).rejects.toEqual(
      refused('bind-conflict', 'isv.BIND_CONFLICT'),
    )
    expect((await bind({ a: person(3), b: undefined })).x).toBe(other)
    await expect(bind({ a: person(4) })).rejects.toEqual(
      refused('all-numbers-full', 'isv.NO_AVAILABLE_NUMBER'),
    )
    ground.now = first.expiresAt
    const second = await bind({
      x,
      a: person(4),
      b: undefined,
      expiresAt: inMinutes(9, ground.now),
    })
    expect((await lookup(person(9))).binding?.bindingId).toBe(second.id)
    expect((await ground.bindings.get(mainAccount, first.id)).state).toBe('expired')
    ground.now = inMinutes(60, ground.now)
    expect([x, other]).toContain((await bind({ a: person(5), b: undefined })).x)
  })

  test('two at the same time for one X: one gets it', async () => {
    const both = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => bind({ x, a: person(20 + at), b: undefined })),
    )
    const bound = both.filter(({ status }) => status === 'fulfilled')
    expect(bound).toHaveLength(1)
    for (const each of both) {
      if (each.status === 'rejected') expect(each.reason).toEqual(refused('bind-conflict'))
    }
  })
})

describe('AXN_EXTENSION', () => {
  beforeEach(() => poolOf('AXN_EXTENSION'))

  test('who dials the extension reaches A; A reaches B without one', async () => {
    const bound = await bind({ x, extension: '12' })
    expect(bound.extension).toBe('12')
    const dialled = await lookup(person(7), x, '12')
    expect(dialled).toMatchObject({
      binding: { bindingId: bound.id, callerRole: 'N' },
    })
    expect(dialled.binding?.peer?.reveal()).toBe(person(1).reveal())
    const fromA = await lookup(person(1))
    expect(fromA.binding).toMatchObject({ bindingId: bound.id, callerRole: 'A' })
    expect(fromA.binding?.peer?.reveal()).toBe(person(2).reveal())
    expect((await lookup(person(7), x, '012')).binding).toBeUndefined()
    await unbind(bound)
    expect(await lookup(person(7), x, '12')).toMatchObject({ source: 'redis', binding: undefined })
    expect((await lookup(person(1))).binding).toBeUndefined()
  })

  test('an extension, and A, is on one X once; others share X', async () => {
    await bind({ x, extension: '12' })
    const conflict = refused('bind-conflict', 'isv.BIND_CONFLICT')
    await expect(bind({ x, a: person(3), extension: '12' })).rejects.toEqual(conflict)
    await expect(bind({ x, extension: '13' })).rejects.toEqual(conflict)
    await expect(bind({ x })).rejects.toEqual(conflict)
    await bind({ x, a: person(3), extension: '012' })
    await bind({ x, a: person(2), b: person(1), extension: '1' })
  })

  test('assigned ones have three digits and differ, and A gets an X that it is not on', async () => {
    const first = await bind()
    const second = await bind()
    expect(second.x).not.toBe(first.x)
    await expect(bind()).rejects.toEqual(
      refused('party-on-every-number', 'isv.NO_AVAILABLE_NUMBER'),
    )
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, at) => bind({ x, a: person(100 + at), b: undefined })),
    )
    const extensions = many.map(({ extension }) => extension)
    expect(extensions.every((each) => /^\d{3}$/.test(each ?? ''))).toBe(true)
    expect(new Set(extensions).size).toBe(60)
  })

  test('the last free one of a full X is found, then X is full', async () => {
    await ground.sql.rows({
      name: 'test.fill-extensions',
      text: `
        with made as (
          insert into binding (account_id, pool_key, x, product, a_sealed, a_index, extension, expires_at)
          select account_id, pool_key, x, 'AXN_EXTENSION', 'sealed', 'somebody ' || at,
                 lpad(at::text, 3, '0'), now() + interval '1 day'
            from number cross join generate_series(0, 999) as at where x = $1 and at <> 417
          returning id, x, a_index, extension, expires_at
        ), legs as (
          insert into binding_leg (x, party, binding_id, role, slot, expires_at)
          select x, a_index, id, 'A', extension, expires_at from made
        )
        update number set bound = 999 where x = $1`,
      values: [x],
    })
    const last = await bind({ x })
    expect(last.extension).toBe('417')
    await expect(bind({ x, a: person(3) })).rejects.toEqual(refused('number-full'))
    expect((await bind({ a: person(3) })).x).toBe(other)
  })

  test('expired extensions make way', async () => {
    await bind({ x, extension: '12', expiresAt: inMinutes(5, ground.now) })
    await bind({ x, a: person(3), extension: '13', expiresAt: inMinutes(5, ground.now) })
    ground.now = inMinutes(5, ground.now)
    const next = await bind({ x, extension: '13' })
    expect((await lookup(person(9), x, '13')).binding?.bindingId).toBe(next.id)
  })
})

describe('AXG', () => {
  let groupId: GroupId

  beforeEach(async () => {
    await poolOf('AXG')
    const numbers = [person(5), person(6)]
    groupId = (await ground.rooms.groups.create({ accountId: mainAccount, poolKey, numbers })).id
  })

  test('members of the group and A are known', async () => {
    const bound = await bind({ x, groupId })
    expect(bound).toMatchObject({ groupId, product: 'AXG' })
    expect(await lookup(person(5))).toMatchObject({
      binding: { bindingId: bound.id, callerRole: 'G' },
      standing: { inGroup: true },
    })
    expect(await lookup(person(7))).toMatchObject({
      binding: { callerRole: 'G' },
      standing: { inGroup: false },
    })
    expect((await lookup(person(1))).binding?.callerRole).toBe('A')
  })

  test('the group must be of this pool and have numbers, and stays while it is used', async () => {
    const { groups } = ground.rooms
    const empty = await groups.create({ accountId: mainAccount, poolKey })
    await expect(bind({ x, groupId: empty.id })).rejects.toEqual(refused('group-empty'))
    const unknown = refused('group-unknown')
    await expect(bind({ x, groupId: '2999999999999' })).rejects.toEqual(unknown)
    const before = poolKey
    await poolOf('AXG')
    await expect(bind({ x, groupId })).rejects.toEqual(unknown)
    poolKey = before
    const bound = await bind({ groupId })
    const ref = { accountId: mainAccount, poolKey, id: groupId }
    await expect(groups.remove(ref)).rejects.toBeDefined()
    await unbind(bound)
    await groups.remove(ref)
  })

  test('a group that is being removed while somebody binds it is either bound or gone', async () => {
    for (let round = 0; round < 10; round += 1) {
      const numbers = [person(5)]
      const { id } = await ground.rooms.groups.create({ accountId: mainAccount, poolKey, numbers })
      const [bound, removed] = await Promise.allSettled([
        bind({ x, groupId: id }),
        ground.rooms.groups.remove({ accountId: mainAccount, poolKey, id }),
      ])
      expect([bound.status, removed.status].sort()).toEqual(['fulfilled', 'rejected'])
      if (bound.status === 'fulfilled') await unbind(bound.value)
    }
  })
})

describe('refused whatever the product', () => {
  test('a pool of another product, and X mode', async () => {
    await poolOf('AXN')
    await expect(bind({ product: 'AXB' })).rejects.toEqual(
      refused('product-mismatch', 'isv.FORBIDDEN_ACTION'),
    )
    await expect(bind({ product: 'AXN' })).resolves.toBeDefined()
    await poolOf('X_MODE')
    await expect(bind({ x })).rejects.toEqual(
      refused('product-not-bindable', 'isv.FORBIDDEN_ACTION'),
    )
  })

  test.each(['AXN', 'AXN_EXTENSION'] as const)('%s: a party that is an X', async (product) => {
    await poolOf(product)
    const virtual = refused('party-is-virtual', 'isv.MOBILE_NUMBER_ILLEGAL')
    await expect(bind({ a: phone(other) })).rejects.toEqual(virtual)
    await expect(bind({ x, b: phone(x) })).rejects.toEqual(virtual)
  })

  test('a fixed line is a party like any other', async () => {
    await poolOf('AXN')
    const line = phone('+8657188992688')
    await bind({ x, a: line, b: undefined })
    expect((await lookup(line)).binding?.callerRole).toBe('A')
  })
})

describe('what is only kept', () => {
  test('comes back as it was given', async () => {
    await poolOf('AXB')
    const kept = {
      outOrderId: 'order 7',
      asr: true,
      asrModel: '7ee372834d2f4cc7ac0d0ab2d0ae1aac',
      survey: {
        side: 'B',
        question: '10000005',
        thanks: '10000006',
        keys: ['1', '*'],
        loopsMax: 2,
      },
    } as const
    const bound = await bind({ x, ...kept })
    expect(bound).toMatchObject(kept)
    expect(await ground.bindings.get(mainAccount, bound.id)).toMatchObject(kept)
  })
})
