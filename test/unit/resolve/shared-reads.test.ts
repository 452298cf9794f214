import { expect, test } from 'vitest'
import { createSharedReads } from '../../../src/resolve/shared-reads.ts'

type Flight = { resolve: (value: string) => void; reject: (err: Error) => void }

function aSource() {
  const flights: Flight[] = []
  const read = () =>
    new Promise<string>((resolve, reject) => {
      flights.push({ resolve, reject })
    })
  return { flights, read }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('who asks while a read is under way shares the next one, never that one', async () => {
  const shared = createSharedReads<string>()
  const { flights, read } = aSource()
  const first = shared('k', read)
  const later = [shared('k', read), shared('k', read), shared('k', read)]
  expect(flights).toHaveLength(1)
  flights[0]?.resolve('old')
  expect(await first).toBe('old')
  await settled()
  expect(flights).toHaveLength(2)
  const latest = shared('k', read)
  flights[1]?.resolve('new')
  expect(await Promise.all(later)).toEqual(['new', 'new', 'new'])
  await settled()
  flights[2]?.resolve('newest')
  expect(await latest).toBe('newest')
})

test('a failure is told to those who shared it, and the next read is tried', async () => {
  const shared = createSharedReads<string>()
  const { flights, read } = aSource()
  const first = shared('k', read)
  const second = shared('k', read)
  flights[0]?.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await settled()
  flights[1]?.resolve('back')
  expect(await second).toBe('back')
})

test('keys do not wait for one another, and a key that is done starts afresh', async () => {
  const shared = createSharedReads<string>()
  const { flights, read } = aSource()
  const one = shared('1', read)
  const two = shared('2', read)
  expect(flights).toHaveLength(2)
  for (const flight of flights) flight.resolve('done')
  expect(await Promise.all([one, two])).toEqual(['done', 'done'])
  await settled()
  void shared('1', read)
  expect(flights).toHaveLength(3)
})
