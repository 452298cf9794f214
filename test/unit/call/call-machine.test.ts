import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CallEffect,
  type CallInput,
  type CallState,
  step,
} from '../../../src/call/call-machine.ts'
import { causeOf } from '../../../src/domain/hangup.ts'

const busy = causeOf('callee-busy')
const hangUp: CallInput = { type: 'ended', cause: causeOf('normal'), by: 1, atMs: 9000 }

function play(inputs: readonly CallInput[]): { state: CallState; effects: readonly CallEffect[] } {
  let state: CallState = { at: 'arrived' }
  const effects: CallEffect[] = []
  for (const input of inputs) {
    const after = step(state, input)
    state = after.state
    effects.push(...after.effects)
  }
  return { state, effects }
}

const upToDialing: readonly CallInput[] = [{ type: 'planned' }, { type: 'media-ready' }]

describe('a call that goes well', () => {
  test('opens media, dials, rings, joins, talks and is released once', () => {
    const { state, effects } = play([
      ...upToDialing,
      { type: 'ringing', early: false },
      { type: 'answered', atMs: 5000 },
      { type: 'joined' },
      hangUp,
    ])
    expect(effects.map((effect) => effect.do)).toEqual([
      'open-media',
      'dial',
      'pass-ringing',
      'join',
      'begin-talk',
      'release',
    ])
    expect(state).toMatchObject({ at: 'over', answeredAtMs: 5000, endedAtMs: 9000, by: 1 })
  })

  test('may be answered without ringing first', () => {
    expect(play([...upToDialing, { type: 'answered', atMs: 1 }]).state.at).toBe('joining')
  })
})

describe('ringing', () => {
  test('a second 180 changes nothing', () => {
    const once = play([...upToDialing, { type: 'ringing', early: false }])
    const twice = play([
      ...upToDialing,
      { type: 'ringing', early: false },
      { type: 'ringing', early: false },
    ])
    expect(twice).toEqual(once)
  })

  test('a 183 after a 180 passes the early media on, and is not the first ring', () => {
    const { effects } = play([
      ...upToDialing,
      { type: 'ringing', early: false },
      { type: 'ringing', early: true },
    ])
    expect(effects.at(-1)).toEqual({ do: 'pass-early-media', first: false })
  })
})

describe('trunks', () => {
  const failed = (trunksLeft: number): CallInput => ({
    type: 'callee-failed',
    cause: busy,
    trunksLeft,
    atMs: 7,
  })

  test('the next trunk is dialled while there is one', () => {
    const { state, effects } = play([...upToDialing, failed(1)])
    expect(state).toEqual({ at: 'dialing', trunk: 1 })
    expect(effects.at(-1)).toEqual({ do: 'dial', trunk: 1 })
  })

  test('the last failure ends the call with its cause', () => {
    const { state } = play([...upToDialing, failed(0)])
    expect(state).toMatchObject({ at: 'over', cause: busy, by: 2, answeredAtMs: undefined })
  })

  test('a callee that rang is not rung again over another trunk', () => {
    const { state } = play([...upToDialing, { type: 'ringing', early: false }, failed(3)])
    expect(state.at).toBe('over')
  })
})

test('a caller who leaves between the answer and the 200 had no conversation', () => {
  const { state } = play([...upToDialing, { type: 'answered', atMs: 5 }, hangUp])
  expect(state).toMatchObject({ at: 'over', answeredAtMs: undefined })
})

const anyInput = fc.oneof(
  fc.constantFrom<CallInput>(
    { type: 'planned' },
    { type: 'media-ready' },
    { type: 'joined' },
    hangUp,
  ),
  fc.boolean().map((early): CallInput => ({ type: 'ringing', early })),
  fc.nat().map((atMs): CallInput => ({ type: 'answered', atMs })),
  fc
    .nat({ max: 2 })
    .map((trunksLeft): CallInput => ({ type: 'callee-failed', cause: busy, trunksLeft, atMs: 1 })),
)

describe('however inputs arrive', () => {
  test('a call is released exactly once when it is over, and not before', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), (inputs) => {
        const { state, effects } = play(inputs)
        const releases = effects.filter((effect) => effect.do === 'release').length
        expect(releases).toBe(state.at === 'over' ? 1 : 0)
      }),
    )
  })

  test('talk begins at most once, and only after joining', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), (inputs) => {
        const doing = play(inputs).effects.map((effect) => effect.do)
        const begins = doing.filter((each) => each === 'begin-talk').length
        expect(begins).toBeLessThanOrEqual(1)
        if (begins === 1) expect(doing.indexOf('join')).toBeLessThan(doing.indexOf('begin-talk'))
      }),
    )
  })

  test('nothing happens after the release', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), (inputs) => {
        const doing = play(inputs).effects.map((effect) => effect.do)
        const released = doing.indexOf('release')
        if (released >= 0) expect(released).toBe(doing.length - 1)
      }),
    )
  })
})
