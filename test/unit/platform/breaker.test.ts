import { expect, test } from 'vitest'
import { createGuard, NotTriedError } from '../../../src/platform/breaker.ts'
import { createLogger } from '../../../src/platform/logger.ts'

const outage = new Error('away')
const log = createLogger({ level: 'silent' })
const aGuard = () =>
  createGuard({
    name: 'test',
    concurrentMax: 2,
    waitingMax: 1,
    isOutage: (err) => err === outage,
    log,
  })
const failing = () => Promise.reject(outage)

test('after five outages in a row nothing is tried for a while', async () => {
  const guard = aGuard()
  for (let at = 0; at < 5; at += 1) await expect(guard(failing)).rejects.toBe(outage)
  let tried = false
  const next = guard(async () => {
    tried = true
  })
  await expect(next).rejects.toBeInstanceOf(NotTriedError)
  expect(tried).toBe(false)
})

test('an error that is not an outage is passed on and opens nothing', async () => {
  const guard = aGuard()
  const wrong = new Error('wrong')
  for (let at = 0; at < 10; at += 1)
    await expect(guard(() => Promise.reject(wrong))).rejects.toBe(wrong)
  await expect(guard(async () => 'fine')).resolves.toBe('fine')
})

test('no more than so many run and wait at once', async () => {
  const guard = aGuard()
  const ends: (() => void)[] = []
  const slow = () => guard(() => new Promise<void>((resolve) => void ends.push(resolve)))
  const running = [slow(), slow(), slow()]
  await expect(slow()).rejects.toBeInstanceOf(NotTriedError)
  while (ends.length > 0) {
    ends.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect(Promise.all(running)).resolves.toHaveLength(3)
})
