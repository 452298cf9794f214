import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { placeCallee } from '../../../src/sip/callee-leg.ts'
import { createCallerLeg } from '../../../src/sip/caller-leg.ts'
import type { SipRequest, SipResponse } from '../../../src/sip/drachtio.ts'
import { createSipServer, type SipServer } from '../../../src/sip/servers.ts'
import { phone, trunkId, x } from '../../support/builders.ts'
import {
  fromNetwork,
  type ScriptedSipServer,
  sent,
  sipText,
  startScriptedSipServer,
} from '../../support/scripted-sip-server.ts'

const log = pino({ level: 'silent' })
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

let far: ScriptedSipServer
let server: SipServer
let invited: { request: SipRequest; response: SipResponse } | undefined

beforeEach(async () => {
  far = await startScriptedSipServer()
  invited = undefined
  server = createSipServer({
    address: { host: far.host, port: far.port, secret: 'secret' },
    log,
    onInvite: (_server, request, response) => {
      invited = { request, response }
    },
    knows: () => true,
    onChange: () => undefined,
  })
  await vi.waitFor(() => expect(server.up).toBe(true))
})

afterEach(async () => {
  server.disconnect()
  await far.close()
})

/** What happened to a leg, in words. */
function listening() {
  const heard: string[] = []
  return {
    heard,
    listener: {
      onEnded: (end: { how: string; cause: { reason: string } }) =>
        void heard.push(`${end.how}: ${end.cause.reason}`),
      onReoffer: async () => undefined,
      onAnswer: () => undefined,
      onDigit: () => undefined,
      onRinging: () => void heard.push('ringing'),
      onAnswered: () => void heard.push('answered'),
      onFailed: (cause: { reason: string }, next: boolean) =>
        void heard.push(`failed: ${cause.reason}${next ? ', next trunk' : ''}`),
    },
  }
}

const calleeDialog = 'made-by-the-server;from-tag=ours'
const fromCallee = ['From: <sip:callee@192.0.2.1>;tag=theirs', 'To: <sip:x@127.0.0.1>;tag=ours']
const ofCallee = ['Call-ID: made-by-the-server', ...fromCallee]
const byCallee = (...lines: readonly string[]) => [
  'From: <sip:x@127.0.0.1>;tag=ours',
  'To: <sip:callee@192.0.2.1>;tag=theirs',
  'Call-ID: made-by-the-server',
  'CSeq: 1 INVITE',
  ...lines,
]

function place() {
  const { heard, listener } = listening()
  const leg = placeCallee(
    {
      srf: server.srf,
      trunk,
      callee: phone('+8613900000002'),
      x: x('+8617000000001'),
      offer: 'v=0\r\n',
      sessionSeconds: 1800,
      national: (e164) => e164,
      log,
      onServerLost: server.onLost,
    },
    listener,
  )
  return { heard, leg }
}

async function ring() {
  const placed = place()
  const invite = await far.frame('INVITE')
  far.send(sent(invite, 'invite'))
  return placed
}

const contact = 'Contact: <sip:callee@192.0.2.1:5060>'
const answer = (status: string, ...more: readonly string[]) =>
  fromNetwork(
    'invite',
    calleeDialog,
    sipText([`SIP/2.0 ${status}`, ...byCallee(...more)], 'v=0\r\n'),
  )

describe('a callee', () => {
  test('whose BYE comes in one packet with its 200 has hung up, not answered for ever', async () => {
    const { heard } = await ring()
    const bye = sipText(['BYE sip:x@127.0.0.1 SIP/2.0', ...ofCallee, 'CSeq: 2 BYE'])
    far.send(answer('200 OK', contact), fromNetwork('bye', calleeDialog, bye))
    await vi.waitFor(() => expect(heard).toEqual(['hung-up: normal']))
  })

  test.each([
    ['200 without Contact', answer('200 OK')],
    ['202', answer('202 Accepted', contact)],
  ])('that answers with a %s gets its BYE, and no other trunk rings it again', async (_, text) => {
    const { heard } = await ring()
    far.send(text)
    const bye = await far.frame('BYE')
    expect(bye.dialogId).toBe(calleeDialog)
    expect(heard).toEqual(['failed: callee-unavailable'])
  })

  test('cannot be rung while the SIP server is away, and that is told like any failure', async () => {
    far.drop()
    await vi.waitFor(() => expect(server.up).toBe(false))
    const { heard, leg } = place()
    await vi.waitFor(() => expect(heard).toEqual(['failed: trunk-failed, next trunk']))
    leg.hangUp(causeOf('trunk-failed'))
  })

  test('that answers after our CANCEL gets one BYE', async () => {
    const { heard, leg } = await ring()
    await far.frame('INVITE')
    far.send(fromNetwork('invite', calleeDialog, sipText(['SIP/2.0 180 Ringing', ...byCallee()])))
    await vi.waitFor(() => expect(heard).toEqual(['ringing']))
    leg.hangUp(causeOf('caller-abandoned'))
    await far.frame('CANCEL')
    far.send(answer('200 OK', contact))
    await far.frame('BYE')
    leg.hangUp(causeOf('caller-abandoned'))
    expect(far.frames.filter((frame) => frame.text.startsWith('BYE'))).toHaveLength(1)
    expect(heard).toEqual(['ringing'])
  })
})

const callerDialog = 'of-the-caller;from-tag=theirs'
const ofCaller = [
  'From: <sip:caller@192.0.2.1>;tag=theirs',
  'To: <sip:x@127.0.0.1>',
  'Call-ID: of-the-caller',
  'Contact: <sip:caller@192.0.2.1:5060>',
]

async function beCalled() {
  const invite = sipText(
    ['INVITE sip:x@127.0.0.1 SIP/2.0', ...ofCaller, 'CSeq: 1 INVITE'],
    'v=0\r\n',
  )
  far.send(fromNetwork('invite', '', invite))
  await vi.waitFor(() => expect(invited).toBeDefined())
  if (invited === undefined) throw new Error('no INVITE')
  const { heard, listener } = listening()
  const leg = createCallerLeg({ srf: server.srf, ...invited, log, onServerLost: server.onLost })
  leg.listen(listener)
  return { heard, leg }
}

describe('a caller', () => {
  test('whose BYE comes in one packet with the word that our 200 went out has hung up', async () => {
    const { heard, leg } = await beCalled()
    const answering = leg.answer('v=0\r\n')
    const ours = await far.frame('SIP/2.0 200')
    const bye = sipText(['BYE sip:x@127.0.0.1 SIP/2.0', ...ofCaller, 'CSeq: 2 BYE'])
    far.send(sent(ours, 'invite', callerDialog), fromNetwork('bye', callerDialog, bye))
    await expect(answering).rejects.toThrow()
    expect(heard).toEqual(['hung-up: normal'])
  })
})
