import { describe, expect, test } from 'vitest'
import { header, headers } from '../../support/sip-text.ts'
import { cancelOf, useBench } from './sip-bench.ts'
import {
  type AppDialog,
  type AppRequest,
  type AppResponse,
  callAndAcknowledge,
  createPhone,
  expectNothingLeft,
  host,
  sdp,
  tagOf,
  until,
  uriOf,
} from './sip-support.ts'

/** Calls that come in, seen from the phone and from an app on drachtio-srf. */

const bench = useBench()

/** An in-dialog request of the app, answered 200 by the phone. */
async function dialogRequest(dialog: AppDialog, method: string): Promise<AppResponse> {
  const { phone, sip } = bench
  const sent = dialog.request({ method, headers: { 'Content-Type': 'text/plain' }, body: 'hello' })
  const request = await phone.expect(`${method} `)
  phone.send(phone.response(200, request), sip)
  return sent
}

/** The app keeps the next call waiting. */
function ringing(): Promise<{ req: AppRequest; res: AppResponse; cancelled: () => boolean }> {
  return new Promise((resolve) => {
    bench.acts.set('invite', (req, res) => {
      let isCancelled = false
      req.on('cancel', () => {
        isCancelled = true
      })
      res.send(180)
      resolve({ req, res, cancelled: () => isCancelled })
    })
  })
}

describe('a call is answered', () => {
  test('and ended by the caller', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip, { callId: 'one@phone', tag: 'abc' })
    const dialog = await answered
    expect(phone.count('SIP/2.0 100')).toBe(1)
    expect(dialog.id).toBe('one@phone;from-tag=abc')
    expect(dialog.sip.localTag).toBe(tagOf(header(ok, 'to')))
    expect(header(ok, 'contact')).toBe(`<sip:${host}:${sip.port}>`)
    expect(header(ok, 'content-type')).toBe('application/sdp')
    const ended = new Promise<AppRequest>((resolve) => dialog.on('destroy', resolve))
    await bench.hangUp(ok)
    expect((await ended).method).toBe('BYE')
  })

  test('and ended by the app', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    const dialog = await answered
    const gone = dialog.destroy({ headers: { 'X-Why': 'enough' } })
    const bye = await phone.expect('BYE ')
    expect(bye.startsWith(`BYE ${uriOf(phone.contact)} `)).toBe(true)
    expect(header(bye, 'x-why')).toBe('enough')
    expect(header(bye, 'from')).toBe(header(ok, 'to'))
    expect(header(bye, 'to')).toBe(header(ok, 'from'))
    phone.send(phone.response(200, bye), sip)
    expect((await gone).method).toBe('BYE')
  })

  test('once, however often the INVITE comes', async () => {
    const { phone, sip } = bench
    let times = 0
    bench.acts.set('invite', (_req, res) => {
      times += 1
      res.send(180)
      setTimeout(() => res.send(486), 50)
    })
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    phone.send(invite, sip)
    await phone.expect('SIP/2.0 180')
    phone.send(invite, sip)
    await phone.expect('SIP/2.0 180')
    const busy = await phone.expect('SIP/2.0 486')
    bench.acknowledge(invite, busy)
    expect(times).toBe(1)
  })

  test('over a route: requests of the app go along it', async () => {
    const { phone, sip } = bench
    const proxy = await createPhone()
    const answered = bench.answering()
    const route = `<sip:${proxy.name};lr>`
    await callAndAcknowledge(phone, sip, {
      headers: [`Record-Route: ${route}`, 'Record-Route: <sip:192.0.2.7;lr>'],
    })
    const dialog = await answered
    const gone = dialog.destroy()
    const bye = await proxy.expect('BYE ')
    expect(headers(bye, 'route')).toEqual([route, '<sip:192.0.2.7;lr>'])
    expect(bye.startsWith(`BYE ${uriOf(phone.contact)} `)).toBe(true)
    proxy.send(proxy.response(200, bye), sip)
    await gone
    await proxy.close()
  })

  test('for a caller behind a NAT: what we send goes where the packets came from', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const invite = phone
      .request('INVITE', sip, { body: sdp })
      .replace(phone.contact, '<sip:phone@192.0.2.55:5060>')
    phone.send(invite, sip)
    const ok = await phone.expect('SIP/2.0 200')
    phone.send(phone.inside('ACK', ok, { cseq: 1 }), sip)
    const gone = (await answered).destroy()
    const bye = await phone.expect('BYE sip:phone@192.0.2.55:5060 ')
    phone.send(phone.response(200, bye), sip)
    await gone
  })

  test('but the ACK is lost: the answer is repeated, then the server hangs up itself', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    phone.send(phone.request('INVITE', sip, { body: sdp }), sip)
    const dialog = await answered
    const ended = new Promise<string>((resolve) =>
      dialog.on('destroy', (_request, reason: unknown) => resolve(String(reason))),
    )
    const bye = await phone.expect('BYE ')
    expect(header(bye, 'reason')).toBe('SIP;cause=200;text="ACK timeout"')
    phone.send(phone.response(200, bye), sip)
    expect(await ended).toBe('ACK timeout')
    expect(phone.count('SIP/2.0 200')).toBeGreaterThan(5)
  })

  test('and an early ACK ends the repeating', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    const dialog = await answered
    const before = phone.count('SIP/2.0 200')
    expect((await dialogRequest(dialog, 'INFO')).status).toBe(200)
    expect(phone.count('SIP/2.0 200')).toBe(before)
    await bench.hangUp(ok)
  })
})

