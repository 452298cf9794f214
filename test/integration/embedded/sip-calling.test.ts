import { beforeEach, describe, expect, test } from 'vitest'
import { header, headers } from '../../support/sip-text.ts'
import { useBench } from './sip-bench.ts'
import {
  type AppDialog,
  type AppRequest,
  type AppResponse,
  createPhone,
  host,
  type Phone,
  sdp,
  senderOf,
  tagOf,
  until,
  uriOf,
} from './sip-support.ts'

/** Calls that an app on drachtio-srf places. */

const bench = useBench()
let target = ''

beforeEach(() => {
  target = `sip:bob@${bench.phone.name}`
})

type Placed = {
  /** The dialog, or the status with which the call failed. */
  readonly outcome: Promise<AppDialog | number>
  readonly request: Promise<AppRequest>
  readonly provisional: number[]
}

function place(uri = target, options: object = {}): Placed {
  const provisional: number[] = []
  let sent: (request: AppRequest) => void = () => undefined
  const request = new Promise<AppRequest>((resolve) => {
    sent = resolve
  })
  const dialog = bench.app.createUAC(
    uri,
    { localSdp: sdp, ...options },
    {
      cbRequest: (_error, made) => sent(made),
      cbProvisional: (response) => void provisional.push(response.status),
    },
  )
  const outcome = dialog.catch((error: { status: number }) => error.status)
  return { outcome, request, provisional }
}

async function answered(phone: Phone, placed: Placed): Promise<[string, AppDialog]> {
  const invite = await phone.expect('INVITE ')
  phone.send(phone.response(200, invite, { body: sdp }), senderOf(invite))
  await phone.expect('ACK ')
  const dialog = await placed.outcome
  if (typeof dialog === 'number') throw new Error(`the call failed with ${dialog}`)
  return [invite, dialog]
}

async function hangUp(phone: Phone, dialog: AppDialog): Promise<void> {
  const gone = dialog.destroy()
  const bye = await phone.expect('BYE ')
  phone.send(phone.response(200, bye), senderOf(bye))
  await gone
}

