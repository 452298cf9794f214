import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BindCommand, Binding, BindingChange } from '../../../src/bindings/binding.ts'
import type { Product } from '../../../src/domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person, phone, testVault } from '../../support/data-rooms.ts'

const ground = bindingGround()
let poolKey: PoolKey
let x: VirtualNumber
let other: VirtualNumber

async function poolOf(product: Product): Promise<void> {
  const numbers = ground.numbers(2)
  x = numbers[0] as VirtualNumber
  other = numbers[1] as VirtualNumber
  poolKey = await ground.pool({ product }, [{ numbers }])
}

const bind = (change: Partial<BindCommand> = {}) =>
  ground.bindings.bind(ground.command(poolKey, { x, ...change }))
const update = (binding: Binding, change: BindingChange, more: object = {}) =>
  ground.bindings.update({ accountId: mainAccount, id: binding.id, change, ...more })
const lookup = (caller: ReturnType<typeof person>, extension?: string) =>
  ground.router.resolve({ caller, dialled: x, extension })
const peerOf = async (caller: ReturnType<typeof person>, extension?: string) =>
  (await lookup(caller, extension)).binding?.peer?.reveal()
const refused = (code: string, vendorCode?: string) =>
  expect.objectContaining({ code, ...(vendorCode === undefined ? {} : { vendorCode }) })

beforeEach(() => {
  ground.now = new Date()
})
afterEach(async () => {
  expect(await ground.drifted()).toEqual([])
})

