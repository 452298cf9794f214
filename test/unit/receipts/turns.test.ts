import { expect, test } from 'vitest'
import { createTurns } from '../../../src/receipts/turns.ts'

function someTurns(limits: { atOnce: number; perAccountMax: number }) {
  const ends = new Map<string, (more: boolean) => void>()
  const told: string[] = []
  const turns = createTurns({
    ...limits,
    onMore: () => void told.push('more'),
    onFault: (_err, key) => void told.push(`fault of ${key}`),
  })
  return {
    ...{ turns, told },
    start(key: string, accountId: string): void {
      turns.start({ key, accountId }, () => new Promise((resolve) => ends.set(key, resolve)))
    },
    async end(key: string, more = false): Promise<void> {
      ends.get(key)?.(more)
      ends.delete(key)
      await new Promise((resolve) => setImmediate(resolve))
    },
    running: () => [...ends.keys()],
  }
}

test('an account does not take the room of others, however much it has to do', async () => {
  const { start, end, running } = someTurns({ atOnce: 4, perAccountMax: 2 })
  for (const lane of [1, 2, 3, 4, 5]) start(`greedy ${lane}`, 'greedy')
  start('modest 1', 'modest')
  expect(running()).toEqual(['greedy 1', 'greedy 2', 'modest 1'])
  await end('greedy 1')
  start('greedy 3', 'greedy')
  start('greedy 4', 'greedy')
  expect(running()).toEqual(['greedy 2', 'modest 1', 'greedy 3'])
})

test('one with a key at a time, and not too many in all', async () => {
  const { start, end, running, told } = someTurns({ atOnce: 2, perAccountMax: 2 })
  start('a', 'one')
  start('a', 'one')
  start('b', 'two')
  start('c', 'three')
  expect(running()).toEqual(['a', 'b'])
  await end('a', true)
  expect(told).toEqual(['more'])
  start('c', 'three')
  expect(running()).toEqual(['b', 'c'])
})

test('one that fails gives its room back', async () => {
  const { turns, start, running, told } = someTurns({ atOnce: 1, perAccountMax: 1 })
  turns.start({ key: 'a', accountId: 'one' }, () => Promise.reject(new Error('gone')))
  await turns.settled()
  expect(told).toEqual(['fault of a'])
  start('a', 'one')
  expect(running()).toEqual(['a'])
})
