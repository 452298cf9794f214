import { expect, test } from 'vitest'
import { createRecent } from '../../../src/accounts/recent.ts'

/** A load whose answers come when the test says so. */
function aLoad() {
  const asked: string[] = []
  const answers: { resolve(value: object | undefined): void; reject(err: Error): void }[] = []
  const load = (key: string) => {
    asked.push(key)
    return new Promise<object | undefined>((resolve, reject) => {
      answers.push({ resolve, reject })
    })
  }
  return { load, asked, answers }
}

test('what was found is not asked for again, nor what was not', async () => {
  const { load, asked, answers } = aLoad()
  const recent = createRecent(load)
  const found = recent.find('a')
  answers[0]?.resolve({ is: 'a' })
  expect(await found).toEqual({ is: 'a' })
  expect(await recent.find('a')).toEqual({ is: 'a' })
  const missing = recent.find('b')
  answers[1]?.resolve(undefined)
  expect(await missing).toBeUndefined()
  expect(await recent.find('b')).toBeUndefined()
  expect(asked).toEqual(['a', 'b'])
})

test('many who ask at the same time are one question', async () => {
  const { load, asked, answers } = aLoad()
  const recent = createRecent(load)
  const all = Promise.all([recent.find('a'), recent.find('a'), recent.find('a')])
  answers[0]?.resolve({ is: 'a' })
  expect(await all).toEqual(Array(3).fill({ is: 'a' }))
  expect(asked).toEqual(['a'])
})

test('a failure is told to all who asked, and not remembered', async () => {
  const { load, asked, answers } = aLoad()
  const recent = createRecent(load)
  const all = Promise.allSettled([recent.find('a'), recent.find('a')])
  answers[0]?.reject(new Error('away'))
  expect((await all).map((each) => each.status)).toEqual(['rejected', 'rejected'])
  const again = recent.find('a')
  answers[1]?.resolve({ is: 'back' })
  expect(await again).toEqual({ is: 'back' })
  expect(asked).toEqual(['a', 'a'])
})

test('what was read before a change is not given out after it', async () => {
  const { load, answers } = aLoad()
  const recent = createRecent(load)
  const before = recent.find('a')
  recent.forget()
  const after = recent.find('a')
  answers[0]?.resolve({ is: 'old' })
  answers[1]?.resolve({ is: 'new' })
  expect(await before).toEqual({ is: 'old' })
  expect(await after).toEqual({ is: 'new' })
  expect(await recent.find('a')).toEqual({ is: 'new' })
})
