import pg from 'pg'
import { expect, test } from 'vitest'
import type { BindValues } from '../../../src/bindings/bind-statement.ts'
import { lateRepeat } from '../../../src/bindings/idempotency.ts'
import { createPools } from '../../../src/bindings/pool-facts.ts'
import { createQuickLuck } from '../../../src/bindings/quick-luck.ts'
import { createTake } from '../../../src/bindings/take-number.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import type { Query, Sql } from '../../../src/platform/sql.ts'

const values: BindValues = {
  product: 'AXB',
  accountId: 'main' as AccountId,
  poolKey: 'FC100000000000001',
  aSealed: 's',
  aIndex: 'a',
  bSealed: 's',
  bIndex: 'b',
  extension: undefined,
  groupId: undefined,
  expiresAt: new Date('2026-01-01T01:00:00Z'),
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
  now: new Date('2026-01-01T00:00:00Z'),
  idempotencyKey: undefined,
  requestHash: '',
}
const where = { city: undefined, capital: undefined }
const pool = { account_id: 'main', product: 'AXB', assignment_mode: 'default', cools: false }
const bound = { id: '1', x: '+8617000000001', city: null, version: '1' }

function failing(fields: Partial<pg.DatabaseError>): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('no', 0, 'error'), fields)
}

/** A database that answers binds as it is told, and everything else as usual. `asked` gets the names. */
function takeOn(bind: (name: string, at: number) => object[], facts: () => object = () => pool) {
  const asked: string[] = []
  const sql: Sql = {
    async rows<Row>({ name }: Query) {
      asked.push(name)
      const binds = asked.filter((each) => each.startsWith('bindings.bind-'))
      const answers = () => {
        if (name.startsWith('bindings.bind-')) return bind(name, binds.length)
        if (name === 'bindings.facts-of-pool') return [facts()]
        return name.startsWith('bindings.any-usable') ? [{}] : []
      }
      return answers() as Row[]
    },
    transaction: () => Promise.reject(new Error('not in this test')),
  }
  const pools = createPools(sql)
  const take = createTake({ sql, pools, luck: createQuickLuck(), random: () => 0.5 })
  return { take, asked, sql }
}

test('who loses to others again and again is told so, and not for ever', async () => {
  const conflict = failing({ code: '23505', constraint: 'binding_leg_one_per_party' })
  const { take, asked } = takeOn(() => {
    throw conflict
  })
  await expect(take({ ...values, x: undefined, where })).rejects.toMatchObject({
    code: 'no-available-number',
    vendorCode: 'isv.NO_AVAILABLE_NUMBER',
  })
  expect(asked.length).toBeLessThan(60)
})

test('a bind that Postgres ended for another’s sake is made once more', async () => {
  const { take } = takeOn((_name, at) => {
    if (at === 1) throw failing({ code: '40P01' })
    return [bound]
  })
  await expect(take({ ...values, x: undefined, where })).resolves.toMatchObject({ id: '1' })
})

test('a pool that is no longer as it is remembered is looked at anew', async () => {
  let read = 0
  const { take, asked } = takeOn(
    (name) => (name.includes('-co') ? [bound] : []),
    () => {
      read += 1
      return { ...pool, cools: read > 1 }
    },
  )
  await expect(take({ ...values, x: '+8617000000001', where })).resolves.toMatchObject({ id: '1' })
  expect(asked).toEqual([
    'bindings.facts-of-pool',
    'bindings.bind-AXB-given',
    'bindings.facts-of-pool',
    'bindings.bind-AXB-given-co',
  ])
})

test('no name of a statement is longer than Postgres keeps', async () => {
  const { take, asked } = takeOn(
    (name) => (name.includes('-wait-') ? [bound] : []),
    () => ({ ...pool, product: 'AXN_EXTENSION', assignment_mode: 'default', cools: true }),
  )
  const keyed = { ...values, product: 'AXN_EXTENSION', idempotencyKey: 'k' } as const
  await take({ ...keyed, x: undefined, where: { city: '宁波', capital: '杭州' } })
  expect(asked.filter((name) => name.length > 63)).toEqual([])
})

test('two requests with one key, of which the first has left no trace, are told to come again', async () => {
  const { sql } = takeOn(() => [])
  const deps = { sql, get: () => Promise.reject(new Error('no')), settle: async () => undefined }
  const keyed = { ...values, idempotencyKey: 'k' }
  await expect(lateRepeat(deps, keyed)).rejects.toMatchObject({
    code: 'request-in-progress',
    httpStatus: 409,
  })
})
