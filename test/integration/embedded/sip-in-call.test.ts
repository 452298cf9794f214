import { describe, expect, test } from 'vitest'
import { header } from '../../support/sip-text.ts'
import { useBench } from './sip-bench.ts'
import {
  type AppDialog,
  type AppRequest,
  type AppResponse,
  callAndAcknowledge,
  createPhone,
  host,
  sdp,
  tagOf,
} from './sip-support.ts'

/** What happens inside calls that came in, and outside any call. */

const bench = useBench()

/** An in-dialog request of the app, answered 200 by the phone. */
async function dialogRequest(dialog: AppDialog, method: string): Promise<AppResponse> {
  const { phone, sip } = bench
  const sent = dialog.request({ method, headers: { 'Content-Type': 'text/plain' }, body: 'hello' })
  const request = await phone.expect(`${method} `)
  phone.send(phone.response(200, request), sip)
  return sent
}

describe('in a call', () => {
  test.each(['INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY', 'REFER', 'UPDATE'])(
    '%s comes through, both ways',
    async (method) => {
      const { phone, sip } = bench
      const answered = bench.answering()
      const ok = await callAndAcknowledge(phone, sip)
      const dialog = await answered
      const got = new Promise<AppRequest>((resolve) => {
        dialog.on(method.toLowerCase(), (req, res: AppResponse) => {
          res.send(202, { headers: { 'X-Got': req.get('x-sent') } })
          resolve(req)
        })
      })
      const body = 'over to you'
      const fields = ['X-Sent: yes', 'Content-Type: text/plain']
      phone.send(phone.inside(method, ok, { cseq: 2, headers: fields }), sip)
      expect(header(await phone.expect('SIP/2.0 202'), 'x-got')).toBe('yes')
      expect((await got).method).toBe(method)
      if (method === 'UPDATE') expect(body).not.toBe('')
      else expect((await dialogRequest(dialog, method)).status).toBe(200)
      await bench.hangUp(ok, 3)
    },
  )

  test('a re-INVITE is answered, acknowledged and moves the remote target', async () => {
    const { phone, sip } = bench
    const elsewhere = await createPhone()
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    const dialog = await answered
    dialog.on('modify', (req, res: AppResponse) => res.send(200, { body: req.body }))
    const moved = `Contact: ${elsewhere.contact}`
    const offer = sdp.replace('sendrecv', 'sendonly')
    elsewhere.send(elsewhere.inside('INVITE', ok, { cseq: 2, headers: [moved], body: offer }), sip)
    await elsewhere.expect('SIP/2.0 100')
    const again = await elsewhere.expect('SIP/2.0 200')
    expect(again.endsWith(offer)).toBe(true)
    elsewhere.send(elsewhere.inside('ACK', again, { cseq: 2 }), sip)
    const gone = dialog.destroy()
    const bye = await elsewhere.expect('BYE ')
    elsewhere.send(elsewhere.response(200, bye), sip)
    await gone
    await elsewhere.close()
  })

  test('two re-INVITEs that cross are both refused with 491', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    const dialog = await answered
    const modified = dialog.modify(sdp).catch((error: { status: number }) => error.status)
    const theirs = await phone.expect('INVITE ')
    const ours = phone.inside('INVITE', ok, {
      cseq: 2,
      headers: [`Contact: ${phone.contact}`],
      body: sdp,
    })
    phone.send(ours, sip)
    const refused = await phone.expect('SIP/2.0 491')
    bench.acknowledge(ours, refused)
    phone.send(phone.response(491, theirs), sip)
    await phone.expect('ACK ')
    expect(await modified).toBe(491)
    await bench.hangUp(ok, 3)
  })

  test('a request with an old number is refused', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    await answered
    phone.send(phone.inside('INFO', ok, { cseq: 1 }), sip)
    await phone.expect('SIP/2.0 500')
    await bench.hangUp(ok)
  })

  test('a request for a call that is over gets 481', async () => {
    const { phone, sip } = bench
    const answered = bench.answering()
    const ok = await callAndAcknowledge(phone, sip)
    await answered
    await bench.hangUp(ok)
    phone.send(phone.inside('INFO', ok, { cseq: 3 }), sip)
    await phone.expect('SIP/2.0 481')
  })
})

