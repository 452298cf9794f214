import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import { createCallerLeg } from '../../../src/sip/caller-leg.ts'
import {
  aDialog,
  aListener,
  aMessage,
  anSrf,
  aRequest,
  aResponse,
  settled,
  silent,
} from './a-sip-world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A caller whose INVITE has come in. */
function aCaller(given: { headers?: Record<string, string>; body?: string } = {}) {
  const world = anSrf()
  const { request } = aRequest(given.headers ?? {}, given.body ?? 'their offer')
  const answer = aResponse()
  const { heard, listener } = aListener()
  const { srf, onServerLost } = world
  const leg = createCallerLeg({
    srf,
    request,
    response: answer.response,
    log: silent,
    onServerLost,
  })
  leg.listen(listener)
  return {
    ...world,
    request,
    heard,
    leg,
    ...answer,
    cancel: (headers: Record<string, string> = {}) => request.emit('cancel', aMessage(headers)),
    /** What the SIP server says to our 200. */
    accepted: (dialog = aDialog()) => {
      world.answers[0]?.done(null, dialog.dialog)
      return dialog
    },
    refused: (reason: unknown) => world.answers[0]?.done(reason),
  }
}

async function talking(given: Parameters<typeof aCaller>[0] = {}) {
  const caller = aCaller(given)
  const answering = caller.leg.answer('our answer')
  const dialog = caller.accepted()
  await answering
  return { ...caller, dialog }
}

describe('a caller that waits', () => {
  test('is told that it rings, and again every ten seconds', () => {
    const { leg, statuses } = aCaller()
    leg.ringing()
    vi.advanceTimersByTime(20_000)
    expect(statuses()).toEqual([180, 180, 180])
  })

  test('hears early media, and is reminded of that in place of the 180', () => {
    const { leg, sent } = aCaller()
    leg.ringing()
    leg.progress('early media')
    vi.advanceTimersByTime(10_000)
    expect(sent.map(({ status, body }) => [status, body])).toEqual([
      [180, undefined],
      [183, 'early media'],
      [183, 'early media'],
    ])
  })

  test('that insists on reliable answers gets each once: the SIP server repeats them', () => {
    const { leg, sent } = aCaller({ headers: { Require: '100rel' } })
    leg.ringing()
    vi.advanceTimersByTime(30_000)
    expect(sent).toMatchObject([{ status: 180, headers: { Require: '100rel' } }])
  })

  test.each([
    [{}, 16],
    [{ Reason: 'SIP;cause=200;text="Call completed elsewhere"' }, 16],
    [{ Reason: 'Q.850;cause=31' }, 16],
    [{ Reason: 'Q.850;cause=19' }, 19],
  ])('gives up with %j', (headers, q850) => {
    const { leg, heard, cancel, statuses, listeners } = aCaller()
    leg.ringing()
    cancel(headers)
    cancel(headers)
    expect(heard).toEqual([`gave-up: caller-abandoned ${q850}`])
    leg.ringing()
    leg.hangUp(causeOf('caller-abandoned'))
    vi.advanceTimersByTime(30_000)
    expect(statuses()).toEqual([180])
    expect(listeners()).toBe(0)
  })

  test('that the SIP server no longer knows is lost, and answered for the library’s sake', () => {
    const { leg, heard, script, statuses } = aCaller()
    leg.ringing()
    script.refuse = 'Response not sent due to unknown transaction'
    vi.advanceTimersByTime(10_000)
    expect(heard).toEqual(['lost: caller-lost 27'])
    expect(statuses()).toEqual([180, 180, 487])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is lost with its SIP server', () => {
    const { leg, heard, lose, statuses } = aCaller()
    leg.ringing()
    expect(lose()).toEqual([])
    leg.hangUp(causeOf('caller-lost'))
    expect(heard).toEqual(['lost: caller-lost 27'])
    expect(statuses()).toEqual([180])
  })

  test.each([
    ['', 200],
    ['other media', 491],
  ])('updates with %j: %i', (body, status) => {
    const { request } = aCaller()
    const answer = aResponse()
    request.emit('update', aMessage({ CSeq: '2 UPDATE' }, body), answer.response)
    expect(answer.sent).toEqual([{ status, headers: {}, body: undefined }])
  })

  test.each([
    ['callee-busy', 486, 17],
    ['ring-timeout', 480, 19],
    ['draining', 503, 41],
    ['normal', 480, 16],
    ['talk-limit', 480, 16],
  ] as const)('is refused for %s with %i', (reason, status, q850) => {
    const { leg, sent, listeners } = aCaller()
    leg.ringing()
    leg.hangUp(causeOf(reason))
    leg.hangUp(causeOf(reason))
    expect(sent.slice(1)).toEqual([
      { status, headers: { Reason: `Q.850;cause=${q850}` }, body: undefined },
    ])
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners()).toBe(0)
  })
})

