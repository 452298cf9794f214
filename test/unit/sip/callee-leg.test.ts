import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { placeCallee } from '../../../src/sip/callee-leg.ts'
import { phone, trunkId, x } from '../../support/builders.ts'
import { aDialog, aListener, anSrf, aRequest, aResponse, settled, silent } from './a-sip-world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const trunk: Trunk = {
  id: trunkId('carrier'),
  host: '192.0.2.1',
  port: 5060,
  transport: 'udp',
  addresses: ['192.0.2.1'],
  priority: 1,
  numberFormat: 'e164-plus',
  trustsIdentity: true,
  enabled: true,
  optionsSeconds: 30,
}

/** A callee that is being rung; `sent`: the INVITE is out. */
function aCallee(given: { sent?: boolean } = {}) {
  const world = anSrf()
  const { heard, listener } = aListener()
  const leg = placeCallee(
    {
      srf: world.srf,
      trunk,
      callee: phone('+8613900000002'),
      x: x('+8617000000001'),
      offer: 'our offer',
      sessionSeconds: 1800,
      national: (e164) => e164.slice(3),
      log: silent,
      onServerLost: world.onServerLost,
    },
    listener,
  )
  const [invite] = world.invites
  if (invite === undefined) throw new Error('no INVITE went out')
  const { request, said } = aRequest()
  const send = () => invite.callbacks.cbRequest?.(null, request)
  if (given.sent !== false) send()
  return {
    ...world,
    heard,
    leg,
    said,
    send,
    provisional: (status: number, body = '') =>
      invite.callbacks.cbProvisional?.(aResponse(status, {}, body).response),
    answer: (dialog = aDialog()) => {
      invite.done(null, dialog.dialog)
      return dialog
    },
    /** The library tells a final failure on the request first, then as the error. */
    refuse(status: number, headers: Record<string, string> = {}) {
      const { response: res } = aResponse(status, headers)
      request.emit('response', res)
      invite.done(Object.assign(new Error(`${status}`), { status, res }))
      return settled()
    },
    fail(err: Error) {
      invite.done(err)
      return settled()
    },
    final: (status: number) => request.emit('response', aResponse(status).response),
  }
}

describe('a callee that rings', () => {
  test('is heard once it says so, with or without early media', () => {
    const { heard, provisional } = aCallee()
    provisional(183)
    provisional(180)
    provisional(183, 'early media')
    expect(heard).toEqual(['rings silently', 'rings early media'])
  })

  test('is not heard any more when it has been hung up', () => {
    const { heard, leg, provisional } = aCallee()
    leg.hangUp(causeOf('ring-timeout'))
    provisional(180)
    expect(heard).toEqual([])
  })
})

describe('a callee that answers', () => {
  test('is watched from the instant of its 200 on', async () => {
    const { heard, answer } = aCallee()
    const dialog = answer()
    dialog.bye()
    await settled()
    expect(heard).toEqual(['hung-up: normal 16'])
  })

  test('talks until it hangs up, and is heard only once', async () => {
    const { heard, answer, leg, listeners } = aCallee()
    const dialog = answer()
    await settled()
    dialog.bye()
    leg.hangUp(causeOf('normal'))
    expect(heard).toEqual(['answered their sdp', 'hung-up: normal 16'])
    expect(dialog.said).toEqual([])
    expect(listeners()).toBe(0)
  })

  test('or until it is hung up', async () => {
    const { answer, leg } = aCallee()
    const dialog = answer()
    await settled()
    leg.hangUp(causeOf('talk-limit'))
    leg.hangUp(causeOf('talk-limit'))
    expect(dialog.said).toEqual(['BYE Q.850;cause=16'])
  })

  test('after our CANCEL gets its BYE, and nobody hears of it', async () => {
    const { heard, answer, leg } = aCallee()
    leg.hangUp(causeOf('caller-abandoned'))
    const dialog = answer()
    await settled()
    expect(dialog.said).toEqual(['BYE Q.850;cause=16'])
    expect(heard).toEqual([])
  })

  test('in the instant in which it is hung up gets one BYE', async () => {
    const { heard, answer, leg } = aCallee()
    const dialog = answer()
    leg.hangUp(causeOf('caller-abandoned'))
    await settled()
    expect(dialog.said).toEqual(['BYE Q.850;cause=16'])
    expect(heard).toEqual([])
  })

  test.each([200, 202])(
    'with a %i of which the library makes no dialog gets its BYE',
    async (status) => {
      const { heard, byes, final, fail } = aCallee()
      final(status)
      await fail(Object.assign(new Error('No Contact header in response'), { status: 500 }))
      expect(byes.map((bye) => bye.dialogId)).toEqual(['dialog'])
      byes[0]?.done(new Error('unable to find dialog'))
      expect(heard).toEqual(['failed: callee-unavailable 480'])
    },
  )
})

