import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrunkId } from '../../../src/domain/ids.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createTrunkDirectory } from '../../../src/trunks/trunk-directory.ts'
import { createTrunks, type TrunkChange, type Trunks } from '../../../src/trunks/trunks.ts'
import { mainAccount, until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

let database: TestDatabase
let trunks: Trunks
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await createTestDatabase()
  trunks = createTrunks({ sql: database.sql })
})
afterAll(() => database.drop())

const aTrunk = (change: Partial<Trunk> = {}): Trunk => ({
  id: 'carrier-1' as TrunkId,
  host: 'sip.carrier.example',
  port: 5060,
  transport: 'udp',
  addresses: ['192.0.2.1', '198.51.100.0/24', '2001:db8::/32'],
  priority: 10,
  numberFormat: 'national',
  trustsIdentity: true,
  enabled: true,
  optionsSeconds: 30,
  ...change,
})

test('a trunk is kept as it was made, is known to its account only, and goes when removed', async () => {
  const trunk = aTrunk()
  expect(await trunks.create(mainAccount, trunk)).toEqual(trunk)
  expect(await trunks.get(mainAccount, trunk.id)).toEqual(trunk)
  expect(await trunks.list(mainAccount)).toEqual([trunk])
  expect(await trunks.list('other' as typeof mainAccount)).toEqual([])
  await expect(trunks.create(mainAccount, trunk)).rejects.toMatchObject({
    code: 'trunk-exists',
    httpStatus: 409,
  })
  await trunks.remove(mainAccount, trunk.id)
  await expect(trunks.remove(mainAccount, trunk.id)).rejects.toMatchObject({
    code: 'trunk-unknown',
  })
  await expect(trunks.get(mainAccount, trunk.id)).rejects.toMatchObject({
    code: 'trunk-unknown',
    httpStatus: 404,
  })
})

test.each<[string, Partial<Trunk>]>([
  ['a name with a space', { id: 'a b' as TrunkId }],
  ['a host that ends the URI', { host: 'host;lr' }],
  ['an address that is none', { addresses: ['example.com'] }],
  ['a block that is all addresses', { addresses: ['0.0.0.0/0'] }],
  ['a block of too many bits', { addresses: ['192.0.2.0/33'] }],
  ['a port out of range', { port: 0 }],
  ['a priority out of range', { priority: 1001 }],
  ['OPTIONS too often', { optionsSeconds: 4 }],
  ['OPTIONS too seldom', { optionsSeconds: 3601 }],
])('%s is refused', async (_, change) => {
  await expect(trunks.create(mainAccount, aTrunk(change))).rejects.toMatchObject({
    code: 'invalid-parameters',
    httpStatus: 422,
  })
})

test('a change leaves what it does not name, and is its account’s', async () => {
  const trunk = aTrunk({ id: 'changing' as TrunkId })
  await trunks.create(mainAccount, trunk)
  const change = (wish: TrunkChange) => trunks.change(mainAccount, trunk.id, wish)
  expect(await change({ optionsSeconds: 0 })).toEqual({ ...trunk, optionsSeconds: 0 })
  expect(await change({ priority: 'none', enabled: false })).toEqual({
    ...trunk,
    ...{ optionsSeconds: 0, priority: undefined, enabled: false },
  })
  const last = await change({ priority: 3, enabled: true, optionsSeconds: 5 })
  expect(last).toEqual({ ...trunk, priority: 3, optionsSeconds: 5 })
  for (const wish of [{ optionsSeconds: 1 }, { priority: 1001 }]) {
    await expect(change(wish)).rejects.toMatchObject({ code: 'invalid-parameters' })
  }
  expect(await trunks.get(mainAccount, trunk.id)).toEqual(last)
  const others = trunks.change('other' as typeof mainAccount, trunk.id, { enabled: false })
  await expect(others).rejects.toMatchObject({ code: 'trunk-unknown' })
  await trunks.remove(mainAccount, trunk.id)
})

test('the directory follows the table, and keeps what it knows while Postgres is away', async () => {
  let away = false
  let refusedReads = 0
  const all = () => {
    if (!away) return trunks.all()
    refusedReads += 1
    return Promise.reject(new Error('away'))
  }
  const directory = createTrunkDirectory({ trunks: { all }, refreshMs: 20, log })
  await directory.start()
  expect(directory.bySource('192.0.2.1')).toBeUndefined()

  const trunk = await trunks.create(mainAccount, aTrunk())
  await until(() => directory.bySource('192.0.2.1') !== undefined)
  expect(directory.byId(trunk.id)).toEqual(trunk)
  expect(directory.outgoing()).toEqual([trunk])

  away = true
  await trunks.remove(mainAccount, trunk.id)
  await until(() => refusedReads >= 2)
  expect(directory.bySource('192.0.2.1')).toEqual(trunk)
  away = false
  await directory.refresh()
  expect(directory.bySource('192.0.2.1')).toBeUndefined()
  await directory.stop()
})
