import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MediaPair } from '../../../src/call/ports.ts'
import { causeOf } from '../../../src/domain/hangup.ts'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { refusalOf } from '../../../src/route/plan-call.ts'
import { aNumber } from '../../support/builders.ts'
import { aWorld, expectOver, settled, talking } from './a-world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A promise that the test settles when it wants. */
function held<T>() {
  let resolve = (_value: T): void => undefined
  let reject = (_err: Error): void => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve: (value: T) => resolve(value), reject: (err: Error) => reject(err) }
}

describe('while the call is looked up', () => {
  test('a caller lost with its SIP server is lost, one that gave up gave up', async () => {
    for (const cause of [causeOf('caller-lost'), { ...causeOf('caller-abandoned'), q850: 31 }]) {
      const world = aWorld()
      const plan = await world.decide()
      world.decide.mockImplementation(async () => {
        world.caller().onEnded({ how: 'lost', cause })
        return plan
      })
      await world.start()
      expect(world.ends()[0]?.releaseCause).toBe(cause.q850)
      expectOver(world, cause.reason, 1)
    }
  })

  test('a caller who gave up before it was refused is no refused caller', async () => {
    const world = aWorld()
    world.decide.mockImplementation(async () => {
      world.caller().onEnded({ how: 'gave-up', cause: causeOf('caller-abandoned') })
      const refusal = refusalOf('no-binding', 403, 2, 'NO_SUBS_EXIST')
      return { kind: 'refuse', number: aNumber(), binding: undefined, refusal, reasons: [] }
    })
    await world.start()
    expectOver(world, 'caller-abandoned', 1)
  })

  test('draining waits for it as for a call that is up', async () => {
    const world = aWorld()
    const plan = await world.decide()
    const lookup = held<typeof plan>()
    world.decide.mockReturnValue(lookup.promise)
    const starting = world.start()
    const drained = vi.fn()
    const draining = world.liveCalls.none().then(drained)
    expect(world.liveCalls.count()).toBe(1)
    lookup.resolve(plan)
    await starting
    expect(drained).not.toHaveBeenCalled()
    world.caller().onEnded({ how: 'gave-up', cause: causeOf('caller-abandoned') })
    await draining
    expectOver(world, 'caller-abandoned', 1)
  })

  test('and for one that is refused, until its records are written', async () => {
    const world = aWorld()
    world.decide.mockRejectedValue(new Error('a fault of ours'))
    await expect(world.start()).rejects.toThrow('a fault of ours')
    await world.liveCalls.none()
  })

  test('draining that has waited long enough ends it when it has been looked up', async () => {
    const world = aWorld()
    const plan = await world.decide()
    const lookup = held<typeof plan>()
    world.decide.mockReturnValue(lookup.promise)
    const starting = world.start()
    world.liveCalls.endAll(causeOf('draining'))
    lookup.resolve(plan)
    await starting
    expect(world.said).toContain('caller hung up: draining')
    expect(world.openMedia).not.toHaveBeenCalled()
    expectOver(world, 'draining', 0)
  })

  test('a callee whose number cannot be unsealed is not rung, and that is on record', async () => {
    const world = aWorld()
    const callee = PhoneNumber.sealed(() => {
      throw new Error('no such key')
    })
    const plan = await world.decide()
    if (plan.kind !== 'connect') throw new Error('this call is to be connected')
    world.decide.mockResolvedValue({ ...plan, binding: { ...plan.binding, peer: callee }, callee })
    await world.start()
    expect(world.said).toEqual(['caller hung up: internal-error'])
    expect(world.events.map((event) => event.callee)).toEqual([undefined, undefined])
    expectOver(world, 'internal-error', 0)
  })
})

describe('while the legs are joined', () => {
  test('the callee hangs up: the caller is told, and its answer, if it goes out, is ended', async () => {
    const world = aWorld()
    const answer = held<undefined>()
    world.callerLeg.answer.mockReturnValue(answer.promise)
    await talking(world)
    world.callee().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    answer.reject(new Error('the caller left while it was answered'))
    await settled()
    expect(world.said).toContain('caller hung up: normal')
    expect(world.said).toContain('media closed')
    expectOver(world, 'normal', 2)
  })

  test('the caller gives up: no conversation is recorded', async () => {
    const world = aWorld()
    const answer = held<undefined>()
    world.callerLeg.answer.mockReturnValue(answer.promise)
    await talking(world)
    world.caller().onEnded({ how: 'gave-up', cause: causeOf('caller-abandoned') })
    answer.reject(new Error('487'))
    await settled()
    expect(world.ends()[0]?.startTime).toBeUndefined()
    expect(world.said).toContain('callee hung up: caller-abandoned')
    expectOver(world, 'caller-abandoned', 1)
  })

  test('the media host is lost', async () => {
    const world = aWorld()
    world.pair.join = () => new Promise(() => undefined)
    await talking(world)
    world.lose('caller', causeOf('media-lost'))
    await vi.advanceTimersByTimeAsync(5000)
    expectOver(world, 'media-lost', 0)
  })

  test('the media host never joins them: the limit ends the call', async () => {
    const world = aWorld()
    world.pair.join = () => new Promise(() => undefined)
    await talking(world)
    await vi.advanceTimersByTimeAsync(5000)
    expectOver(world, 'media-failed', 0)
  })

  test('a party’s new offer is negotiated with its end', async () => {
    const world = aWorld()
    world.pair.join = () => new Promise(() => undefined)
    await talking(world)
    expect(await world.callee().onReoffer('another offer')).toBe('sdp of callee end')
  })
})