describe('a callee that is not reached', () => {
  test.each([
    [486, 'callee-busy 486'],
    [603, 'callee-declined 603'],
    [404, 'number-unassigned 404'],
    [302, 'callee-unavailable 480'],
    [608, 'callee-unavailable 480'],
    [487, 'callee-unavailable 480'],
    [401, 'trunk-failed 503, next trunk'],
    [407, 'trunk-failed 503, next trunk'],
    [408, 'callee-gone 408, next trunk'],
    [500, 'trunk-failed 503, next trunk'],
    [503, 'trunk-failed 503, next trunk'],
  ])('%i: %s', async (status, said) => {
    const { heard, refuse, listeners } = aCallee()
    await refuse(status)
    expect(heard).toEqual([`failed: ${said}`])
    expect(listeners()).toBe(0)
  })

  test.each([
    [480, 'Q.850;cause=17;text="busy +8613900000002"', 'callee-busy 480'],
    [480, 'Q.850;cause=16', 'callee-unavailable 480'],
    [486, 'SIP;cause=600', 'callee-busy 486'],
    [503, 'Q.850;cause=34', 'trunk-failed 503, next trunk'],
    [503, 'Q.850;cause=17', 'callee-busy 503'],
    [408, 'Q.850;cause=1', 'number-unassigned 408'],
  ])('%i with Reason %s: %s', async (status, reason, said) => {
    const { heard, refuse } = aCallee()
    await refuse(status, { Reason: reason })
    expect(heard).toEqual([`failed: ${said}`])
  })

  test('because the INVITE could not be sent: the next trunk is tried', async () => {
    const { heard, fail } = aCallee({ sent: false })
    await fail(new Error('requested protocol/transport not available'))
    expect(heard).toEqual(['failed: trunk-failed 503, next trunk'])
  })

  test('because it was hung up: nobody hears of its 487', async () => {
    const { heard, leg, said, refuse } = aCallee()
    leg.hangUp(causeOf('ring-timeout'))
    await refuse(487)
    expect(said).toEqual(['CANCEL Q.850;cause=19'])
    expect(heard).toEqual([])
  })
})

describe('a CANCEL', () => {
  test('goes out when the INVITE is, if it was asked for before', () => {
    const { leg, said, send } = aCallee({ sent: false })
    leg.hangUp(causeOf('caller-abandoned'))
    expect(said).toEqual([])
    send()
    expect(said).toEqual(['CANCEL Q.850;cause=16'])
  })

  test('that is never answered: the library is made to forget the INVITE', () => {
    const { leg, pending } = aCallee()
    leg.hangUp(causeOf('caller-abandoned'))
    vi.advanceTimersByTime(69_000)
    expect(pending.size).toBe(1)
    vi.advanceTimersByTime(1_000)
    expect(pending.size).toBe(0)
  })

  test('that is answered leaves no timer', async () => {
    const { leg, refuse, final } = aCallee()
    leg.hangUp(causeOf('caller-abandoned'))
    final(180)
    expect(vi.getTimerCount()).toBe(1)
    await refuse(487)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a lost SIP server', () => {
  test('fails a callee that rings, without another trunk: there is nothing to dial over', () => {
    const { heard, lose } = aCallee()
    expect(lose()).toEqual([])
    expect(lose()).toEqual([])
    expect(heard).toEqual(['failed: callee-lost 503'])
  })

  test('ends a callee that talks, and its dialog when the server is back', async () => {
    const { heard, lose, answer, leg } = aCallee()
    const dialog = answer()
    await settled()
    expect(lose()).toEqual(['dialog'])
    leg.hangUp(causeOf('callee-lost'))
    expect(heard).toEqual(['answered their sdp', 'lost: callee-lost 27'])
    expect(dialog.said).toEqual([])
  })
})