describe('a call of the app', () => {
  test('rings, is answered and ended by the app', async () => {
    const { phone, sip } = bench
    const fields = {
      'X-Kept': 'As Is',
      from: 'sip:anna@localhost',
      'p-asserted-identity': '<sip:a@localhost>',
    }
    const placed = place(target, { headers: fields })
    const invite = await phone.expect('INVITE ')
    expect(invite.startsWith(`INVITE ${target} SIP/2.0\r\n`)).toBe(true)
    expect(header(invite, 'from')).toMatch(`<sip:anna@${host}:${sip.port}>;tag=`)
    expect(header(invite, 'p-asserted-identity')).toBe(`<sip:a@${host}:${sip.port}>`)
    expect(invite).toContain('\r\nX-Kept: As Is\r\n')
    expect(invite).toContain('\r\nP-Asserted-Identity: ')
    expect(header(invite, 'max-forwards')).toBe('70')
    expect(header(invite, 'content-type')).toBe('application/sdp')
    phone.send(phone.response(100, invite), sip)
    phone.send(phone.response(180, invite), sip)
    phone.send(phone.response(183, invite, { body: sdp }), sip)
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    const ack = await phone.expect('ACK ')
    expect(ack.startsWith(`ACK ${uriOf(phone.contact)} `)).toBe(true)
    expect(header(ack, 'cseq').split(' ')[0]).toBe(header(invite, 'cseq').split(' ')[0])
    const dialog = (await placed.outcome) as AppDialog
    expect(placed.provisional).toEqual([180, 183])
    const tag = tagOf(header(invite, 'from'))
    expect(dialog.id).toBe(`${header(invite, 'call-id')};from-tag=${tag}`)
    expect(dialog.remote.sdp).toBe(sdp)
    await hangUp(phone, dialog)
  })

  test('is ended by the callee', async () => {
    const { phone, sip } = bench
    const [invite, dialog] = await answered(phone, place())
    const ended = new Promise((resolve) => dialog.on('destroy', resolve))
    phone.send(phone.back('BYE', invite, { cseq: 9 }), sip)
    await ended
    await phone.expect('SIP/2.0 200')
  })

  test.each([486, 404, 503, 603])('is refused with %i', async (status) => {
    const { phone, sip } = bench
    const placed = place()
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(status, invite), sip)
    await phone.expect('ACK ')
    expect(await placed.outcome).toBe(status)
  })

  test('is not answered at all: 408', async () => {
    expect(await place().outcome).toBe(408)
    // Seven at best: 64 × T1 hold no more.
    expect(bench.phone.count('INVITE ')).toBeGreaterThan(3)
  })

  test('goes to a closed port: 503 at once', async () => {
    const gone = await createPhone()
    await gone.close()
    const before = performance.now()
    expect(await place(`sip:bob@${gone.name}`).outcome).toBe(503)
    expect(await place(`sip:bob@${gone.name};transport=tcp`).outcome).toBe(503)
    expect(performance.now() - before).toBeLessThan(1000)
  })

  test('goes to a name that nobody has: 503', async () => {
    expect(await place('sip:bob@nowhere.invalid').outcome).toBe(503)
  })

  test('goes to the next hop that the app names', async () => {
    const { phone, sip } = bench
    const placed = place('sip:bob@192.0.2.1', { proxy: `sip:${phone.name}` })
    const invite = await phone.expect('INVITE sip:bob@192.0.2.1 ')
    phone.send(phone.response(486, invite), sip)
    expect(await placed.outcome).toBe(486)
  })

  test('cannot go to ourselves, nor to no URI at all', async () => {
    const { host: own, port } = bench.sip
    await expect(bench.app.createUAC(`sip:bob@${own}:${port}`, {})).rejects.toThrow('to myself')
    await expect(bench.app.createUAC('sip:bob@host;transport=sctp', {})).rejects.toThrow(
      'transport not available',
    )
  })

  test('over TCP', async () => {
    const tcp = await createPhone('tcp')
    const placed = place(`sip:bob@${tcp.name};transport=tcp`)
    const invite = await tcp.expect('INVITE ')
    expect(header(invite, 'via')).toContain('SIP/2.0/TCP')
    expect(header(invite, 'contact')).toContain('transport=tcp')
    tcp.send(tcp.response(200, invite, { body: sdp }), bench.sip)
    await tcp.expect('ACK ')
    await hangUp(tcp, (await placed.outcome) as AppDialog)
    await tcp.close()
  })

  test('without an offer: the ACK carries our SDP', async () => {
    const { phone, sip } = bench
    const placed = bench.app.createUAC(target, { noAck: true }) as unknown as Promise<{
      sdp: string
      ack(sdp: string): Promise<AppDialog>
    }>
    const invite = await phone.expect('INVITE ')
    expect(header(invite, 'content-length')).toBe('0')
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    const { sdp: offer, ack } = await placed
    expect(offer).toBe(sdp)
    const dialog = await ack(sdp.replace('sendrecv', 'recvonly'))
    expect(await phone.expect('ACK ')).toContain('a=recvonly')
    await hangUp(phone, dialog)
  })

  test('after a challenge goes out again with the same Call-ID and the next number', async () => {
    const { phone, sip } = bench
    const placed = place(target, { auth: { username: 'anna', password: 'secret' } })
    const first = await phone.expect('INVITE ')
    const challenge = 'Proxy-Authenticate: Digest realm="here", nonce="abc"'
    phone.send(phone.response(407, first, { headers: [challenge] }), sip)
    await phone.expect('ACK ')
    const second = await phone.expect('INVITE ')
    const number = (text: string) => Number(header(text, 'cseq').split(' ')[0])
    expect(number(second)).toBe(number(first) + 1)
    expect(header(second, 'call-id')).toBe(header(first, 'call-id'))
    expect(header(second, 'from')).toBe(header(first, 'from'))
    expect(header(second, 'proxy-authorization')).toContain('username="anna"')
    phone.send(phone.response(486, second), sip)
    expect(await placed.outcome).toBe(486)
  })

  test('along a route that the answer has recorded', async () => {
    const { phone, sip } = bench
    const proxy = await createPhone()
    const placed = place()
    const invite = await phone.expect('INVITE ')
    const routes = ['Record-Route: <sip:192.0.2.7;lr>', `Record-Route: <sip:${proxy.name};lr>`]
    phone.send(phone.response(200, invite, { body: sdp, headers: routes }), sip)
    const ack = await proxy.expect('ACK ')
    expect(headers(ack, 'route')).toEqual([`<sip:${proxy.name};lr>`, '<sip:192.0.2.7;lr>'])
    await hangUp(proxy, (await placed.outcome) as AppDialog)
    await proxy.close()
  })
})