describe('AXB', () => {
  beforeEach(() => poolOf('AXB'))

  test('a new A takes the place of the old one at once', async () => {
    const bound = await bind()
    expect(await peerOf(person(1))).toBe(person(2).reveal())
    const updated = await update(bound, { a: person(3) })
    expect(updated.a.reveal()).toBe(person(3).reveal())
    expect(await lookup(person(1))).toMatchObject({ source: 'redis', binding: undefined })
    expect(await lookup(person(3))).toMatchObject({ source: 'redis' })
    expect(await peerOf(person(3))).toBe(person(2).reveal())
    expect(await peerOf(person(2))).toBe(person(3).reveal())
    await bind({ a: person(1), b: person(4) })
  })

  test('both at once, and B may not be taken away', async () => {
    const bound = await bind()
    await update(bound, { a: person(3), b: person(4) })
    expect(await peerOf(person(3))).toBe(person(4).reveal())
    expect(await peerOf(person(4))).toBe(person(3).reveal())
    for (const gone of [person(1), person(2)]) expect(await peerOf(gone)).toBeUndefined()
    await expect(update(bound, { b: null })).rejects.toEqual(
      refused('b-needed', 'isv.ILLEGAL_ARGUMENT'),
    )
  })

  test('A and B change places, or one moves on and another comes', async () => {
    const bound = await bind({ restriction: 'AX' })
    await update(bound, { a: person(2), b: person(1) })
    expect((await lookup(person(2))).binding).toMatchObject({ callerRole: 'A' })
    expect(await peerOf(person(1))).toBe(person(2).reveal())
    await update(bound, { a: person(1), b: person(3) })
    expect((await lookup(person(1))).binding).toMatchObject({ callerRole: 'A' })
    expect(await peerOf(person(3))).toBe(person(1).reveal())
    expect(await peerOf(person(2))).toBeUndefined()
    await update(bound, { a: person(4), b: person(1) })
    expect((await lookup(person(1))).binding).toMatchObject({ callerRole: 'B' })
    expect(await peerOf(person(3))).toBeUndefined()
  })

  test('one who is on this X already is a conflict, one whose binding there has expired is not', async () => {
    const bound = await bind()
    const busy = await bind({ a: person(5), b: person(6), expiresAt: inMinutes(5, ground.now) })
    const conflict = refused('update-conflict', 'isv.UPDATE_CONFLICT')
    await expect(update(bound, { a: person(5) })).rejects.toEqual(conflict)
    await expect(update(bound, { b: person(5) })).rejects.toEqual(conflict)
    ground.now = busy.expiresAt
    await update(bound, { a: person(5) })
    expect(await peerOf(person(5))).toBe(person(2).reveal())
    expect((await ground.bindings.get(mainAccount, busy.id)).state).toBe('expired')
  })

  test('A and B stay two, and real', async () => {
    const bound = await bind()
    const equal = refused('parties-equal', 'isv.MOBILE_NUMBER_ILLEGAL')
    await expect(update(bound, { a: person(2) })).rejects.toEqual(equal)
    await expect(update(bound, { a: person(3), b: person(3) })).rejects.toEqual(equal)
    await expect(update(bound, { a: phone(other) })).rejects.toEqual(
      refused('party-is-virtual', 'isv.MOBILE_NUMBER_ILLEGAL'),
    )
    await update(bound, { a: person(1) })
    expect(await peerOf(person(1))).toBe(person(2).reveal())
  })

  test('the expiry, earlier or later, is what the next call sees', async () => {
    const bound = await bind()
    const later = inMinutes(600, ground.now)
    const updated = await update(bound, { expiresAt: later })
    expect(updated.expiresAt.getTime()).toBe(Math.floor(later.getTime() / 1000) * 1000)
    expect((await lookup(person(2))).binding?.expiresAt.getTime()).toBe(updated.expiresAt.getTime())
    await expect(update(bound, { expiresAt: inMinutes(1, ground.now) })).rejects.toEqual(
      refused('expiry-illegal', 'isv.EXPIRE_DATE_ILLEGAL'),
    )
    await update(bound, { expiresAt: inMinutes(2, ground.now) })
    ground.now = inMinutes(3, ground.now)
    await bind({ b: person(9) })
  })

  test('every term is set, left alone and cleared', async () => {
    const terms = {
      recording: true,
      tones: { a: '10000002' },
      ringSecondsMax: 20,
      talkSecondsMax: 600,
      restriction: 'AX',
      outId: 'o',
      outOrderId: 'p',
      asr: true,
      asrModel: 'm',
      survey: { side: 'A', question: '10000005', keys: ['1'] },
    } as const
    const bound = await bind()
    expect(await update(bound, terms)).toMatchObject(terms)
    const seen = { recording: true, tones: { a: '10000002' }, ringSecondsMax: 20 }
    const met = { ...seen, talkSecondsMax: 600, restriction: 'AX', outId: 'o' }
    for (const caller of [person(1), person(2)]) {
      expect((await lookup(caller)).binding).toMatchObject(met)
    }
    expect(await update(bound, { ringSecondsMax: 30 })).toMatchObject({
      ...terms,
      ringSecondsMax: 30,
    })
    for (const term of Object.keys(terms).filter((each) => each !== 'asrModel')) {
      const cleared = await update(bound, { [term]: null })
      expect(cleared[term as keyof Binding], term).toBeUndefined()
    }
    expect((await update(bound, { asrModel: null })).asrModel).toBeUndefined()
    expect((await lookup(person(1))).binding).toMatchObject({
      recording: false,
      tones: {},
      ringSecondsMax: 60,
      restriction: undefined,
      outId: undefined,
    })
  })

  test('the model of recordings that are written down is not taken away alone', async () => {
    const bound = await bind({ asr: true, asrModel: 'm' })
    await expect(update(bound, { asrModel: null })).rejects.toEqual(refused('invalid-parameters'))
    await update(bound, { asr: false, asrModel: null })
  })

  test('what is unbound is unknown, what has expired is over, and pool and X must be its own', async () => {
    const bound = await bind()
    const unknown = refused('binding-unknown', 'isv.SUBS_NOT_EXIST')
    const change = { outId: 'o' }
    await expect(update(bound, change, { x: other })).rejects.toEqual(unknown)
    await expect(update(bound, change, { poolKey: 'FC999999999999999' })).rejects.toEqual(unknown)
    await expect(update(bound, change, { accountId: 'other' as AccountId })).rejects.toEqual(
      unknown,
    )
    await update(bound, change, { x, poolKey })
    ground.now = bound.expiresAt
    const over = refused('binding-expired', 'isv.FORBIDDEN_ACTION')
    await expect(update(bound, { expiresAt: inMinutes(99, ground.now) })).rejects.toEqual(over)
    await expect(update(bound, { a: person(3) })).rejects.toEqual(over)
    const next = await bind()
    await expect(update(bound, change)).rejects.toEqual(over)
    await ground.bindings.unbind({ accountId: mainAccount, id: next.id })
    await expect(update(next, change)).rejects.toEqual(unknown)
  })

  test('a survey, a group: only where they belong', async () => {
    const bound = await bind()
    await expect(update(bound, { groupId: '2000000000001' })).rejects.toEqual(
      refused('field-not-applicable', 'isv.FORBIDDEN_ACTION'),
    )
    await poolOf('AXN')
    const single = await bind()
    const survey = { side: 'A', question: 'q', keys: ['1'] } as const
    await expect(update(single, { survey })).rejects.toEqual(
      refused('field-not-applicable', 'isv.FORBIDDEN_ACTION'),
    )
    await update(single, { survey: null })
  })

  test('changes of one binding at the same time leave one whole state', async () => {
    const bound = await bind()
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        at % 3 === 0
          ? update(bound, { a: person(100 + at) })
          : at % 3 === 1
            ? update(bound, { b: person(200 + at) })
            : update(bound, { outId: `o${at}` }),
      ),
    )
    expect(results).toHaveLength(12)
    const end = await ground.bindings.get(mainAccount, bound.id)
    expect(await peerOf(end.a)).toBe(end.b?.reveal())
    expect(await peerOf(end.b as never)).toBe(end.a.reveal())
    const everybody = [0, 3, 6, 9].map((at) => person(100 + at))
    const reached = await Promise.all([person(1), ...everybody].map((each) => peerOf(each)))
    expect(reached.filter((each) => each !== undefined)).toEqual([end.b?.reveal()])
  })

  test('A and B change places from many sides at once, and still reach each other', async () => {
    const bound = await bind()
    const [one, two, three] = [person(1), person(2), person(3)]
    await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        update(
          bound,
          [
            { a: two, b: one },
            { a: one, b: two },
            { a: two, b: three },
          ][at % 3] ?? {},
        ),
      ),
    )
    const end = await ground.bindings.get(mainAccount, bound.id)
    const sides = [end.a.reveal(), end.b?.reveal()]
    expect((await lookup(end.a)).binding?.callerRole).toBe('A')
    for (const each of [one, two, three]) {
      const peer = sides.includes(each.reveal())
        ? sides.find((side) => side !== each.reveal())
        : undefined
      expect(await peerOf(each)).toBe(peer)
    }
    const legs = await ground.sql.rows<{ party: string; role: string }>({
      name: '',
      text: 'select party, role from binding_leg where binding_id = $1 order by role',
      values: [bound.id],
    })
    expect(legs).toEqual([
      { party: testVault.blindIndex(end.a), role: 'A' },
      { party: testVault.blindIndex(end.b as never), role: 'B' },
    ])
  })

  test('a change and an unbind at the same time: nothing of it is left', async () => {
    for (let round = 0; round < 20; round += 1) {
      const bound = await bind({ a: person(300 + round), b: person(400 + round) })
      await Promise.allSettled([
        update(bound, { a: person(500 + round) }),
        ground.bindings.unbind({ accountId: mainAccount, id: bound.id }),
      ])
      for (const each of [300, 400, 500]) expect(await peerOf(person(each + round))).toBeUndefined()
    }
    expect(await ground.bindings.liveOn(mainAccount, x)).toEqual([])
  })

  test('with a key a change is made once', async () => {
    const bound = await bind()
    const keyed = { idempotencyKey: `u-${x}` }
    await update(bound, { outId: 'first' }, keyed)
    await update(bound, { outId: 'second' })
    expect(await update(bound, { outId: 'first' }, keyed)).toMatchObject({ outId: 'second' })
    await expect(update(bound, { outId: 'other' }, keyed)).rejects.toEqual(
      refused('idempotency-key-reused'),
    )
    const both = await Promise.all(
      [1, 2].map(() => update(bound, { outId: 'third' }, { idempotencyKey: `v-${x}` })),
    )
    expect(both.map(({ outId }) => outId)).toEqual(['third', 'third'])
  })
})

