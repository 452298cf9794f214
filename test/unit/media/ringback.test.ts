import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRingback } from '../../../src/media/ringback.ts'
import { aFakeEndpoint } from './a-media-host.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function aRingback() {
  const fake = aFakeEndpoint('caller')
  const log = pino({ level: 'silent' })
  const ringback = createRingback({ endpoint: fake.endpoint, tonesDir: '/tones', log })
  const played = () => fake.executed.map(({ app, arg }) => `${app} ${arg}`)
  return { fake, ringback, played, last: () => fake.executed.at(-1)?.done }
}

const plain = 'playback tone_stream://%(1000,4000,450);loops=-1'

describe('the enterprise ringback', () => {
  test('begins again when the file is at its end', () => {
    const { ringback, played, last } = aRingback()
    ringback.play('melody')
    last()?.(null, 'FILE PLAYED')
    expect(played()).toEqual(['playback /tones/melody.wav', 'playback /tones/melody.wav'])
  })

  test('gives way to the plain tone when its file is missing', () => {
    const { ringback, played, last } = aRingback()
    ringback.play('melody')
    last()?.(null, 'FILE NOT FOUND')
    expect(played()).toEqual(['playback /tones/melody.wav', plain])
    last()?.(null, 'FILE PLAYED')
    expect(played()).toHaveLength(2)
  })

  test.each([
    ['the bridge cut it', null, 'PLAYBACK ERROR'],
    ['the end is gone', new Error('endpoint no longer active'), undefined],
  ])('is over when %s', (_, err, response) => {
    const { ringback, played, last } = aRingback()
    ringback.play('melody')
    last()?.(err, response)
    expect(played()).toHaveLength(1)
  })

  test('that has not begun is waited for, so that it cannot begin in the joined call', async () => {
    const { fake, ringback } = aRingback()
    ringback.play('melody')
    const over = vi.fn()
    const ending = ringback.over().then(over)
    await vi.advanceTimersByTimeAsync(100)
    expect(over).not.toHaveBeenCalled()
    fake.begin()
    await ending
  })

  test('that never begins is waited for no longer than half a second', async () => {
    const { ringback } = aRingback()
    ringback.play('melody')
    const ending = ringback.over()
    await vi.advanceTimersByTimeAsync(500)
    await ending
  })

  test('is not begun again once the call is joined', async () => {
    const { fake, ringback, played, last } = aRingback()
    ringback.play('melody')
    fake.begin()
    await ringback.over()
    last()?.(null, 'FILE PLAYED')
    expect(played()).toHaveLength(1)
  })

  test('that was never asked for holds nothing up', async () => {
    await aRingback().ringback.over()
  })
})
