import { describe, expect, test } from 'vitest'
import { header } from '../../support/sip-text.ts'
import { useBench } from './sip-bench.ts'
import {
  type AppDialog,
  type AppRequest,
  type AppResponse,
  callAndAcknowledge,
  createPhone,
  sdp,
  senderOf,
  until,
} from './sip-support.ts'

/** Session timers (RFC 4028), and the faults of the real server that can be switched on. */

const endedBy = (dialog: AppDialog) =>
  new Promise<unknown>((resolve) => dialog.on('destroy', (_request, why: unknown) => resolve(why)))

describe('a session timer', () => {
  const bench = useBench({ sessionSecondsMin: 1 })

  test('that the caller does not refresh ends the call', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip, {
      headers: ['Supported: timer', 'Session-Expires: 1;refresher=uac'],
    })
    expect(header(ok, 'session-expires')).toBe('1;refresher=uac')
    const ended = endedBy(await answered)
    const bye = await phone.expect('BYE ')
    expect(header(bye, 'reason')).toContain('Session timer expired')
    phone.send(phone.response(200, bye), sip)
    expect(await ended).toBe('Session timer expired')
  })

  test('that the caller refreshes keeps the call', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const wish = 'Session-Expires: 1;refresher=uac'
    const ok = await callAndAcknowledge(phone, sip, { headers: [wish] })
    const ended = endedBy(await answered)
    for (let cseq = 2; cseq < 5; cseq += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const fields = [wish, `Contact: ${phone.contact}`]
      phone.send(phone.inside('UPDATE', ok, { cseq, headers: fields }), sip)
      expect(header(await phone.expect('SIP/2.0 200'), 'session-expires')).toBe(wish.slice(17))
    }
    expect(phone.count('BYE ')).toBe(0)
    phone.send(phone.response(200, await phone.expect('BYE ')), sip)
    await ended
  })

  test('that is ours to refresh is refreshed with the SDP of the call, unknown to the app', async () => {
    const { phone, sip } = bench
    const answered = bench.answering({ headers: { 'Session-Expires': '1;refresher=uas' } })
    const ok = await callAndAcknowledge(phone, sip)
    const dialog = await answered
    const refresh = await phone.expect('INVITE ')
    expect(refresh.endsWith(sdp)).toBe(true)
    expect(header(refresh, 'session-expires')).toBe('1;refresher=uac')
    expect(header(refresh, 'min-se')).toBe('1')
    phone.send(phone.response(491, refresh), sip)
    await phone.expect('ACK ')
    const again = await phone.expect('INVITE ')
    const agreed = ['Session-Expires: 1;refresher=uac']
    phone.send(phone.response(200, again, { headers: agreed, body: sdp }), sip)
    await phone.expect('ACK ')
    const ended = endedBy(dialog)
    phone.send(phone.response(481, await phone.expect('INVITE ')), sip)
    const bye = await phone.expect('BYE ')
    phone.send(phone.response(481, bye), sip)
    expect(await ended).toBe('Session refresh failed')
    expect(header(ok, 'session-expires')).toBe('1;refresher=uas')
  })

  test('that the callee wants and does not refresh ends a call of the app', async () => {
    const { phone, sip } = bench
    const placed = bench.app.createUAC(`sip:bob@${phone.name}`, { localSdp: sdp })
    const invite = await phone.expect('INVITE ')
    const wish = ['Session-Expires: 1;refresher=uas']
    phone.send(phone.response(200, invite, { body: sdp, headers: wish }), sip)
    const ended = endedBy(await placed)
    phone.send(phone.response(200, await phone.expect('BYE ')), sip)
    expect(await ended).toBe('Session timer expired')
  })
})