describe('reliable provisionals (RFC 3262)', () => {
  const wants = { headers: ['Supported: 100rel'] }

  test('are repeated until PRACK, which the app hears', async () => {
    const { phone, sip } = bench
    const pracked = new Promise<AppRequest>((resolve) => {
      bench.acts.set('invite', (_req, res) => {
        const options = { headers: { Require: '100rel' }, body: sdp }
        const send = res.send as (...all: unknown[]) => void
        send.call(res, 183, options, undefined, (prack: AppRequest) => {
          resolve(prack)
          res.send(486)
        })
      })
    })
    const invite = phone.request('INVITE', sip, { body: sdp, ...wants })
    phone.send(invite, sip)
    const early = await phone.expect('SIP/2.0 183')
    expect(header(early, 'require')).toBe('100rel')
    expect(header(await phone.expect('SIP/2.0 183'), 'rseq')).toBe(header(early, 'rseq'))
    const wrong = phone.inside('PRACK', early, { cseq: 2, headers: ['RAck: 1 1 INVITE'] })
    phone.send(wrong, sip)
    await phone.expect('SIP/2.0 481')
    const rack = `RAck: ${header(early, 'rseq')} 1 INVITE`
    phone.send(phone.inside('PRACK', early, { cseq: 3, headers: [rack] }), sip)
    expect((await pracked).get('rack')).toBe(rack.slice(6))
    const busy = await phone.expect('SIP/2.0 486')
    expect(phone.heard.some((each) => header(each, 'cseq') === '3 PRACK')).toBe(true)
    bench.acknowledge(invite, busy)
  })

  test('are not possible when the caller does not know them', async () => {
    const { phone, sip } = bench
    const said = new Promise((resolve) => {
      bench.acts.set('invite', (_req, res) => {
        res.send(183, { headers: { Require: '100rel' } }, (error) => {
          resolve(error)
          res.send(480)
        })
      })
    })
    const invite = phone.request('INVITE', sip, { body: sdp })
    phone.send(invite, sip)
    expect(await said).toBe('Remote endpoint does not support 100rel')
    const ended = await phone.expect('SIP/2.0 480')
    bench.acknowledge(invite, ended)
  })

  test('an UPDATE before the answer reaches the app that holds the call', async () => {
    const { phone, sip } = bench
    bench.acts.set('invite', (req, res) => {
      req.on('update', ((_update: AppRequest, updateRes: AppResponse) => {
        updateRes.send(200, { body: sdp })
        setTimeout(() => res.send(486), 20)
      }) as never)
      res.send(183, { headers: { Require: '100rel' }, body: sdp })
    })
    const invite = phone.request('INVITE', sip, { body: sdp, ...wants })
    phone.send(invite, sip)
    const early = await phone.expect('SIP/2.0 183')
    const rack = `RAck: ${header(early, 'rseq')} 1 INVITE`
    phone.send(phone.inside('PRACK', early, { cseq: 2, headers: [rack] }), sip)
    await phone.expect('SIP/2.0 200')
    phone.send(phone.inside('UPDATE', early, { cseq: 3, body: sdp }), sip)
    expect(header(await phone.expect('SIP/2.0 200'), 'cseq')).toBe('3 UPDATE')
    const busy = await phone.expect('SIP/2.0 486')
    bench.acknowledge(invite, busy)
  })
})

describe('outside any call', () => {
  test.each(['OPTIONS', 'MESSAGE', 'REGISTER', 'INFO'])('%s reaches the app', async (method) => {
    const { phone, sip } = bench
    bench.acts.set(method.toLowerCase(), (req, res) => {
      res.send(200, { headers: { 'X-On': req.receivedOn, 'X-From': String(req.source_port) } })
    })
    phone.send(phone.request(method, sip), sip)
    const ok = await phone.expect('SIP/2.0 200')
    expect(header(ok, 'x-on')).toBe(`${host}:${sip.port}`)
    expect(header(ok, 'x-from')).toBe(phone.name.split(':')[1])
    expect(header(ok, 'via')).toContain(`;rport=${phone.name.split(':')[1]}`)
    expect(tagOf(header(ok, 'to'))).not.toBe('')
  })

  test('a subscription has a dialog, until it is terminated', async () => {
    const { phone, sip } = bench
    const subscribed = new Promise<AppDialog>((resolve, reject) => {
      bench.acts.set('subscribe', (req, res) => {
        bench.app.createUAS(req, res, { headers: { Expires: '60' } }).then(resolve, reject)
      })
    })
    const fields = ['Event: dialog', 'Expires: 60']
    phone.send(phone.request('SUBSCRIBE', sip, { headers: fields }), sip)
    await phone.expect('SIP/2.0 202')
    const dialog = await subscribed
    expect(bench.server.counts().dialogs).toBe(1)
    await dialog.destroy()
    const notify = await phone.expect('NOTIFY ')
    expect(header(notify, 'subscription-state')).toBe('terminated')
    phone.send(phone.response(200, notify), sip)
  })

  test.each([
    ['a request that nobody wants', 'PUBLISH', 503],
    ['a method that nobody knows', 'DANCE', 405],
    ['BYE for no call', 'BYE', 481],
    ['UPDATE for no call', 'UPDATE', 481],
    ['CANCEL for no call', 'CANCEL', 481],
  ])('%s', async (_name, method, status) => {
    const { phone, sip } = bench
    phone.send(phone.request(method, sip), sip)
    await phone.expect(`SIP/2.0 ${status}`)
  })

  test('a request that comes over two ways is refused the second time', async () => {
    const { phone, sip } = bench
    bench.acts.set('options', () => undefined)
    const request = phone.request('OPTIONS', sip)
    phone.send(request, sip)
    phone.send(request.replace(/branch=\S+/, 'branch=z9hG4bKotherway'), sip)
    await phone.expect('SIP/2.0 482')
  })

  test('the answer goes to the port of the Via when the Via does not ask for more', async () => {
    const { phone, sip } = bench
    const other = await createPhone()
    bench.acts.set('options', (_req, res) => res.send(200))
    const via = `Via: SIP/2.0/UDP ${other.name};branch=z9hG4bKasymmetric`
    phone.send(phone.request('OPTIONS', sip, { via }), sip)
    await other.expect('SIP/2.0 200')
    await other.close()
  })

  test.each([
    ['Content-Length: 0', 'Content-Length: 900', 400],
    ['CSeq: 1 OPTIONS', 'CSeq: 1 INVITE', 400],
    ['SIP/2.0\r\nVia', 'SIP/3.0\r\nVia', 505],
    ['OPTIONS sip:1000', 'OPTIONS gopher:1000', 416],
  ])('with %j written as %j is refused with %i', async (good, bad, status) => {
    const { phone, sip } = bench
    phone.send(phone.request('OPTIONS', sip).replace(good, bad), sip)
    await phone.expect(`SIP/2.0 ${status}`)
  })
})