describe('a call is not answered', () => {
  test('because the app refuses it', async () => {
    const { phone, sip } = bench
    bench.acts.set('invite', (_req, res) => res.send(486, { headers: { 'X-Why': 'busy' } }))
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    const busy = await phone.expect('SIP/2.0 486')
    expect(header(busy, 'x-why')).toBe('busy')
    expect(header(busy, 'contact')).toBe('')
    bench.acknowledge(invite, busy)
  })

  test('because the caller gives up while it rings', async () => {
    const { phone, sip } = bench
    const waiting = ringing()
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    await phone.expect('SIP/2.0 180')
    const { res, cancelled } = await waiting
    phone.send(cancelOf(invite), sip)
    await phone.expect('SIP/2.0 200')
    const ended = await phone.expect('SIP/2.0 487')
    bench.acknowledge(invite, ended)
    await until('the app hears of it', cancelled)
    const late = await new Promise((resolve) => res.send(200, { body: sdp }, resolve))
    expect(late).toBe('Response not sent due to unknown transaction')
  })

  test('because the caller gives up at once', async () => {
    const { phone, sip } = bench
    let isCancelled = false
    bench.acts.set('invite', (req) => {
      req.on('cancel', () => {
        isCancelled = true
      })
    })
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    phone.send(cancelOf(invite), sip)
    const ended = await phone.expect('SIP/2.0 487')
    bench.acknowledge(invite, ended)
    await until('the app hears of it', () => isCancelled)
  })

  test('because the caller ends it with BYE before the answer', async () => {
    const { phone, sip } = bench
    const waiting = ringing()
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    const early = await phone.expect('SIP/2.0 180')
    const { cancelled } = await waiting
    const target = `Contact: <sip:${host}:${sip.port}>\r\nFrom:`
    phone.send(phone.inside('BYE', early.replace('From:', target), { cseq: 2 }), sip)
    const ended = await phone.expect('SIP/2.0 487')
    bench.acknowledge(invite, ended)
    await until('the app hears of it', cancelled)
  })

  test('because the app keeps silent: the call is forgotten without a word', async () => {
    const { phone, sip } = bench
    bench.acts.set('invite', () => undefined)
    phone.send(phone.request('INVITE', sip, { body: sdp }), sip)
    await phone.expect('SIP/2.0 100')
    await expectNothingLeft(bench.server)
    expect(phone.heard).toHaveLength(1)
  })

  test('and a CANCEL with another branch changes nothing', async () => {
    const { phone, sip } = bench
    const waiting = ringing()
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    await phone.expect('SIP/2.0 180')
    const { res, cancelled } = await waiting
    phone.send(cancelOf(invite).replace(/branch=\S+/, 'branch=z9hG4bKother'), sip)
    await phone.expect('SIP/2.0 481')
    expect(cancelled()).toBe(false)
    res.send(480)
    const ended = await phone.expect('SIP/2.0 480')
    bench.acknowledge(invite, ended)
  })

  test('and a CANCEL after the answer comes too late', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    const ok = await phone.expect('SIP/2.0 200')
    await answered
    phone.send(cancelOf(invite), sip)
    await phone.expect('SIP/2.0 481')
    phone.send(phone.inside('ACK', ok, { cseq: 1 }), sip)
    await bench.hangUp(ok)
  })
})
