import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import { createCallerLeg } from '../../../src/sip/caller-leg.ts'
import type { SipRequest, SipResponse } from '../../../src/sip/drachtio.ts'
import { createSipServer, type SipServer } from '../../../src/sip/servers.ts'
import { freeTcpPort } from '../../support/ports.ts'
import {
  fromNetwork,
  refused,
  type ScriptedSipServer,
  sent,
  sipText,
  startScriptedSipServer,
} from '../../support/scripted-sip-server.ts'

const log = pino({ level: 'silent' })
const trunkAddress = '192.0.2.7'

let far: ScriptedSipServer
let server: SipServer
let invited: { request: SipRequest; response: SipResponse } | undefined

beforeEach(async () => {
  far = await startScriptedSipServer()
  invited = undefined
  server = connect(far.port)
  await vi.waitFor(() => expect(server.up).toBe(true))
})

afterEach(async () => {
  server.disconnect()
  await far.close()
})

function connect(port: number): SipServer {
  return createSipServer({
    address: { host: '127.0.0.1', port, secret: 'secret' },
    log,
    onInvite: (_server, request, response) => {
      invited = { request, response }
    },
    knows: (address) => address === trunkAddress,
    onChange: () => undefined,
  })
}

const request = (method: string, from: string) =>
  sipText([
    `${method} sip:x@127.0.0.1 SIP/2.0`,
    `From: ${from}`,
    'To: <sip:x@127.0.0.1>',
    `Call-ID: call-of-${method}`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:caller@192.0.2.1:5060>',
  ])

const caller = '<sip:caller@192.0.2.1>;tag=theirs'

async function beCalled() {
  far.send(fromNetwork('invite', '', request('INVITE', caller)))
  await vi.waitFor(() => expect(invited).toBeDefined())
  if (invited === undefined) throw new Error('no INVITE')
  const ended = vi.fn()
  const leg = createCallerLeg({ srf: server.srf, ...invited, log, onServerLost: server.onLost })
  leg.listen({
    onEnded: (end) => ended(end.cause.reason),
    onReoffer: async () => undefined,
    onAnswer: () => undefined,
    onDigit: () => undefined,
  })
  return { leg, ended, ...invited }
}

/** What the library remembers of this connection. */
const remembered = () => [...(server.srf._app.client?.mapServer.values() ?? [])][0]

describe('what is longer than the SIP server takes', () => {
  test.each([
    ['header block', `"${'字'.repeat(3000)}" ${caller}`],
    ['frame', `"${'字'.repeat(4500)}" ${caller}`],
  ])('a %s, which a stranger’s From would make of our refusal, is not sent', async (_, from) => {
    far.send(fromNetwork('long', '', request('OPTIONS', from)))
    far.send(fromNetwork('short', '', request('MESSAGE', caller)))
    const answer = await far.frame('SIP/2.0 403')
    expect(answer.transactionId).toBe('short')
    expect(far.frames).toHaveLength(1)
  })

  test('whoever waits for the answer is refused', async () => {
    const { request: invite, response } = await beCalled()
    expect(invite.method).toBe('INVITE')
    const answered = new Promise((resolve) => {
      response.send(183, { body: 'x'.repeat(13_000) }, resolve)
    })
    expect(await answered).toBe('too long for the SIP server')
    expect(remembered()?.pendingRequests.size).toBe(0)
  })
})