describe('messages that come again or cross', () => {
  test('a repeated 200 is absorbed and the ACK sent again', async () => {
    const { phone, sip } = bench
    const placed = place()
    const invite = await phone.expect('INVITE ')
    const ok = phone.response(200, invite, { body: sdp })
    phone.send(ok, sip)
    const ack = await phone.expect('ACK ')
    phone.send(ok, sip)
    expect(await phone.expect('ACK ')).toBe(ack)
    await hangUp(phone, (await placed.outcome) as AppDialog)
  })

  test('a fork: the second callee to answer gets ACK and BYE', async () => {
    const { phone, sip } = bench
    const other = await createPhone()
    const placed = place()
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(180, invite, { tag: 'one' }), sip)
    other.send(other.response(180, invite, { tag: 'two' }), sip)
    phone.send(phone.response(200, invite, { tag: 'one', body: sdp }), sip)
    other.send(other.response(200, invite, { tag: 'two', body: sdp }), sip)
    expect(header(await phone.expect('ACK '), 'to')).toContain('tag=one')
    expect(header(await other.expect('ACK '), 'to')).toContain('tag=two')
    const bye = await other.expect('BYE ')
    other.send(other.response(200, bye), sip)
    const dialog = (await placed.outcome) as AppDialog
    expect(dialog.sip.remoteTag).toBe('one')
    await hangUp(phone, dialog)
    expect(phone.count('BYE ')).toBe(1)
    await other.close()
  })

  test('a CANCEL waits for the first provisional', async () => {
    const { phone, sip } = bench
    const placed = place()
    ;(await placed.request).cancel()
    const invite = await phone.expect('INVITE ')
    await phone.expect('INVITE ')
    expect(phone.count('CANCEL ')).toBe(0)
    phone.send(phone.response(100, invite), sip)
    const cancel = await phone.expect('CANCEL ')
    expect(header(cancel, 'via')).toBe(header(invite, 'via'))
    expect(header(cancel, 'to')).toBe(header(invite, 'to'))
    phone.send(phone.response(200, cancel), sip)
    phone.send(phone.response(487, invite), sip)
    expect(await placed.outcome).toBe(487)
  })

  test('an answer that crosses the CANCEL is acknowledged and hung up', async () => {
    const { phone, sip } = bench
    const placed = place()
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(180, invite), sip)
    await until('it rings', () => placed.provisional.length > 0)
    ;(await placed.request).cancel()
    const cancel = await phone.expect('CANCEL ')
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    phone.send(phone.response(200, cancel), sip)
    const dialog = (await placed.outcome) as AppDialog
    const ended = new Promise((resolve) => dialog.on('destroy', (_bye, why) => resolve(why)))
    await phone.expect('ACK ')
    const bye = await phone.expect('BYE ')
    phone.send(phone.response(200, bye), sip)
    expect(await ended).toBe('ACK-BYE due to cancel race condition')
  })

  test('a callee that ignores the CANCEL: the call ends with 408', async () => {
    const { phone, sip } = bench
    const placed = place()
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(180, invite), sip)
    await until('it rings', () => placed.provisional.length > 0)
    ;(await placed.request).cancel()
    expect(await placed.outcome).toBe(408)
    expect(phone.count('CANCEL ')).toBeGreaterThan(5)
  })

  test('a CANCEL that comes too late is refused', async () => {
    const { phone } = bench
    const placed = place()
    const [, dialog] = await answered(phone, placed)
    const request = await placed.request
    const said = await new Promise<Error | null>((resolve) => request.cancel(resolve))
    expect(said?.message).toContain('unable to cancel unknown transaction id')
    await hangUp(phone, dialog)
  })

  test('a BYE that nobody answers ends the dialog after all', async () => {
    const { phone } = bench
    const [, dialog] = await answered(phone, place())
    expect((await dialog.destroy()).method).toBe('BYE')
    await expect(dialog.destroy()).rejects.toThrow('unable to find dialog')
    expect(phone.count('BYE ')).toBeGreaterThan(5)
  })

  test('an answer that the app never acknowledges: the dialog is dropped', async () => {
    const { phone, sip } = bench
    const before = bench.server.counts().dialogs
    const heard = new Promise<number>((resolve) => {
      const options = { method: 'INVITE', body: sdp }
      bench.app.request(target, options, (_error, sent) => {
        sent.on('response', (response: AppResponse) => resolve(response.status))
      })
    })
    const invite = await phone.expect('INVITE ')
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    expect(await heard).toBe(200)
    expect(bench.server.counts().dialogs).toBe(before + 1)
    await until('the dialog is gone', () => bench.server.counts().dialogs === before)
    expect(phone.count('ACK ')).toBe(0)
  })
})