describe('early media', () => {
  test('and nobody answers: the ring limit ends both', async () => {
    const world = aWorld({ ringback: undefined, binding: { ringSecondsMax: 20 } })
    await world.start()
    world.callee().onRinging('early media')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(world.said).toContain('callee hung up: ring-timeout')
    expectOver(world, 'ring-timeout', 0)
  })

  test('is what was answered, when the 200 has no SDP', async () => {
    const world = aWorld({ ringback: undefined })
    await world.start()
    world.callee().onRinging('early media')
    await settled()
    world.callee().onAnswered('')
    await settled()
    expect(world.said).toContain('200 sdp of caller end')
    expect(world.said).not.toContain('callee end takes ')
  })

  test('after a 180 is passed on', async () => {
    const world = aWorld({ ringback: undefined })
    await world.start()
    world.callee().onRinging(undefined)
    world.callee().onRinging('early media')
    await settled()
    expect(world.said).toEqual([
      'dial over t1',
      '180',
      '183 sdp of caller end',
      'callee end takes early media',
      'join',
    ])
    expect(world.events.filter((event) => event.type === 'ring')).toHaveLength(1)
  })

  test('that cannot be used ends the call with its cause', async () => {
    const world = aWorld({ ringback: undefined })
    const fault = Object.assign(new Error('no codec'), { hangup: causeOf('media-unacceptable') })
    world.pair.callee.negotiate = () => Promise.reject(fault)
    await world.start()
    world.callee().onRinging('early media')
    await settled()
    expectOver(world, 'media-unacceptable', 0)
  })
})

describe('what comes when the call is over', () => {
  test('a trunk that was passed over rings or answers: the call goes on over the other', async () => {
    const world = aWorld({ trunks: 2 })
    await world.start()
    await vi.advanceTimersByTimeAsync(12_000)
    world.callee(0).onRinging(undefined)
    expect(world.events.some((event) => event.type === 'ring')).toBe(false)
    world.callee(1).onRinging(undefined)
    world.callee(1).onAnswered('answer over t2')
    await settled()
    expect(world.said).toContain('callee end takes answer over t2')
  })

  test('media that is lost while it opens is closed when it is there', async () => {
    const world = aWorld()
    const opening = held<MediaPair>()
    world.openMedia.mockImplementation((request) => {
      queueMicrotask(() => request.onLost('caller', causeOf('media-lost')))
      return opening.promise
    })
    await world.start()
    opening.resolve(world.pair)
    await settled()
    expect(world.said).toContain('media closed')
    expectOver(world, 'media-lost', 0)
  })

  test('media that comes after its limit is closed', async () => {
    const world = aWorld()
    const opening = held<MediaPair>()
    world.openMedia.mockReturnValue(opening.promise)
    await world.start()
    await vi.advanceTimersByTimeAsync(5000)
    opening.resolve(world.pair)
    await settled()
    expect(world.said).toContain('media closed')
    expectOver(world, 'media-failed', 0)
  })

  test('both hang up in the same moment: one end, by the first', async () => {
    const world = aWorld()
    await talking(world)
    world.caller().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    world.callee().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    expectOver(world, 'normal', 1)
  })
})

describe('inside a call', () => {
  test('an offer that cannot be used is refused, and the call goes on', async () => {
    const world = aWorld()
    await talking(world)
    const fault = Object.assign(new Error('no codec'), { hangup: causeOf('media-unacceptable') })
    world.pair.caller.negotiate = () => Promise.reject(fault)
    expect(await world.caller().onReoffer('video')).toBeUndefined()
    world.pair.caller.negotiate = () => Promise.reject(new Error('no answer'))
    await expect(world.caller().onReoffer('hold')).rejects.toThrow('no answer')
    expect(world.liveCalls.count()).toBe(1)
  })

  test('an answer of the party that cannot be used ends it', async () => {
    const world = aWorld({ offer: undefined })
    await talking(world)
    const fault = Object.assign(new Error('no codec'), { hangup: causeOf('media-unacceptable') })
    world.pair.caller.negotiate = () => Promise.reject(fault)
    world.caller().onAnswer('video')
    await settled()
    expectOver(world, 'media-unacceptable', 0)
  })

  test('an answer of the party that a slow media host does not take is not the party’s fault', async () => {
    const world = aWorld({ offer: undefined })
    await talking(world)
    world.pair.caller.negotiate = () => Promise.reject(new Error('longer than 4000 ms'))
    world.caller().onAnswer('answer of the caller')
    await settled()
    expectOver(world, 'media-failed', 0)
  })

  test('a recording that cannot be started is not claimed', async () => {
    const world = aWorld({ binding: { recording: true } })
    world.pair.record = () => Promise.reject(new Error('disk full'))
    await talking(world)
    world.caller().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    expect(world.ends()[0]?.recording).toBeUndefined()
    expectOver(world, 'normal', 1)
  })

  test('that is over before its recording began claims none, and that is nobody’s fault', async () => {
    const world = aWorld({ binding: { recording: true } })
    const recording = held<undefined>()
    world.pair.record = () => recording.promise
    await talking(world)
    world.caller().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    recording.reject(new Error('the media end is closed'))
    await settled()
    expect(world.events.map((event) => event.recording !== undefined)).toEqual([
      false,
      false,
      true,
      false,
    ])
    expectOver(world, 'normal', 1)
  })

  test('that was recorded says where', async () => {
    const world = aWorld({ binding: { recording: true } })
    await talking(world)
    world.caller().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    expect(world.ends()[0]?.recording).toMatch(/^\d{4}\/\d\d\/\d\d\/[0-9a-f-]{36}\.wav$/)
  })
})