describe('a caller', () => {
  test('that the server no longer knows is lost, and nothing of it is kept', async () => {
    const { leg, ended } = await beCalled()
    leg.ringing()
    const ringing = await far.frame('SIP/2.0 180')
    expect(remembered()?.pendingNetworkInvites.size).toBe(1)
    far.send(refused(ringing, 'Response not sent due to unknown transaction'))
    await vi.waitFor(() => expect(ended).toHaveBeenCalledWith('caller-lost'))
    expect(remembered()?.pendingNetworkInvites.size).toBe(0)
    leg.hangUp(causeOf('caller-lost'))
  })

  test('cannot be answered over a connection that is gone: it is not waited for', async () => {
    const { leg } = await beCalled()
    far.drop()
    await vi.waitFor(() => expect(server.up).toBe(false))
    await expect(leg.answer('v=0\r\n')).rejects.toThrow('no longer there')
    leg.ringing()
    leg.hangUp(causeOf('caller-lost'))
  })

  test('that updates before the answer is told so under its own CSeq', async () => {
    await beCalled()
    const update = request('UPDATE', caller).replace('call-of-UPDATE', 'call-of-INVITE')
    far.send(fromNetwork('invite', 'dialog', update))
    const answer = await far.frame('SIP/2.0 200')
    expect(answer.text).toMatch(/^cseq: 1 UPDATE\r$/im)
  })
})

describe('a connection', () => {
  test('that breaks takes the library’s dialogs with it', async () => {
    const { leg, ended } = await beCalled()
    const answering = leg.answer('v=0\r\n')
    far.send(sent(await far.frame('SIP/2.0 200'), 'invite', 'call-of-INVITE;from-tag=theirs'))
    await answering
    expect(server.srf._dialogs.size).toBe(1)
    far.drop()
    await vi.waitFor(() => expect(ended).toHaveBeenCalledWith('caller-lost'))
    expect(server.srf._dialogs.size).toBe(0)
  })

  test('that was never made can be given up, and is not dialled again', async () => {
    const port = await freeTcpPort()
    const never = connect(port)
    const failed = new Promise((resolve) => never.srf.on('error', resolve))
    await failed
    never.disconnect()
    const { wp } = never.srf._app.client ?? {}
    expect(wp?.closing).toBe(true)
    expect(wp?.reconnectVars.retryTimer).toMatchObject({ _destroyed: true })
  })
})

test('a fault in handling one message does not make us deaf to those that follow', async () => {
  const { request: invite } = await beCalled()
  invite.on('cancel', () => {
    throw new Error('a fault of ours')
  })
  const cancel = request('CANCEL', caller).replace('call-of-CANCEL', 'call-of-INVITE')
  const options = request('OPTIONS', caller)
  far.send(fromNetwork('invite', '', cancel), fromNetwork('options', '', options, trunkAddress))
  expect((await far.frame('SIP/2.0 200')).transactionId).toBe('options')
})

describe('a server that is back', () => {
  test('is told to end the dialogs that it kept', async () => {
    const { leg, ended } = await beCalled()
    const answering = leg.answer('v=0\r\n')
    far.send(sent(await far.frame('SIP/2.0 200'), 'invite', 'call-of-INVITE;from-tag=theirs'))
    await answering
    far.drop()
    await vi.waitFor(() => expect(ended).toHaveBeenCalled())
    expect(server.up).toBe(false)
    const bye = await far.frame('BYE')
    expect(bye.dialogId).toBe('call-of-INVITE;from-tag=theirs')
    far.send(refused(bye, 'Server error: unable to find dialog for dialog id provided'))
    await vi.waitFor(() => expect(remembered()?.pendingRequests.size).toBe(0))
    expect(server.up).toBe(true)
  })
})

describe('a request outside a call', () => {
  const ask = async (method: string, address?: string) => {
    const text = request(method, caller)
    far.send(fromNetwork('asked', '', text, address))
    return (await far.frame('SIP/2.0')).text
  }

  test('of a stranger is refused', async () => {
    expect(await ask('OPTIONS')).toMatch(/^SIP\/2.0 403/)
  })

  test('of a trunk that asks whether we are there', async () => {
    expect(await ask('OPTIONS', trunkAddress)).toMatch(/^SIP\/2.0 200[\s\S]*Allow: INVITE/i)
  })

  test.each(['MESSAGE', 'REGISTER', 'SUBSCRIBE', 'PUBLISH', 'INFO', 'NOTIFY', 'REFER'])(
    'that we do not serve: %s',
    async (method) => {
      expect(await ask(method, trunkAddress)).toMatch(/^SIP\/2.0 405[\s\S]*Allow: INVITE/i)
    },
  )
})
