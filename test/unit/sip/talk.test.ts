import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import { refreshHeaders, watchTalk } from '../../../src/sip/talk.ts'
import { aDialog, aListener, aMessage, aResponse, settled, silent } from './a-sip-world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

type Reoffer = (offer: string | undefined) => Promise<string | undefined>

function aTalk(given: { ourOfferOpen?: boolean; reoffer?: Reoffer } = {}) {
  const dialog = aDialog()
  const { heard, listener } = aListener(
    given.reoffer === undefined ? {} : { reoffer: given.reoffer },
  )
  const talk = watchTalk({
    dialog: dialog.dialog,
    listener,
    lost: causeOf('caller-lost'),
    log: silent,
    ourOfferOpen: given.ourOfferOpen ?? false,
  })
  /** The party asks for something; gives what it is answered. */
  async function ask(method: string, headers: Record<string, string> = {}, body = '') {
    const answer = aResponse()
    dialog.emit(method, aMessage(headers, body), answer.response)
    await settled()
    return answer.sent
  }
  return { dialog, heard, talk, ask }
}

describe('the end of a talk', () => {
  test.each([
    [undefined, 'hung-up: normal 16'],
    ['Q.850;cause=16;text="bye"', 'hung-up: normal 16'],
    ['Q.850;cause=41', 'hung-up: trunk-failed 41'],
    ['Q.850;cause=17;text="+8613900000002"', 'hung-up: normal 17'],
    ['Q.850;cause=127', 'hung-up: normal 16'],
  ])('by a BYE with Reason %s', (reason, said) => {
    const { dialog, heard } = aTalk()
    dialog.bye(reason === undefined ? {} : { Reason: reason })
    expect(heard).toEqual([said])
  })

  test.each(['ACK timeout', 'Session timer expired'])(
    'by the SIP server (%s): the party is lost',
    (reason) => {
      const { dialog, heard } = aTalk()
      dialog.bye({}, reason)
      expect(heard).toEqual(['lost: caller-lost 27'])
    },
  )

  test('by the SIP server, for a CANCEL that came after our 200: the party hung up', () => {
    const { dialog, heard } = aTalk()
    dialog.bye({ Reason: 'SIP;cause=200;text="CANCEL after 200 OK"' }, 'CANCEL after 200 OK')
    expect(heard).toEqual(['hung-up: normal 16'])
  })

  test('without any message', () => {
    const { dialog, heard } = aTalk()
    dialog.dropped()
    expect(heard).toEqual(['lost: caller-lost 27'])
  })

  test('by us: one BYE, with the Q.850 value and no text', async () => {
    const { dialog, talk } = aTalk()
    dialog.script.destroy = () => Promise.reject(new Error('unable to find dialog'))
    talk.hangUp(causeOf('media-lost'))
    talk.hangUp(causeOf('media-lost'))
    await settled()
    expect(dialog.said).toEqual(['BYE Q.850;cause=41'])
  })

  test('by us, when the party was faster: nothing', () => {
    const { dialog, talk } = aTalk()
    dialog.bye()
    talk.hangUp(causeOf('normal'))
    expect(dialog.said).toEqual([])
  })
})

describe.each(['modify', 'update'])('other media, by %s', (method) => {
  test('is answered with ours, from our own address', async () => {
    const { ask } = aTalk()
    expect(await ask(method, {}, 'hold')).toEqual([
      { status: 200, headers: { Contact: '<sip:192.0.2.10>' }, body: 'answer to hold' },
    ])
  })

  test('also where the dialog shows no address of ours', async () => {
    const { ask, dialog } = aTalk()
    Object.assign(dialog.dialog.local, { contact: undefined })
    expect(await ask(method, {}, 'hold')).toMatchObject([{ status: 200, headers: {} }])
  })

  test('confirms the session interval that it brings', async () => {
    const { ask } = aTalk()
    const [answer] = await ask(method, { 'Session-Expires': '1800;refresher=uas' }, 'hold')
    expect(answer?.headers).toMatchObject({
      'Session-Expires': '1800;refresher=uas',
      Require: 'timer',
    })
  })

  test('that cannot be used is refused', async () => {
    const { ask } = aTalk({ reoffer: async () => undefined })
    expect(await ask(method, {}, 'video')).toMatchObject([{ status: 488 }])
  })

  test('that the media host refuses in another way is a fault of ours', async () => {
    const { ask } = aTalk({ reoffer: () => Promise.reject(new Error('media host is gone')) })
    expect(await ask(method, {}, 'hold')).toMatchObject([{ status: 500 }])
  })

  test('that the media host never answers is refused in time', async () => {
    const { dialog } = aTalk({ reoffer: () => new Promise(() => undefined) })
    const answer = aResponse()
    dialog.emit(method, aMessage({}, 'hold'), answer.response)
    await vi.advanceTimersByTimeAsync(5000)
    expect(answer.statuses()).toEqual([500])
  })
})