describe('a caller that is answered', () => {
  test('talks, on an interval that it asked for', async () => {
    const { answers, leg, statuses } = await talking({ headers: { 'Session-Expires': '1800' } })
    expect(answers).toMatchObject([
      {
        localSdp: 'our answer',
        headers: { 'Session-Expires': '1800;refresher=uac', Require: 'timer', Supported: 'timer' },
      },
    ])
    leg.ringing()
    leg.progress('early media')
    expect(statuses()).toEqual([])
  })

  test('and hangs up is heard once', async () => {
    const { dialog, heard, leg, listeners } = await talking()
    dialog.bye()
    leg.hangUp(causeOf('normal'))
    expect(heard).toEqual(['hung-up: normal 16'])
    expect(dialog.said).toEqual([])
    expect(listeners()).toBe(0)
  })

  test('and hung up gets one BYE', async () => {
    const { dialog, leg } = await talking()
    leg.hangUp(causeOf('talk-limit'))
    leg.hangUp(causeOf('talk-limit'))
    expect(dialog.said).toEqual(['BYE Q.850;cause=16'])
  })

  test('and lost with its SIP server gets its BYE when that is back', async () => {
    const { heard, lose } = await talking()
    expect(lose()).toEqual(['dialog'])
    expect(heard).toEqual(['lost: caller-lost 27'])
  })

  test('with an offer of ours gives its answer with the ACK', async () => {
    const { dialog, heard, leg } = await talking({ body: '' })
    expect(leg.offer).toBeUndefined()
    dialog.emit('ack', aMessage({}, 'their answer'))
    expect(heard).toEqual(['answers their answer'])
  })

  test('passes what happens in the call on to whoever listens by then', async () => {
    const { dialog, leg } = await talking()
    const later = aListener({ reoffer: async (offer) => `later answer to ${offer}` })
    leg.listen(later.listener)
    const answer = aResponse()
    dialog.emit('modify', aMessage({}, 'hold'), answer.response)
    dialog.emit('info', aMessage({ 'Content-Type': 'application/dtmf' }, '5'), aResponse().response)
    await settled()
    expect(answer.sent).toMatchObject([{ status: 200, body: 'later answer to hold' }])
    expect(later.heard).toEqual(['digit 5'])
  })
})

describe('a caller that leaves while it is answered', () => {
  test('by CANCEL, which the library tells as well: nothing more is sent', async () => {
    const { leg, cancel, refused, heard, statuses } = aCaller()
    const answering = leg.answer('our answer')
    cancel()
    refused(new Error('Sip non-success response: 487'))
    await expect(answering).rejects.toThrow('487')
    leg.hangUp(causeOf('caller-abandoned'))
    expect(heard).toEqual(['gave-up: caller-abandoned 16'])
    expect(statuses()).toEqual([])
  })

  test('unseen: the SIP server tells it now, in place of sending our 200', async () => {
    const { leg, refused, heard } = aCaller()
    const answering = leg.answer('our answer')
    refused('Response not sent due to unknown transaction')
    await expect(answering).rejects.toBe('Response not sent due to unknown transaction')
    expect(heard).toEqual(['gave-up: caller-abandoned 16'])
  })

  test('by BYE in the instant of the answer', async () => {
    const { leg, accepted, heard } = aCaller()
    const answering = leg.answer('our answer')
    const dialog = accepted()
    dialog.bye()
    await expect(answering).rejects.toThrow('the caller left')
    expect(heard).toEqual(['hung-up: normal 16'])
    expect(dialog.said).toEqual([])
  })

  test('because we hang up meanwhile: its BYE follows the 200', async () => {
    const { leg, accepted, heard } = aCaller()
    const answering = leg.answer('our answer')
    leg.hangUp(causeOf('media-lost'))
    const dialog = accepted()
    await expect(answering).rejects.toThrow('the caller left')
    expect(dialog.said).toEqual(['BYE Q.850;cause=41'])
    expect(heard).toEqual([])
  })

  test('before it: it is not answered at all', async () => {
    const { leg, cancel, answers } = aCaller()
    cancel()
    await expect(leg.answer('our answer')).rejects.toThrow('no longer there')
    expect(answers).toEqual([])
  })
})

test('a caller whom nobody listens to yet gives up without harm', () => {
  const { srf, onServerLost } = anSrf()
  const { request } = aRequest()
  const { response } = aResponse()
  createCallerLeg({ srf, request, response, log: silent, onServerLost })
  request.emit('cancel', aMessage())
})
