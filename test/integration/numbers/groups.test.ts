import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import type { AccountId, GroupId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { Group } from '../../../src/numbers/group.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  poolWith,
  routerRooms,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let database: TestDatabase
let server: TestRedis
let rooms: ReturnType<typeof apiRooms>
let router: ReturnType<typeof routerRooms>
let worker: ReturnType<typeof workerRooms>
let poolKey: PoolKey
let nextX = 0
let nextPerson = 0
let now = new Date()
const clock = { now: () => now }
const stranger = 'other' as AccountId

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  const { sql } = database
  rooms = apiRooms({ sql, redis: await server.client(), clock })
  router = routerRooms({ sql, redis: await server.client() })
  worker = workerRooms({ sql, redis: await server.client() })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(0)))
  poolKey = await poolWith(rooms, [], 'AXG')
})
afterAll(async () => {
  await router.trust.stop()
  await worker.keeper.stop()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

const somebody = () => {
  nextPerson += 1
  return person(nextPerson)
}
const people = (count: number) => Array.from({ length: count }, somebody)
const here = () => ({ accountId: mainAccount, poolKey })
const refOf = (group: Group) => ({ ...here(), id: group.id })
const create = (more: object = {}) => rooms.groups.create({ ...here(), ...more })

/** An X whose members may call A. */
async function bound(group: Group): Promise<{ x: VirtualNumber; id: string }> {
  nextX += 1
  const x = xAt(nextX)
  await rooms.numbers.add({ ...here(), numbers: [x] })
  const ask = { ...here(), a: somebody(), x, groupId: group.id }
  const { id } = await rooms.bindings.bind({ ...ask, expiresAt: inMinutes(30, now) })
  return { x, id }
}

const isLetThrough = async (caller: PhoneNumber, dialled: VirtualNumber) =>
  (await router.resolve({ caller, dialled })).standing.inGroup
const warm = (caller: PhoneNumber, dialled: VirtualNumber) =>
  until(async () => (await router.resolve({ caller, dialled })).source === 'redis')
const shown = (numbers: readonly { number: PhoneNumber }[]) =>
  numbers.map(({ number }) => String(number))

let statements = 0
function run<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  statements += 1
  return database.sql.rows<Row>({ name: `test.${statements}`, text, values })
}

describe('a G group', () => {
  test('has an id of 13 digits, which is its name when it is given none', async () => {
    const plain = await create()
    expect(plain.id).toMatch(/^2\d{12}$/)
    expect(plain).toMatchObject({ name: plain.id, remark: undefined, members: 0, poolKey })
    const numbers = people(3)
    const named = await create({ name: '客服一组', remark: 'day shift', numbers })
    expect(named).toMatchObject({ name: '客服一组', remark: 'day shift', members: 3 })
    expect(await rooms.groups.get(refOf(named))).toEqual(named)
  })

  test('counts a number once, however often it is given', async () => {
    const [one, two] = [somebody(), somebody()]
    const group = await create({ numbers: [one, two, one] })
    expect(group.members).toBe(2)
    const again = await rooms.groups.edit(refOf(group), 'add', [one, somebody(), two])
    expect(again).toMatchObject({ added: 1, removed: 0, group: { members: 3 } })
  })

  test('is made once by the same key, at the same time too, and never another', async () => {
    const numbers = people(3)
    const said = { idempotencyKey: 'group-7', name: 'once', numbers }
    const made = await Promise.all(Array.from({ length: 8 }, () => create(said)))
    expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    expect(made.every(({ members }) => members === 3)).toBe(true)
    const reused = { code: 'idempotency-key-reused', httpStatus: 422 }
    await expect(create({ ...said, remark: 'x' })).rejects.toMatchObject(reused)
    await expect(create({ ...said, numbers: people(3) })).rejects.toMatchObject(reused)
    await rooms.groups.remove(refOf(made[0] as Group))
    expect((await create(said)).id).not.toBe(made[0]?.id)
  })

  test('can be renamed, noted on, and the note taken away', async () => {
    const group = await create({ remark: 'old' })
    const ref = refOf(group)
    expect(await rooms.groups.change(ref, { name: 'new' })).toMatchObject({
      name: 'new',
      remark: 'old',
    })
    expect(await rooms.groups.change(ref, { remark: 'none' })).toMatchObject({
      name: 'new',
      remark: undefined,
    })
  })

  test('lets its members call, from the end of the edit on', async () => {
    const [first, second, third] = [somebody(), somebody(), somebody()]
    const group = await create({ numbers: [first] })
    const { x } = await bound(group)
    for (const each of [first, second, third]) await warm(each, x)
    const through = async () =>
      Promise.all([first, second, third].map((each) => isLetThrough(each, x)))
    expect(await through()).toEqual([true, false, false])
    await rooms.groups.edit(refOf(group), 'add', [second])
    expect(await through()).toEqual([true, true, false])
    const taken = await rooms.groups.edit(refOf(group), 'delete', [first, third])
    expect(taken).toMatchObject({ added: 0, removed: 1, group: { members: 1 } })
    expect(await through()).toEqual([false, true, false])
    const replaced = await rooms.groups.edit(refOf(group), 'overwrite', [first, third])
    expect(replaced).toMatchObject({ added: 2, removed: 1, group: { members: 2 } })
    expect(await through()).toEqual([true, false, true])
    for (const each of [first, second, third]) await warm(each, x)
    expect(await through()).toEqual([true, false, true])
    await rooms.groups.edit(refOf(group), 'overwrite', [])
    expect(await through()).toEqual([false, false, false])
    expect((await rooms.groups.get(refOf(group))).members).toBe(0)
  })

  test('is not removed while a live binding uses it', async () => {
    const members = people(2)
    const group = await create({ numbers: members })
    const { id } = await bound(group)
    await expect(rooms.groups.remove(refOf(group))).rejects.toMatchObject({
      code: 'group-in-use',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
    await rooms.bindings.unbind({ accountId: mainAccount, id: id as never })
    await rooms.groups.remove(refOf(group))
    const unknown = { code: 'group-unknown', httpStatus: 404 }
    await expect(rooms.groups.get(refOf(group))).rejects.toMatchObject(unknown)
    await expect(rooms.groups.remove(refOf(group))).rejects.toMatchObject(unknown)
    expect(await run('select 1 from group_member where group_id = $1', [group.id])).toEqual([])
  })

  test('is removed when its last binding has expired, swept or not', async () => {
    const group = await create({ numbers: [somebody()] })
    await bound(group)
    const before = now
    now = inMinutes(31, now)
    try {
      await rooms.groups.remove(refOf(group))
    } finally {
      now = before
    }
  })

  test('is listed newest first in pages, found by name, id and member', async () => {
    const own = await poolWith(rooms, [], 'AXG')
    const at = { accountId: mainAccount, poolKey: own }
    const member = somebody()
    const groups: Group[] = []
    for (const name of ['Night 100%', 'day', 'weekend']) {
      groups.unshift(await rooms.groups.create({ ...at, name, numbers: [member] }))
    }
    const list = async (more: object) => rooms.groups.list({ ...at, ...more })
    const first = await list({ limit: 2 })
    const rest = await list({ limit: 2, cursor: first.nextCursor })
    expect([...first.items, ...rest.items]).toEqual(groups)
    expect(rest.nextCursor).toBeUndefined()
    const names = async (filter: object) => (await list(filter)).items.map(({ name }) => name)
    expect(await names({ search: 'night' })).toEqual(['Night 100%'])
    expect(await names({ search: '%' })).toEqual(['Night 100%'])
    expect(await names({ search: groups[0]?.id })).toEqual(['weekend'])
    expect(await names({ number: member })).toHaveLength(3)
    expect(await names({ number: somebody() })).toEqual([])
    expect(await rooms.pools.get(mainAccount, own)).toMatchObject({ groups: 3 })
    await rooms.groups.remove({ ...at, id: groups[0]?.id as GroupId })
    expect(await rooms.pools.get(mainAccount, own)).toMatchObject({ groups: 2 })
    await expect(list({ cursor: 'eA' })).rejects.toMatchObject({ code: 'cursor-unknown' })
  })

  test('shows its members newest first in pages, masked, and finds one by number', async () => {
    const group = await create()
    const numbers = people(5)
    for (const each of numbers) await rooms.groups.edit(refOf(group), 'add', [each])
    const list = (more: object) => rooms.groups.members({ ...refOf(group), ...more })
    const first = await list({ limit: 3 })
    const rest = await list({ limit: 3, cursor: first.nextCursor })
    expect(shown([...first.items, ...rest.items])).toEqual([...numbers].reverse().map(String))
    expect(shown((await list({ number: numbers[2] })).items)).toEqual([String(numbers[2])])
    expect((await list({ number: somebody() })).items).toEqual([])
  })
})

describe('what is refused of groups', () => {
  test('a pool of another product has none', async () => {
    const axb = { accountId: mainAccount, poolKey: await poolWith(rooms, []) }
    const refused = {
      code: 'product-mismatch',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    }
    const ref = { ...axb, id: '2000000000001' as GroupId }
    await expect(rooms.groups.create(axb)).rejects.toMatchObject(refused)
    await expect(rooms.groups.list(axb)).rejects.toMatchObject(refused)
    await expect(rooms.groups.get(ref)).rejects.toMatchObject(refused)
    await expect(rooms.groups.edit(ref, 'add', [somebody()])).rejects.toMatchObject(refused)
    await expect(rooms.groups.change(ref, { name: 'x' })).rejects.toMatchObject(refused)
    await expect(rooms.groups.members(ref)).rejects.toMatchObject(refused)
    await expect(rooms.groups.remove(ref)).rejects.toMatchObject(refused)
  })

  test('that of another account, or of another pool, is unknown', async () => {
    const group = await create({ numbers: people(1) })
    const elsewhere = await poolWith(rooms, [], 'AXG')
    for (const [ref, code] of [
      [{ ...refOf(group), accountId: stranger }, 'pool-unknown'],
      [{ ...refOf(group), poolKey: elsewhere }, 'group-unknown'],
      [{ ...refOf(group), poolKey: 'FC999999999999999' as PoolKey }, 'pool-unknown'],
      [{ ...refOf(group), id: '2999999999999' as GroupId }, 'group-unknown'],
    ] as const) {
      const refused = { code, httpStatus: 404 }
      await expect(rooms.groups.get(ref)).rejects.toMatchObject(refused)
      await expect(rooms.groups.edit(ref, 'add', [somebody()])).rejects.toMatchObject(refused)
      await expect(rooms.groups.edit(ref, 'overwrite', [])).rejects.toMatchObject(refused)
      await expect(rooms.groups.change(ref, { name: 'mine' })).rejects.toMatchObject(refused)
      await expect(rooms.groups.members(ref)).rejects.toMatchObject(refused)
      await expect(rooms.groups.remove(ref)).rejects.toMatchObject(refused)
    }
    expect(await rooms.groups.get(refOf(group))).toEqual(group)
  })

  test.each([
    ['an empty name', { name: '' }],
    ['a name of 17 characters', { name: 'x'.repeat(17) }],
    ['a NUL in the name', { name: 'a\0b' }],
    ['an empty remark', { remark: '' }],
    ['a remark of 51 characters', { remark: 'x'.repeat(51) }],
  ])('%s', async (_, texts) => {
    const refused = { code: 'invalid-parameters', httpStatus: 422 }
    await expect(create(texts)).rejects.toMatchObject(refused)
    const group = await create()
    await expect(rooms.groups.change(refOf(group), texts)).rejects.toMatchObject(refused)
  })

  test('more than 200 numbers at a time', async () => {
    const group = await create({ numbers: people(200) })
    const many = people(201)
    const refused = { code: 'invalid-parameters', httpStatus: 422 }
    await expect(create({ numbers: many })).rejects.toMatchObject(refused)
    for (const edit of ['add', 'delete', 'overwrite'] as const) {
      await expect(rooms.groups.edit(refOf(group), edit, many)).rejects.toMatchObject(refused)
    }
    expect((await rooms.groups.edit(refOf(group), 'overwrite', people(200))).group.members).toBe(
      200,
    )
  })

  test('to overwrite a group of more than 200 members', async () => {
    const group = await create({ numbers: people(200) })
    await rooms.groups.edit(refOf(group), 'add', [somebody()])
    await expect(rooms.groups.edit(refOf(group), 'overwrite', [somebody()])).rejects.toMatchObject({
      code: 'group-too-large',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
    expect((await rooms.groups.get(refOf(group))).members).toBe(201)
  })

  test('more than 10 000 members', async () => {
    const group = await create({ numbers: people(1) })
    await run('update number_group set members = 9999 where id = $1', [group.id])
    expect((await rooms.groups.edit(refOf(group), 'add', people(1))).group.members).toBe(10_000)
    await expect(rooms.groups.edit(refOf(group), 'add', people(1))).rejects.toMatchObject({
      code: 'group-full',
      httpStatus: 409,
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
  })

  test('more than 2000 groups in a pool, however many are made at once', async () => {
    const own = await poolWith(rooms, [], 'AXG')
    const at = { accountId: mainAccount, poolKey: own }
    await run('update pool set group_count = 1995 where key = $1', [own])
    const results = await Promise.allSettled(
      Array.from({ length: 16 }, () => rooms.groups.create({ ...at, numbers: people(2) })),
    )
    const refused = results.filter((each) => each.status === 'rejected')
    expect(refused).toHaveLength(11)
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: 'too-many-groups',
        httpStatus: 409,
        vendorCode: 'isv.FORBIDDEN_ACTION',
      })
    }
    const made = await run('select 1 from number_group where pool_key = $1', [own])
    expect(made).toHaveLength(5)
  })
})

describe('groups under concurrency', () => {
  test('edits of the same people in every order never wait in a circle, and all agree in the end', async () => {
    const crowd = people(30)
    const groups = await Promise.all(
      Array.from({ length: 4 }, () => create({ numbers: crowd.slice(0, 5) })),
    )
    const xs = await Promise.all(groups.map((group) => bound(group)))
    const edits = ['add', 'delete', 'overwrite', 'add'] as const
    await Promise.all(
      Array.from({ length: 24 }, async (_, lane) => {
        for (let turn = 0; turn < 6; turn += 1) {
          const group = groups[(lane + turn) % 4] as Group
          const some = crowd.filter((_each, at) => (at * 7 + lane + turn) % 3 === 0)
          const named = lane % 2 === 0 ? some : [...some].reverse()
          await rooms.groups.edit(refOf(group), edits[(lane * turn) % 4] ?? 'add', named)
        }
      }),
    )
    for (const [at, group] of groups.entries()) {
      const { items } = await rooms.groups.members({ ...refOf(group), limit: 200 })
      expect((await rooms.groups.get(refOf(group))).members).toBe(items.length)
      const inside = new Set(shown(items))
      for (const each of crowd) {
        const x = xs[at]?.x as VirtualNumber
        expect(await isLetThrough(each, x)).toBe(inside.has(String(each)))
      }
    }
  })

  test('a group that is being bound is not removed, and one that is removed is not bound', async () => {
    for (let round = 0; round < 25; round += 1) {
      const group = await create({ numbers: people(1) })
      nextX += 1
      await rooms.numbers.add({ ...here(), numbers: [xAt(nextX)] })
      const ask = { ...here(), a: somebody(), x: xAt(nextX), groupId: group.id }
      const [removal, binding] = await Promise.allSettled([
        rooms.groups.remove(refOf(group)),
        rooms.bindings.bind({ ...ask, expiresAt: inMinutes(30, now) }),
      ])
      for (const each of [removal, binding]) {
        if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(DomainError)
      }
      expect([removal.status, binding.status].sort()).toEqual(['fulfilled', 'rejected'])
      const left = await run('select 1 from number_group where id = $1', [group.id])
      expect(left).toHaveLength(removal.status === 'fulfilled' ? 0 : 1)
    }
  })
})
