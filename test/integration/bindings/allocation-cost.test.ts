import { beforeAll, describe, expect, test } from 'vitest'
import {
  type BindValues,
  bindStatement,
  type XChoice,
} from '../../../src/bindings/bind-statement.ts'
import { createBindings } from '../../../src/bindings/bindings.ts'
import type { PoolKey } from '../../../src/domain/ids.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { inMinutes, mainAccount, person, testCities, testVault } from '../../support/data-rooms.ts'
import { explain } from '../../support/explain.ts'

const ground = bindingGround()
const numbers = 100_000
const legsEach = 300
let poolKey: PoolKey

/** A pool as it is after a long time: the X of the first half of the positions are full, and A and B are on hundreds of the others. */
beforeAll(async () => {
  poolKey = await ground.pool({ product: 'AXB' }, [])
  const fill = (text: string, values: unknown[]) => ground.sql.rows({ name: '', text, values })
  for (let from = 1; from < numbers; from += 5_000) {
    await fill(
      `insert into number (x, x_index, account_id, pool_key, city, position, bound, capacity)
       select '+86171' || lpad(at::text, 8, '0'), 'x' || at, 'main', $1,
              case when at % 100 = 0 then '杭州' when at % 2 = 0 then '北京' end, at,
              case when at <= ${numbers / 2} then 200 else 150 end, 200
         from generate_series($2::integer, $2::integer + 4999) as at`,
      [poolKey, from],
    )
  }
  await fill(`update pool set positions = ${numbers} where key = $1`, [poolKey])
  for (const [side, offset] of [
    [1, 0],
    [2, 20],
  ] as const) {
    await fill(
      `with made as (
         insert into binding (account_id, pool_key, x, product, a_sealed, a_index, b_sealed, b_index, expires_at)
         select account_id, pool_key, x, 'AXB', 's', $2, 's', 'peer ' || x, now() + interval '1 day'
           from number
          where pool_key = $1 and position > ${numbers / 2} and (position + ${offset}) % 100 = 0
          order by position limit ${legsEach}
         returning id, x, expires_at)
       insert into binding_leg (x, party, binding_id, role, expires_at)
       select x, $2, id, 'A', expires_at from made`,
      [poolKey, testVault.blindIndex(person(side))],
    )
  }
  for (const table of ['number', 'binding', 'binding_leg', 'pool', 'cooling']) {
    await fill(`analyze ${table}`, [])
  }
}, 120_000)

const values = (): BindValues => ({
  product: 'AXB',
  accountId: mainAccount,
  poolKey,
  aSealed: 'sealed',
  aIndex: testVault.blindIndex(person(1)),
  bSealed: 'sealed',
  bIndex: testVault.blindIndex(person(2)),
  extension: undefined,
  groupId: undefined,
  expiresAt: inMinutes(60),
  recording: undefined,
  tones: undefined,
  ringSecondsMax: undefined,
  talkSecondsMax: undefined,
  restriction: undefined,
  outId: undefined,
  outOrderId: undefined,
  asr: undefined,
  asrModel: undefined,
  survey: undefined,
  now: new Date(),
  idempotencyKey: undefined,
  requestHash: '',
})

const usual = { mode: 'default', cools: false } as const
const anywhere = { ...usual, scopes: ['pool'], scope: 'pool' } as const
const inCity = { ...usual, scopes: ['city', 'pool'], scope: 'city' } as const
const seeds = Array.from({ length: 12 }, (_, at) => at * 179_424_691 + 1)
const cost = async (choice: XChoice, change: Partial<BindValues> = {}) =>
  explain(ground.sql, bindStatement(choice, { ...values(), ...change }))

