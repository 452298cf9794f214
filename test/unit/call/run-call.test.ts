import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MediaPair } from '../../../src/call/ports.ts'
import { causeOf } from '../../../src/domain/hangup.ts'
import { refusalOf } from '../../../src/route/plan-call.ts'
import { aNumber } from '../../support/builders.ts'
import { aWorld, expectOver, settled, talking } from './a-world.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a call that goes well', () => {
  test('plays the ringback in early media, joins, answers, and ends both when one hangs up', async () => {
    const world = aWorld({ binding: { recording: true } })
    await talking(world)
    world.caller().onEnded({ how: 'hung-up', cause: causeOf('normal') })
    expect(world.said).toEqual([
      'dial over t1',
      '183 sdp of caller end',
      'caller end plays melody',
      'callee end takes answer of the callee',
      'join',
      '200 sdp of caller end',
      'record',
      'caller hung up: normal',
      'callee hung up: normal',
      'media closed',
    ])
    expect(world.events.map((event) => event.type)).toEqual(['start', 'ring', 'answer', 'end'])
    expectOver(world, 'normal', 1)
  })

  test('without a ringback of its own the caller gets a plain 180', async () => {
    const world = aWorld({ ringback: undefined })
    await world.start()
    world.callee().onRinging(undefined)
    expect(world.said).toContain('180')
  })

  test('or the callee’s early media, joined before the answer', async () => {
    const world = aWorld({ ringback: undefined })
    await world.start()
    world.callee().onRinging('early media')
    await settled()
    expect(world.said).toEqual([
      'dial over t1',
      '183 sdp of caller end',
      'callee end takes early media',
      'join',
    ])
  })

  test('a caller who leaves the offer to us gets no early media, and its answer is used', async () => {
    const world = aWorld({ offer: undefined })
    await talking(world)
    expect(world.said).toContain('180')
    world.caller().onAnswer('answer of the caller')
    await settled()
    expect(world.said).toContain('caller end takes answer of the caller')
  })

  test('each side’s new offer goes to its own media end, its digits to the other', async () => {
    const world = aWorld()
    await talking(world)
    world.said.length = 0
    expect(await world.callee().onReoffer('hold')).toBe('sdp of callee end')
    expect(await world.caller().onReoffer(undefined)).toBe('sdp of caller end')
    world.caller().onDigit('5')
    expect(world.said).toEqual(['callee end takes hold', 'callee end sends 5'])
  })
})

describe('a call that does not', () => {
  test('refused: told, and written down like any other', async () => {
    const world = aWorld()
    world.decide.mockResolvedValue({
      kind: 'refuse',
      number: aNumber(),
      binding: undefined,
      refusal: refusalOf('no-binding', 404, 2, 'NO_SUBS_EXIST'),
      reasons: [],
    })
    await world.start()
    expect(world.said).toEqual(['caller hung up: no-binding'])
    expect(world.events.map((event) => event.type)).toEqual(['start', 'end'])
    expect(world.events[0]).toMatchObject({ intercepted: true, unconnectedCause: 2 })
    expectOver(world, 'no-binding', 0)
  })

  test('the caller gives up while the call is looked up', async () => {
    const world = aWorld()
    const plan = await world.decide()
    world.decide.mockImplementation(async () => {
      world.caller().onEnded({ how: 'gave-up', cause: causeOf('caller-abandoned') })
      return plan
    })
    await world.start()
    expect(world.openMedia).not.toHaveBeenCalled()
    expectOver(world, 'caller-abandoned', 1)
  })

  test('the caller gives up while media opens: what comes late is closed', async () => {
    const world = aWorld()
    let open = (_pair: MediaPair): void => undefined
    world.openMedia.mockImplementation(
      () =>
        new Promise((resolve) => {
          open = resolve
        }),
    )
    await world.start()
    world.caller().onEnded({ how: 'gave-up', cause: causeOf('caller-abandoned') })
    open(world.pair)
    await settled()
    expect(world.said).toContain('media closed')
    expect(world.said.join()).not.toContain('dial')
    expectOver(world, 'caller-abandoned', 1)
  })

  test('media never opens: the limit ends the call', async () => {
    const world = aWorld()
    world.openMedia.mockReturnValue(new Promise(() => undefined))
    await world.start()
    await vi.advanceTimersByTimeAsync(5000)
    expectOver(world, 'media-failed', 0)
  })

  test('media refuses the offer: its cause is the caller’s', async () => {
    const world = aWorld()
    const fault = Object.assign(new Error('488'), { hangup: causeOf('media-unacceptable') })
    world.openMedia.mockRejectedValue(fault)
    await world.start()
    expectOver(world, 'media-unacceptable', 0)
  })

  test('nobody answers: the ring limit cancels the callee', async () => {
    const world = aWorld({ binding: { ringSecondsMax: 20 } })
    await world.start()
    world.callee().onRinging(undefined)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(world.said).toContain('callee hung up: ring-timeout')
    expectOver(world, 'ring-timeout', 0)
  })

  test('the talk limit ends both', async () => {
    const world = aWorld({ binding: { talkSecondsMax: 60 } })
    await talking(world)
    await vi.advanceTimersByTimeAsync(60_000)
    expectOver(world, 'talk-limit', 0)
  })

  test.each(['caller', 'callee'] as const)('the %s’s packets stop', async (side) => {
    const world = aWorld()
    await talking(world)
    world.lose(side, causeOf(`${side}-lost`))
    expectOver(world, `${side}-lost`, side === 'caller' ? 1 : 2)
  })

  test('the caller is gone when it is to be answered: no conversation is recorded', async () => {
    const world = aWorld()
    world.callerLeg.answer.mockRejectedValue(new Error('gone'))
    await talking(world)
    expect(world.ends()[0]?.startTime).toBeUndefined()
    expectOver(world, 'media-failed', 0)
  })

  test('draining ends what is still up', async () => {
    const world = aWorld()
    await talking(world)
    world.liveCalls.endAll(causeOf('draining'))
    expectOver(world, 'draining', 0)
  })
})

describe('trunks', () => {
  test('the next one is tried when one fails, and the last failure is told', async () => {
    const world = aWorld({ trunks: 2 })
    await world.start()
    world.callee(0).onFailed(causeOf('trunk-failed'), true)
    expect(world.said).toContain('dial over t2')
    world.callee(1).onFailed(causeOf('trunk-failed'), true)
    expectOver(world, 'trunk-failed', 2)
  })

  test('what speaks for the callee is not tried again', async () => {
    const world = aWorld({ trunks: 2 })
    await world.start()
    world.callee().onFailed(causeOf('callee-busy'), false)
    expect(world.said).not.toContain('dial over t2')
    expectOver(world, 'callee-busy', 2)
  })

  test('one that says nothing at all is passed over, if there is another', async () => {
    const world = aWorld({ trunks: 2 })
    await world.start()
    await vi.advanceTimersByTimeAsync(12_000)
    expect(world.said).toEqual(['dial over t1', 'callee hung up: trunk-failed', 'dial over t2'])
    world.callee(1).onFailed(causeOf('callee-busy'), false)
    expectOver(world, 'callee-busy', 2)
  })
})
