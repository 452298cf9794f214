import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { AccountId } from '../../../src/domain/ids.ts'
import { createQueueWaiters } from '../../../src/receipts/queue-waiters.ts'

test('an account with many queues does not take the room of others', async () => {
  const waiters = createQueueWaiters({
    look: async (queues) => new Map(queues.map((queue) => [queue, 0])),
    log: pino({ level: 'silent' }),
  })
  const wait = (account: string, queue: string) =>
    waiters.wait({ accountId: account as AccountId, queue }, 60_000, new AbortController().signal)
  const greedy = Array.from({ length: 250 }, (_, at) => wait('greedy', `greedy-${at % 6}`))
  await expect(wait('greedy', 'greedy-7')).rejects.toMatchObject({ code: 'too-many-waiting' })
  const modest = wait('modest', 'modest-1')
  waiters.close()
  expect(await Promise.all([...greedy, modest])).toEqual(Array.from({ length: 251 }, () => false))
})

test('who has been woken makes room', async () => {
  let messages = 0
  const waiters = createQueueWaiters({
    look: async (queues) => new Map(queues.map((queue) => [queue, messages])),
    log: pino({ level: 'silent' }),
  })
  const wait = (queue: string) =>
    waiters.wait({ accountId: 'one' as AccountId, queue }, 60_000, new AbortController().signal)
  const first = Array.from({ length: 250 }, (_, at) => wait(`queue-${at % 5}`))
  messages = 50
  await Promise.all(first)
  messages = 0
  const again = Array.from({ length: 250 }, (_, at) => wait(`queue-${at % 5}`))
  waiters.close()
  expect(new Set(await Promise.all(again))).toEqual(new Set([false]))
})
