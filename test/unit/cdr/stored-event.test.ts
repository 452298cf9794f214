import { describe, expect, test } from 'vitest'
import {
  createEventSealer,
  endOfLostCall,
  openStoredEvent,
  parseStoredEvent,
  startOfLostCall,
} from '../../../src/cdr/stored-event.ts'
import { aCall, aVault, someFacts } from '../../support/call-events.ts'

const vault = aVault()
const seal = createEventSealer(vault)

function stored(text: string) {
  const parsed = parseStoredEvent(text)
  if (parsed.kind === 'poison') throw new Error(parsed.reason)
  return parsed.event
}

describe('a stored event', () => {
  test('gives back every fact of every event', () => {
    for (const event of aCall()) {
      const again = openStoredEvent(stored(seal(event)), vault)
      expect({ ...again, caller: again.caller?.reveal(), callee: again.callee?.reveal() }).toEqual({
        ...event,
        caller: event.caller?.reveal(),
        callee: event.callee?.reveal(),
      })
    }
  })

  test('gives back what was not known as not known', () => {
    const bare = {
      accountId: undefined,
      poolKey: undefined,
      product: undefined,
      bindingId: undefined,
      city: undefined,
      caller: undefined,
      callee: undefined,
      callerRole: undefined,
      outId: undefined,
    }
    const [start] = aCall({ ...bare, intercepted: true, unconnectedCause: 2 })
    if (start === undefined) throw new Error('a call has a start')
    expect(openStoredEvent(stored(seal(start)), vault)).toEqual(start)
  })

  test('keeps the extension, and takes only one that can be one', () => {
    const [start] = aCall({ extension: '012' })
    if (start === undefined) throw new Error('a call has a start')
    const text = seal(start)
    expect(openStoredEvent(stored(text), vault)).toEqual(start)
    const other = text.replace('"extension":"012"', '"extension":"0123"')
    expect(parseStoredEvent(other)).toMatchObject({ kind: 'poison' })
  })

  test('shows no number in clear', () => {
    const text = aCall().map(seal).join('\n')
    expect(text).not.toMatch(/13800138000|13912345678/)
  })

  test('of another version, or not whole, is poison and says why without saying what', () => {
    const [start = ''] = aCall().map(seal)
    const poison = (text: string | undefined) => parseStoredEvent(text)
    expect(poison(undefined)).toEqual({ kind: 'poison', reason: 'no event in the entry' })
    expect(poison(start.slice(0, 40))).toEqual({ kind: 'poison', reason: 'not JSON' })
    expect(poison(start.replace('"v":1', '"v":2'))).toEqual({
      kind: 'poison',
      reason: 'not a call event of version 1: /v',
    })
    expect(poison('{}')).toMatchObject({ kind: 'poison' })
    expect(poison('null')).toMatchObject({ kind: 'poison' })
  })
})

describe('the end of a call whose router died', () => {
  const [, , answer = undefined] = aCall(someFacts())

  test('is at the last moment the router is known to have lived', () => {
    if (answer === undefined) throw new Error('a call has an answer')
    const end = endOfLostCall(stored(seal(answer)), new Date('2026-11-24T02:00:09.000Z'))
    expect(end).toMatchObject({
      id: `${answer.callId}:end`,
      type: 'end',
      releaseTime: '2026-11-24T02:00:09.000Z',
      releaseDirection: 0,
      releaseCause: 41,
      releaseReason: 'router-lost',
      startTime: '2026-11-24T02:00:03.000Z',
    })
  })

  test('comes with its start, in case that is lost too', () => {
    if (answer === undefined) throw new Error('a call has an answer')
    const { caller, callee, ...told } = openStoredEvent(
      startOfLostCall(stored(seal(answer))),
      vault,
    )
    const [start] = aCall({ callId: answer.callId })
    expect(told).toEqual({ ...start, caller: undefined, callee: undefined })
    expect([caller?.reveal(), callee?.reveal()]).toEqual(['+8613800138000', '+8613912345678'])
  })

  test('is never before what is known to have happened', () => {
    if (answer === undefined) throw new Error('a call has an answer')
    const end = endOfLostCall(stored(seal(answer)), new Date('2026-11-24T01:00:00.000Z'))
    expect(end.releaseTime).toBe(answer.at.toISOString())
  })
})
