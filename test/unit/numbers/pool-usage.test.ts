import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PoolKey } from '../../../src/domain/ids.ts'
import { createPoolUsage } from '../../../src/numbers/pool-usage.ts'
import type { Query } from '../../../src/platform/sql.ts'

const large = 'FC100000000000001' as PoolKey
const small = 'FC100000000000002' as PoolKey

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Pools of 20 000 and of 19 999 numbers, and which of them were added up. */
function aDatabase() {
  const added: string[][] = []
  const sql = {
    async rows<Row>({ values: [keys] }: Query): Promise<Row[]> {
      const asked = keys as string[]
      added.push([...asked])
      const figures = { bound_numbers: 0, bindings: 0, bindable: 0, capacity: 0 }
      const numbersOf = (key: string) => (key === large ? 20_000 : 19_999)
      return asked.map((key) => ({ key, numbers: numbersOf(key), ...figures }) as Row)
    },
    transaction: () => Promise.reject(new Error('not needed')),
  }
  return { added, read: createPoolUsage({ sql }) }
}

test('the sums of a large pool are kept for five seconds, those of a small one are not', async () => {
  const { added, read } = aDatabase()
  const look = async () => (await read([large, small]))(large).numbers
  expect(await look()).toBe(20_000)
  vi.advanceTimersByTime(4_999)
  expect(await look()).toBe(20_000)
  vi.advanceTimersByTime(1)
  expect(await look()).toBe(20_000)
  expect(added).toEqual([[large, small], [small], [large, small]])
})

test('nothing is added up when all of it is known', async () => {
  const { added, read } = aDatabase()
  await read([large])
  await read([large])
  expect(added).toEqual([[large]])
})