describe('with 100 000 X, half of them full, and A and B on hundreds', () => {
  test.each([
    ['anywhere', anywhere, 40],
    ['in a city of 500 free ones', { ...inCity, city: '杭州' }, 200],
    ['in a city of half the pool', { ...inCity, city: '北京' }, 80],
    ['anywhere, as the city has none', { ...inCity, scope: 'pool', city: '宁波' }, 40],
  ] as const)('%s, an allocation is a few index probes', async (_name, where, pagesMax) => {
    for (const seed of seeds) {
      const plan = await cost({ by: 'try', seed, ...where })
      expect(plan.wholeScans, `${seed}`).toEqual([])
      expect(plan.looked('number'), `${seed}`).toBeLessThan(200)
      expect(plan.pages('chosen'), `${seed}`).toBeLessThan(pagesMax)
      expect(plan.pages(), `${seed}`).toBeLessThan(pagesMax + 120)
    }
  })

  test.each(['search', 'wait'] as const)('%s takes the first that it comes to', async (by) => {
    for (const seed of seeds) {
      const plan = await cost({ ...anywhere, by, seed, clearing: true })
      expect(plan.wholeScans, `${seed}`).toEqual([])
      expect(plan.pages('chosen'), `${seed}`).toBeLessThan(60)
    }
  })

  test('strangers pay no more and no less', async () => {
    const strangers = { aIndex: 'somebody', bIndex: 'somebody else' }
    const plan = await cost({ by: 'try', seed: 1, ...anywhere }, strangers)
    expect(plan.pages('chosen')).toBeLessThan(40)
  })

  test.each([
    ['with cooling', 'cooling_days = 3', { cools: true }, {}, 60],
    [
      'of AXN',
      `product = 'AXN'`,
      {},
      { product: 'AXN', bIndex: undefined, bSealed: undefined },
      40,
    ],
    [
      'with an extension to assign',
      `product = 'AXN_EXTENSION'`,
      {},
      { product: 'AXN_EXTENSION' },
      60,
    ],
  ] as const)('and so in a pool %s', async (_name, change, choice, asked, pagesMax) => {
    const set = (text: string) =>
      ground.sql.rows({
        name: '',
        text: `update pool set ${text} where key = $1`,
        values: [poolKey],
      })
    await set(change)
    for (const seed of seeds) {
      const plan = await cost({ ...anywhere, ...choice, by: 'try', seed }, asked)
      expect(plan.wholeScans, `${seed}`).toEqual([])
      expect(plan.pages('chosen'), `${seed}`).toBeLessThan(pagesMax)
      expect(plan.pages('assigned'), `${seed}`).toBeLessThan(pagesMax)
    }
    await set(`cooling_days = 0, product = 'AXB'`)
  })

  test('a given X, one that carries 150 bindings, is one probe each', async () => {
    const plan = await cost({ by: 'given', cools: false, x: '+8617100099999', seed: 1 })
    expect(plan.wholeScans).toEqual([])
    expect(plan.pages('chosen')).toBeLessThan(20)
  })

  test('an unbind and a change look at what they change', async () => {
    const bound = await ground.bindings.bind(ground.command(poolKey, { a: person(3) }))
    const seen: string[] = []
    const spied = {
      ...ground.sql,
      rows: async <Row>(query: Parameters<typeof ground.sql.rows>[0]): Promise<Row[]> => {
        if (/^bindings\.(unbind|update)$/.test(query.name)) {
          const plan = await explain(ground.sql, query)
          seen.push(query.name)
          expect(plan.wholeScans, query.name).toEqual([])
          expect(plan.pages(), query.name).toBeLessThan(150)
        }
        return ground.sql.rows<Row>(query)
      },
    }
    const bindings = createBindings({
      sql: spied,
      vault: testVault,
      clock: systemClock,
      cities: testCities,
      publisher: ground.rooms.publisher,
    })
    const ref = { accountId: mainAccount, id: bound.id }
    await bindings.update({ ...ref, change: { a: person(4), outId: 'o' } })
    await bindings.unbind(ref)
    expect(seen).toEqual(['bindings.update', 'bindings.unbind'])
  })
})