describe('an offer of ours', () => {
  test('in the 200 to an INVITE without one: the ACK brings the answer', () => {
    const { dialog, heard } = aTalk({ ourOfferOpen: true })
    dialog.emit('ack', aMessage({}, 'their answer'))
    dialog.emit('ack', aMessage({}, 'once more'))
    expect(heard).toEqual(['answers their answer'])
  })

  test('in the 200 to a re-INVITE without one', async () => {
    const { ask, dialog, heard } = aTalk()
    expect(await ask('modify')).toMatchObject([{ body: 'answer to undefined' }])
    dialog.emit('ack', aMessage({}, 'their answer'))
    expect(heard).toEqual(['answers their answer'])
  })

  test('an ACK with SDP that nobody asked for says nothing', () => {
    const { dialog, heard } = aTalk()
    dialog.emit('ack', aMessage({}, 'their answer'))
    expect(heard).toEqual([])
  })
})

describe('what else a party asks inside a call', () => {
  test.each([
    ['refer', 603],
    ['message', 405],
    ['notify', 489],
    ['options', 200],
    ['info', 200],
    ['update', 200],
  ])('%s: %i, and the other party hears nothing of it', async (method, status) => {
    const { ask, heard } = aTalk()
    expect(await ask(method)).toMatchObject([{ status }])
    expect(heard).toEqual([])
  })

  test.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', '5'],
    ['application/dtmf-relay', 'Duration=160\r\nSignal= #\r\n', '#'],
    ['application/dtmf', '7', '7'],
  ])('a digit by INFO, %s %j', async (type, body, digit) => {
    const { ask, heard } = aTalk()
    await ask('info', { 'Content-Type': type }, body)
    expect(heard).toEqual([`digit ${digit}`])
  })

  test.each([
    ['application/dtmf-relay', 'Signal=x'],
    ['application/dtmf', 'call me at 1'],
    ['text/plain', 'Signal=5'],
  ])('no digit in %s %j', async (type, body) => {
    const { ask, heard } = aTalk()
    await ask('info', { 'Content-Type': type }, body)
    expect(heard).toEqual([])
  })

  test('only the beginning of an INFO is read: blank lines without end held every call up', async () => {
    const { ask, heard } = aTalk()
    const body = `${'\n'.repeat(60_000)}Signal=5`
    expect(await ask('info', { 'Content-Type': 'application/dtmf-relay' }, body)).toMatchObject([
      { status: 200 },
    ])
    expect(heard).toEqual([])
  })
})

describe('a session refresh', () => {
  test.each([
    ['1800', '1800;refresher=uac'],
    ['90;refresher=uac', '90;refresher=uac'],
    ['1800 ; refresher = uas', '1800;refresher=uas'],
  ])('of %s is confirmed with %s', (asked, confirmed) => {
    expect(refreshHeaders(aMessage({ 'Session-Expires': asked }))).toEqual({
      'Session-Expires': confirmed,
      Require: 'timer',
    })
  })

  test.each(['', 'soon', '1'])('of %j is not', (asked) => {
    expect(refreshHeaders(aMessage({ 'Session-Expires': asked }))).toEqual({})
  })
})