describe('in a call of the app', () => {
  test('the app changes it, and is refused, and changes it again', async () => {
    const { phone, sip } = bench
    const [, dialog] = await answered(phone, place())
    const changed = dialog.modify(sdp.replace('sendrecv', 'sendonly'))
    const offer = await phone.expect('INVITE ')
    expect(offer).toContain('a=sendonly')
    expect(header(offer, 'contact')).not.toBe('')
    phone.send(phone.response(180, offer), sip)
    phone.send(phone.response(200, offer, { body: sdp.replace('sendrecv', 'recvonly') }), sip)
    await phone.expect('ACK ')
    expect(await changed).toContain('a=recvonly')
    const refused = dialog.modify(sdp).catch((error: { status: number }) => error.status)
    phone.send(phone.response(488, await phone.expect('INVITE ')), sip)
    await phone.expect('ACK ')
    expect(await refused).toBe(488)
    await hangUp(phone, dialog)
  })

  test('the callee changes it', async () => {
    const { phone, sip } = bench
    const [invite, dialog] = await answered(phone, place())
    dialog.on('modify', (_req, res: AppResponse) => res.send(200, { body: sdp }))
    const fields = [`Contact: ${phone.contact}`, 'Content-Type: application/sdp']
    phone.send(phone.back('INVITE', invite, { cseq: 1, headers: fields, body: sdp }), sip)
    await phone.expect('SIP/2.0 200')
    phone.send(phone.back('ACK', invite, { cseq: 1 }), sip)
    await hangUp(phone, dialog)
  })

  test('reliable provisionals are acknowledged once, however often they come', async () => {
    const { phone, sip } = bench
    const placed = place(target, { headers: { Supported: '100rel' } })
    const invite = await phone.expect('INVITE ')
    const early = phone.response(183, invite, {
      headers: ['Require: 100rel', 'RSeq: 5'],
      body: sdp,
    })
    phone.send(early, sip)
    const prack = await phone.expect('PRACK ')
    expect(header(prack, 'rack')).toBe(`5 ${header(invite, 'cseq')}`)
    phone.send(early, sip)
    phone.send(phone.response(200, prack), sip)
    phone.send(phone.response(200, invite, { body: sdp }), sip)
    await phone.expect('ACK ')
    expect(placed.provisional).toEqual([183])
    await hangUp(phone, (await placed.outcome) as AppDialog)
  })

  test('BYE while a change is still open cancels the change first', async () => {
    const { phone, sip } = bench
    const [, dialog] = await answered(phone, place())
    const changed = dialog.modify(sdp).catch(() => 'refused')
    const offer = await phone.expect('INVITE ')
    phone.send(phone.response(180, offer), sip)
    const gone = dialog.destroy()
    const cancel = await phone.expect('CANCEL ')
    phone.send(phone.response(200, cancel), sip)
    phone.send(phone.response(487, offer), sip)
    const bye = await phone.expect('BYE ')
    phone.send(phone.response(200, bye), sip)
    await gone
    expect(await changed).toBe('refused')
  })
})
