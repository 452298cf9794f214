import { describe, expect, test } from 'vitest'
import { hearing, wellFirst } from '../../../src/app/trunk-watch.ts'
import { causeOf, causeOfStatus } from '../../../src/domain/hangup.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import type { TrunkHealth } from '../../../src/trunks/trunk-health.ts'
import { trunkId } from '../../support/builders.ts'
import { aListener } from '../sip/a-sip-world.ts'

const aTrunk = (id: string): Trunk => ({
  ...{ id: trunkId(id), host: '192.0.2.1', port: 5060, transport: 'udp', addresses: [] },
  ...{ priority: 1, numberFormat: 'e164-plus', trustsIdentity: false, enabled: true },
  optionsSeconds: 30,
})

/** `down`: known not to answer. */
function aHealth(down: readonly string[] = []) {
  const told: boolean[] = []
  const health: TrunkHealth = {
    onPing: () => undefined,
    onCall: (_trunk, works) => void told.push(works),
    stateOf: () => ({ health: 'well', detail: '' }),
    isLast: ({ id }) => down.includes(id),
  }
  return { health, told }
}

describe('what becomes of a call tells of its trunk', () => {
  const listen = () => {
    const { health, told } = aHealth()
    const { heard, listener } = aListener()
    return { told, heard, along: hearing(listener, aTrunk('a'), health) }
  }

  test('it rings or is answered: the trunk works, told once', () => {
    const { told, heard, along } = listen()
    along.onRinging(undefined)
    along.onRinging('early')
    along.onAnswered('sdp')
    expect(told).toEqual([true])
    expect(heard).toEqual(['rings silently', 'rings early', 'answered sdp'])
  })

  test.each([404, 480, 486, 603])('the callee refuses by %i: the trunk works', (status) => {
    const { told, heard, along } = listen()
    along.onFailed(causeOfStatus(status), false)
    expect(told).toEqual([true])
    expect(heard).toHaveLength(1)
  })

  test.each([
    ['is not sent, or is silent', causeOf('trunk-failed')],
    ['is refused by 503', causeOfStatus(503)],
    ['is not answered', causeOfStatus(408)],
  ])('it %s: the trunk does not', (_how, cause) => {
    const { told, along } = listen()
    along.onFailed(cause, true)
    expect(told).toEqual([false])
  })

  test('what rang first has not failed because of the trunk', () => {
    const { told, along } = listen()
    along.onRinging(undefined)
    along.onFailed(causeOfStatus(503), false)
    expect(told).toEqual([true])
  })

  test('a SIP server that is lost says nothing of the trunk', () => {
    const { told, along } = listen()
    along.onFailed(causeOf('callee-lost'), false)
    expect(told).toEqual([])
  })
})

describe('the order in which trunks are tried', () => {
  const trunks = ['a', 'b', 'c'].map(aTrunk)
  const order = (down: readonly string[]) =>
    wellFirst(trunks, aHealth(down).health).map(({ id }) => String(id))

  test.each([
    [[], ['a', 'b', 'c']],
    [['a'], ['b', 'c', 'a']],
    [
      ['a', 'b'],
      ['c', 'a', 'b'],
    ],
    [
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
  ])('with %j silent is %j: none is left out', (down, expected) => {
    expect(order(down)).toEqual(expected)
  })
})
