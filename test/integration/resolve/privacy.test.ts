import { afterAll, beforeAll, expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  person,
  phone,
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
let redis: Redis

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startRedis()
  redis = await server.client()
})
afterAll(async () => {
  await server.stop()
  await database.drop()
})

/** Every notation in which a number could stand: its last eight digits are part of all of them, in text, hex and base64. */
function traces(number: PhoneNumber): string[] {
  const tail = number.reveal().slice(-8)
  const inBase64 = [0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + tail)
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, 8),
  )
  return [tail, Buffer.from(tail).toString('hex'), ...inBase64]
}

async function dumpOfPostgres(): Promise<string> {
  const tables = await database.sql.rows<{ name: string }>({
    name: 'test.tables',
    text: `select quote_ident(table_name) as name from information_schema.tables
            where table_schema = 'public' and table_type = 'BASE TABLE'`,
    values: [],
  })
  const dumps = tables.map(async ({ name }) => {
    const rows = await database.sql.rows<{ row: string }>({
      name: `test.dump-${name}`,
      text: `select t::text as row from ${name} t`,
      values: [],
    })
    return rows.map(({ row }) => row).join('\n')
  })
  return (await Promise.all(dumps)).join('\n')
}

async function dumpOfRedis(): Promise<string> {
  const keys = await redis.keys('*')
  const values = await Promise.all(keys.map((key) => redis.get(key)))
  return keys.map((key, at) => `${key} ${values[at]}`).join('\n')
}

test('no real number stands in clear in Postgres or Redis, nor in what a refusal says', async () => {
  const { sql } = database
  const api = apiRooms({ sql, redis })
  const router = routerRooms({ sql, redis: await server.client() })
  const worker = workerRooms({ sql, redis })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(1)))
  const poolKey = await poolWith(api, [xAt(1), xAt(2)])
  const used = [person(71_234_501), person(71_234_502), person(71_234_503), phone('+8657188127643')]
  const said: string[] = []
  const note = (err: unknown) => {
    if (!(err instanceof DomainError)) throw err
    said.push(`${err.message} ${err.code} ${JSON.stringify(err)} ${err.stack} ${err.cause}`)
  }
  for (const [at, a] of used.entries()) {
    const b = used[(at + 1) % used.length]
    if (b === undefined) continue
    const ask = { accountId: mainAccount, poolKey, a, b, expiresAt: inMinutes(60) }
    const bound = await api.bindings.bind({ ...ask, idempotencyKey: `k${at}` }).catch(note)
    await api.bindings.bind({ ...ask, x: xAt(1) }).catch(note)
    await api.bindings.bind({ ...ask, b: a }).catch(note)
    for (const caller of used) await router.resolve({ caller, dialled: xAt(1) })
    if (at === 0 && bound !== undefined) {
      await api.bindings.unbind({ accountId: mainAccount, id: bound.id })
    }
  }
  await until(async () => (await redis.keys('route:*')).length > 4)
  const dump = [await dumpOfPostgres(), await dumpOfRedis(), ...said].join('\n')
  expect(dump.length).toBeGreaterThan(2_000)
  expect(dump).toContain(xAt(1))
  for (const trace of used.flatMap(traces)) expect(dump.includes(trace), trace).toBe(false)

  await router.trust.stop()
  await worker.keeper.stop()
  await api.publisher.close()
})
