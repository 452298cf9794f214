import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createBlacklist } from '../../../src/numbers/blacklist.ts'
import { createGroups } from '../../../src/numbers/groups.ts'
import { createPools } from '../../../src/numbers/pools.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  poolWith,
  routerRooms,
  testVault,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

/**
 * Whatever is held about callers, groups and pools is changed by several processes, some of which
 * die between their commit and their answer, while routers look and Redis forgets things. Every
 * look must see each fact as it was at some moment between the question and the answer.
 */
let database: TestDatabase
let server: TestRedis
let admin: Redis
let rooms: ReturnType<typeof apiRooms>
let dying: Pick<ReturnType<typeof apiRooms>, 'pools' | 'blacklist' | 'groups'>
let routers: ReturnType<typeof routerRooms>[]
let worker: ReturnType<typeof workerRooms>
let runs = 0

beforeAll(async () => {
  database = await createTestDatabase({ poolMax: 20 })
  server = await startRedis()
  admin = await server.client()
  const { sql } = database
  rooms = apiRooms({ sql, redis: await server.client() })
  const publisher = { forget: () => Promise.reject(new Error('died after the commit')) }
  dying = {
    pools: createPools({ sql, publisher }),
    blacklist: createBlacklist({ sql, vault: testVault, publisher }),
    groups: createGroups({ sql, vault: testVault, clock: systemClock, publisher }),
  }
  routers = [
    routerRooms({ sql, redis: await server.client() }),
    routerRooms({ sql, redis: await server.client() }),
    // One that never believes Redis: its trust is not started.
    routerRooms({ sql, redis: admin }),
  ]
  worker = workerRooms({ sql, redis: await server.client() })
  worker.keeper.start()
  for (const { trust } of routers.slice(0, 2)) trust.start()
  await until(() => routers.slice(0, 2).every(({ trust }) => trust.believes(xAt(0))))
})
afterAll(async () => {
  await Promise.all(routers.map(({ trust }) => trust.stop()))
  await worker.keeper.stop()
  await rooms.publisher.close()
  await server.stop()
  await database.drop()
})

/** Something that is true or not, and when it was changed, in ticks of one counter. */
type Fact = {
  readonly changes: { readonly value: boolean; readonly began: number; ended: number }[]
  set(value: boolean, by: typeof dying): Promise<unknown>
}

type Look = {
  readonly fact: Fact
  readonly began: number
  readonly ended: number
  readonly value: boolean
}

function fact(set: Fact['set']): Fact {
  return { changes: [{ value: false, began: 0, ended: 0 }], set }
}

/** Changes of one fact follow one another; one that was not answered may have happened until a later one was. */
function mayBe({ fact: { changes }, began, ended }: Look): boolean[] {
  const settled = changes.findLastIndex((each) => each.ended < began)
  return changes
    .slice(settled)
    .filter((each) => each.began < ended)
    .map(({ value }) => value)
}

async function aWorld() {
  runs += 1
  const [a, b, n] = [person(runs * 10), person(runs * 10 + 1), person(runs * 10 + 2)]
  const [x, y] = [xAt(runs * 10), xAt(runs * 10 + 1)]
  const at = async (x_: VirtualNumber, product: 'AXB' | 'AXG') => ({
    accountId: mainAccount,
    poolKey: await poolWith(rooms, [x_], product),
  })
  const [axb, axg] = [await at(x, 'AXB'), await at(y, 'AXG')]
  const group = await rooms.groups.create({ ...axg, numbers: [a] })
  const bind = (where: { poolKey: PoolKey }, more: object) =>
    rooms.bindings.bind({
      ...{ accountId: mainAccount, a, expiresAt: inMinutes(60), ...where, ...more },
    })
  await bind(axb, { b })
  await bind(axg, { groupId: group.id })
  const ref = { ...axg, id: group.id }
  const blocked = fact((value, by) =>
    value
      ? by.blacklist.blockCaller({ ...axb, number: b })
      : by.blacklist.unblockCaller({ ...axb, number: b }),
  )
  const parted = fact((value, by) =>
    value
      ? by.blacklist.blockPair({ ...axb, first: a, second: b, way: 'PHONEB_REJECT' })
      : by.blacklist.unblockPair({ ...axb, first: a, second: b }),
  )
  const member = fact((value, by) => by.groups.edit(ref, value ? 'add' : 'delete', [n]))
  const recorded = fact((value, by) =>
    by.pools.change(mainAccount, axb.poolKey, { recording: value }),
  )
  const look = (caller: PhoneNumber, dialled: VirtualNumber, place: number) =>
    (routers[place % 3] ?? routers[0])?.resolve({ caller, dialled })
  const looks: [Fact, (place: number) => Promise<boolean | undefined>][] = [
    [blocked, async (place) => (await look(b, x, place))?.standing.blockedByPool],
    [parted, async (place) => (await look(a, x, place))?.standing.blockedFromPeer],
    [member, async (place) => (await look(n, y, place))?.standing.inGroup],
    [recorded, async (place) => (await look(a, x, place))?.number?.settings.recording],
  ]
  return looks
}

const lanes = fc.tuple(
  ...Array.from({ length: 4 }, () =>
    fc.array(fc.record({ value: fc.boolean(), dies: fc.nat(5).map((at) => at === 0) }), {
      maxLength: 6,
    }),
  ),
)
const watches = fc.array(fc.array(fc.nat(3), { maxLength: 25 }), { minLength: 2, maxLength: 4 })
const losses = fc.array(fc.boolean(), { maxLength: 4 })

test('a look sees what is held as it was at some moment between question and answer', async () => {
  await fc.assert(
    fc.asyncProperty(lanes, watches, losses, async (changes, looking, losing) => {
      const facts = await aWorld()
      const seen: Look[] = []
      let tick = 1
      const next = () => {
        tick += 1
        return tick
      }
      const change = async (of: Fact, steps: (typeof changes)[number]) => {
        for (const { value, dies } of steps) {
          const made = { value, began: next(), ended: Number.POSITIVE_INFINITY }
          of.changes.push(made)
          const done = await of.set(value, dies ? dying : rooms).then(
            () => true,
            (err: unknown) => {
              if (!dies) throw err
              return false
            },
          )
          if (done) made.ended = next()
        }
      }
      const watch = async (places: readonly number[], lane: number) => {
        for (const [turn, at] of places.entries()) {
          const [of, ask] = facts[at] ?? []
          if (of === undefined || ask === undefined) continue
          const began = next()
          const value = await ask(lane + turn)
          seen.push({ fact: of, began, ended: next(), value: value === true })
        }
      }
      const lose = async () => {
        for (const all of losing) {
          const key = all ? undefined : await admin.randomkey()
          if (typeof key === 'string') await admin.del(key)
          else await admin.flushall()
        }
      }
      await Promise.all([
        ...facts.map(([of], at) => change(of, changes[at] ?? [])),
        ...looking.map(watch),
        lose(),
      ])
      // And once everything has been answered.
      for (let router = 0; router < 3; router += 1) await watch([0, 1, 2, 3], router)
      for (const each of seen) expect(mayBe(each)).toContain(each.value)
    }),
    { numRuns: 16 },
  )
})