describe('the others', () => {
  test('AXN: A, and B that can be taken away', async () => {
    await poolOf('AXN')
    const bound = await bind()
    await update(bound, { a: person(3), b: null })
    expect(await peerOf(person(9))).toBe(person(3).reveal())
    expect((await lookup(person(3))).binding).toMatchObject({ callerRole: 'A', peer: undefined })
    expect((await lookup(person(1))).binding?.callerRole).toBe('N')
    await update(bound, { b: person(4), recording: true })
    expect(await peerOf(person(3))).toBe(person(4).reveal())
    expect((await lookup(person(9))).binding?.recording).toBe(true)
  })

  test('AXN extension: A moves, the extension stays', async () => {
    await poolOf('AXN_EXTENSION')
    const bound = await bind({ extension: '12', b: undefined })
    const busy = await bind({ a: person(5), extension: '13' })
    await update(bound, { a: person(3), b: person(4), restriction: 'BX' })
    expect(await peerOf(person(9), '12')).toBe(person(3).reveal())
    expect(await peerOf(person(3))).toBe(person(4).reveal())
    expect(await peerOf(person(1))).toBeUndefined()
    expect((await lookup(person(9), '12')).binding).toMatchObject({ restriction: 'BX' })
    await expect(update(busy, { a: person(3) })).rejects.toEqual(
      refused('update-conflict', 'isv.UPDATE_CONFLICT'),
    )
  })

  test('AXG: another group of the pool that has numbers', async () => {
    await poolOf('AXG')
    const { groups } = ground.rooms
    const make = (numbers: ReturnType<typeof person>[]) =>
      groups.create({ accountId: mainAccount, poolKey, numbers })
    const first = await make([person(5)])
    const second = await make([person(6)])
    const empty = await make([])
    const bound = await bind({ groupId: first.id })
    expect(await update(bound, { groupId: second.id })).toMatchObject({ groupId: second.id })
    expect((await lookup(person(5))).standing.inGroup).toBe(false)
    expect((await lookup(person(6))).standing.inGroup).toBe(true)
    await expect(update(bound, { groupId: empty.id })).rejects.toEqual(refused('group-empty'))
    await expect(update(bound, { groupId: '2999999999999' })).rejects.toEqual(
      refused('group-unknown'),
    )
    await groups.remove({ accountId: mainAccount, poolKey, id: first.id })
  })
})
