import { expect, test } from 'vitest'
import { createBatcher } from '../../../src/platform/batcher.ts'

function aWrite() {
  const batches: (readonly number[])[] = []
  const done: (() => void)[] = []
  const write = async (items: readonly number[]) => {
    batches.push(items)
    await new Promise<void>((resolve) => done.push(resolve))
    if (items.includes(13)) throw new Error('not this one')
    return items.map((item) => item * 10)
  }
  return { batches, done, write }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('the first goes at once, the others together behind it, as many as fit', async () => {
  const { batches, done, write } = aWrite()
  const batcher = createBatcher({ atOnce: 3, write })
  const all = Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)))
  expect(batches).toEqual([[1]])
  expect(batcher.size()).toBe(4)
  done[0]?.()
  await turn()
  expect(batches).toEqual([[1], [2, 3, 4]])
  done[1]?.()
  await turn()
  done[2]?.()
  expect(await all).toEqual([10, 20, 30, 40, 50])
  await batcher.idle()
  expect(batcher.size()).toBe(0)
})

test('a batch that fails fails for all in it, and the next goes on', async () => {
  const { done, write } = aWrite()
  const batcher = createBatcher({ atOnce: 2, write })
  const all = Promise.allSettled([1, 13, 2, 3].map((item) => batcher.add(item)))
  for (const at of [0, 1, 2]) {
    done[at]?.()
    await turn()
  }
  expect((await all).map((each) => each.status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
  ])
})

test('idle waits for what was added meanwhile too', async () => {
  const { batches, done, write } = aWrite()
  const batcher = createBatcher({ atOnce: 1, write })
  const adding = Promise.all([batcher.add(1), batcher.add(2)])
  let idle = false
  const waiting = batcher.idle().then(() => {
    idle = true
  })
  done[0]?.()
  await turn()
  expect(idle).toBe(false)
  done[1]?.()
  await Promise.all([adding, waiting])
  expect(batches).toEqual([[1], [2]])
})
