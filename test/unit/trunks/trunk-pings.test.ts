import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { startTrunkPings } from '../../../src/trunks/trunk-pings.ts'
import { trunkId } from '../../support/builders.ts'

const aTrunk = (id: string, optionsSeconds: number): Trunk => ({
  ...{ id: trunkId(id), host: '192.0.2.1', port: 5060, transport: 'udp', addresses: [] },
  ...{ priority: 1, numberFormat: 'e164-plus', trustsIdentity: false, enabled: true },
  optionsSeconds,
})

let trunks: readonly Trunk[]
let answers: Record<string, boolean | undefined>
let asked: string[]
let told: string[]
let pings: { stop(): void }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  answers = {}
  asked = []
  told = []
  pings = startTrunkPings({
    outgoing: () => trunks,
    ping: async ({ id }) => {
      asked.push(`${id} ${Math.round(performance.now() / 1000)}`)
      return id in answers ? answers[id] : true
    },
    health: { onPing: ({ id }, answered) => void told.push(`${id} ${answered}`) },
    nowMs: () => performance.now(),
    random: () => 0.5,
  })
})
afterEach(() => {
  pings.stop()
  vi.useRealTimers()
})

const seconds = (many: number) => vi.advanceTimersByTimeAsync(many * 1000)

test('each is asked at its own interval, and one at 0 never', async () => {
  trunks = [aTrunk('a', 30), aTrunk('b', 10), aTrunk('never', 0)]
  await seconds(35)
  const count = (id: string) => asked.filter((each) => each.startsWith(`${id} `)).length
  expect([count('a'), count('b'), count('never')]).toEqual([2, 4, 0])
})

test('after a silence it is asked again soon, until it has answered twice', async () => {
  trunks = [aTrunk('a', 60)]
  answers = { a: false }
  await seconds(24)
  expect(asked).toHaveLength(3)
  expect(told).toEqual(['a false', 'a false', 'a false'])
  answers = { a: true }
  await seconds(70)
  expect(asked).toEqual(['a 1', 'a 11', 'a 21', 'a 31', 'a 41'])
})

test('when it cannot be asked at all, nothing is told', async () => {
  trunks = [aTrunk('a', 5)]
  answers = { a: undefined }
  await seconds(12)
  expect(asked.length).toBeGreaterThan(1)
  expect(told).toEqual([])
})

test('one whose answer is waited for is not asked again, and none after the stop', async () => {
  trunks = [aTrunk('slow', 5)]
  pings.stop()
  let answer: (answered: boolean) => void = () => undefined
  let times = 0
  const slow = startTrunkPings({
    outgoing: () => trunks,
    ping: () => {
      times += 1
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    health: { onPing: () => void told.push('told') },
    nowMs: () => performance.now(),
  })
  await seconds(60)
  expect(times).toBe(1)
  slow.stop()
  answer(true)
  await seconds(60)
  expect([times, told]).toEqual([1, []])
})

test('a trunk that is gone is asked no more, and one that comes is asked at once', async () => {
  trunks = [aTrunk('a', 30)]
  await seconds(2)
  trunks = [aTrunk('b', 30)]
  await seconds(2)
  expect(asked.map((each) => each[0])).toEqual(['a', 'b'])
})
