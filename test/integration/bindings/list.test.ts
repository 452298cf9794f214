import { beforeAll, describe, expect, test } from 'vitest'
import type { BindCommand, Binding, BindingFilter } from '../../../src/bindings/binding.ts'
import type { AccountId, GroupId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person } from '../../support/data-rooms.ts'

const ground = bindingGround()
let axb: PoolKey
let extension: PoolKey
let axg: PoolKey
let groupId: GroupId
let x: VirtualNumber
const made: Record<string, Binding> = {}

beforeAll(async () => {
  ground.now = new Date()
  const numbers = ground.numbers(4)
  x = numbers[0] as VirtualNumber
  axb = await ground.pool({ product: 'AXB' }, [{ numbers }])
  extension = await ground.pool({ product: 'AXN_EXTENSION' }, [{ numbers: ground.numbers(1) }])
  axg = await ground.pool({ product: 'AXG' }, [{ numbers: ground.numbers(2) }])
  const group = { accountId: mainAccount, poolKey: axg, numbers: [person(50)] }
  groupId = (await ground.rooms.groups.create(group)).id
  const bind = async (name: string, poolKey: PoolKey, change: Partial<BindCommand>) => {
    made[name] = await ground.bindings.bind(ground.command(poolKey, change))
  }
  await bind('ended', axb, { x, outId: 'one' })
  await ground.bindings.unbind({ accountId: mainAccount, id: made['ended']?.id as never })
  await bind('soon', axb, { x, expiresAt: inMinutes(5, ground.now) })
  await bind('late', axb, { x, a: person(3), b: person(4), expiresAt: inMinutes(90, ground.now) })
  await bind('asB', axb, {
    a: person(6),
    b: person(1),
    outId: 'one',
    expiresAt: inMinutes(60, ground.now),
  })
  await bind('extended', extension, { b: undefined, expiresAt: inMinutes(70, ground.now) })
  await bind('grouped', axg, { groupId, b: undefined, expiresAt: inMinutes(80, ground.now) })
  ground.now = inMinutes(6, ground.now)
})

const names = async (filter: Partial<BindingFilter>): Promise<string[]> => {
  const { items } = await ground.bindings.list({ accountId: mainAccount, ...filter })
  return items.map(({ id }) => Object.keys(made).find((name) => made[name]?.id === id) ?? id)
}

describe('list', () => {
  test('newest first, oldest first, or the next to expire', async () => {
    const all = ['grouped', 'extended', 'asB', 'late', 'soon', 'ended']
    expect(await names({})).toEqual(all)
    expect(await names({ sort: 'oldest' })).toEqual([...all].reverse())
    expect(await names({ sort: 'expires' })).toEqual(['asB', 'extended', 'grouped', 'late'])
  })

  test.each<[string, () => Partial<BindingFilter>, string[]]>([
    ['X', () => ({ x }), ['late', 'soon', 'ended']],
    ['pool', () => ({ poolKey: extension }), ['extended']],
    ['product', () => ({ product: 'AXG' }), ['grouped']],
    ['out id', () => ({ outId: 'one' }), ['asB', 'ended']],
    ['group', () => ({ groupId }), ['grouped']],
    ['extension', () => ({ extension: made['extended']?.extension }), ['extended']],
    ['either party', () => ({ party: person(1) }), ['grouped', 'extended', 'asB', 'soon', 'ended']],
    ['A', () => ({ a: person(1) }), ['grouped', 'extended', 'soon', 'ended']],
    ['live', () => ({ poolKey: axb, state: 'live' }), ['asB', 'late']],
    ['expired', () => ({ state: 'expired' }), ['soon']],
    ['unbound', () => ({ state: 'unbound' }), ['ended']],
    ['party and state', () => ({ party: person(1), state: 'live', product: 'AXB' }), ['asB']],
    [
      'party, sorted',
      () => ({ party: person(1), sort: 'expires' }),
      ['asB', 'extended', 'grouped'],
    ],
    ['nobody', () => ({ party: person(99) }), []],
    ['another account', () => ({ accountId: 'other' as AccountId }), []],
  ])('by %s', async (_name, filter, expected) => {
    expect(await names(filter())).toEqual(expected)
  })

  test.each(['newest', 'oldest', 'expires'] as const)('%s, page by page', async (sort) => {
    for (const party of [undefined, person(1)]) {
      const whole = await names({ sort, party })
      const paged: string[] = []
      let cursor: string | undefined
      do {
        const page = await ground.bindings.list({
          accountId: mainAccount,
          sort,
          party,
          limit: 2,
          cursor,
        })
        paged.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      expect(paged.map((id) => Object.keys(made).find((name) => made[name]?.id === id))).toEqual(
        whole,
      )
    }
  })

  test('a cursor is for the order that it comes from', async () => {
    const page = await ground.bindings.list({ accountId: mainAccount, sort: 'expires', limit: 1 })
    const { nextCursor: cursor } = page
    await expect(ground.bindings.list({ accountId: mainAccount, cursor })).rejects.toMatchObject({
      code: 'cursor-unknown',
    })
  })

  test('the live ones of an X by their ids, for its owner', async () => {
    expect(await ground.bindings.liveOn(mainAccount, x)).toEqual([made['late']?.id])
    expect(await ground.bindings.liveOn('other' as AccountId, x)).toEqual([])
  })
})