describe('with the shortest interval of the RFC', () => {
  const bench = useBench()

  test('a shorter one is refused without asking the app', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip, {
      headers: ['Session-Expires: 30;refresher=uac'],
    })
    expect(header(ok, 'session-expires')).toBe('90;refresher=uac')
    const dialog = await answered
    dialog.on('modify', () => expect.unreachable())
    const fields = ['Session-Expires: 30', `Contact: ${phone.contact}`]
    const invite = phone.inside('INVITE', ok, { cseq: 2, headers: fields, body: sdp })
    phone.send(invite, sip)
    const refused = await phone.expect('SIP/2.0 422')
    expect(header(refused, 'min-se')).toBe('90')
    bench.acknowledge(invite, refused)
    await bench.hangUp(ok, 3)
  })
})

describe('over TCP', () => {
  const bench = useBench()

  test('a call comes in, is changed and ended on one connection', async () => {
    const { sip } = bench
    const tcp = await createPhone('tcp')
    const answered = bench.answering()
    const ok = await callAndAcknowledge(tcp, sip)
    expect(header(ok, 'contact')).toContain(';transport=tcp')
    const dialog = await answered
    const info = dialog.request({ method: 'INFO' })
    tcp.send(tcp.response(200, await tcp.expect('INFO ')), sip)
    expect((await info).status).toBe(200)
    tcp.send(tcp.inside('BYE', ok, { cseq: 2 }), sip)
    await tcp.expect('SIP/2.0 200')
    await tcp.close()
  })

  test('a keep-alive is answered, and a stream that cannot be followed is closed', async () => {
    const { sip } = bench
    const tcp = await createPhone('tcp')
    const connections = () => bench.server.counts().connections
    await until('nobody else is connected', () => connections() === 0)
    tcp.send('\r\n\r\n', sip)
    await until('it is connected', () => connections() === 1)
    tcp.send(tcp.request('OPTIONS', sip).replace('Content-Length: 0\r\n', ''), sip)
    await until('it is closed', () => connections() === 0)
    expect(tcp.heard.map((text) => text.trimStart())[0]).toMatch(/^SIP\/2\.0 400 /)
    await tcp.close()
  })
})

describe('with the faults of the real server switched on', () => {
  const bench = useBench({ traps: ['early-bye', 'reinvite-ringing', 'ignored-cancel'] })

  function ringing(): Promise<{ res: AppResponse; isCancelled: () => boolean }> {
    return new Promise((resolve) => {
      bench.acts.set('invite', (req: AppRequest, res) => {
        let isCancelled = false
        req.on('cancel', () => {
          isCancelled = true
        })
        res.send(180)
        resolve({ res, isCancelled: () => isCancelled })
      })
    })
  }

  test('the app hears nothing of a BYE before the answer', async () => {
    const { phone, sip } = bench
    const waiting = ringing()
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    const early = await phone.expect('SIP/2.0 180')
    const { res, isCancelled } = await waiting
    phone.send(phone.inside('BYE', early, { cseq: 2 }), sip)
    await phone.expect('SIP/2.0 481')
    bench.acknowledge(invite, await phone.expect('SIP/2.0 500'))
    const said = await new Promise((resolve) => res.send(200, { body: sdp }, resolve))
    expect(said).toBe('Response not sent due to unknown transaction')
    expect(isCancelled()).toBe(false)
  })

  test('the final answer to a re-INVITE is lost behind a 180', async () => {
    const { phone, sip } = bench
    const placed = bench.app.createUAC(`sip:bob@${phone.name}`, { localSdp: sdp })
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    await phone.expect('ACK ')
    const dialog = await placed
    let isChanged = false
    void dialog.modify(sdp).then(() => {
      isChanged = true
    })
    const offer = await phone.expect('INVITE ')
    phone.send(phone.response(180, offer), senderOf(offer))
    phone.send(phone.response(200, offer, { body: sdp }), sip)
    const gone = dialog.destroy()
    phone.send(phone.response(200, await phone.expect('BYE ')), sip)
    await gone
    expect(isChanged).toBe(false)
    expect(phone.count('ACK ')).toBe(1)
  })
})
