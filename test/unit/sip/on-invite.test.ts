import { describe, expect, test, vi } from 'vitest'
import type { CallAttempt } from '../../../src/domain/call.ts'
import type { HangupReason } from '../../../src/domain/hangup.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { createInviteHandler } from '../../../src/sip/on-invite.ts'
import type { SipServer } from '../../../src/sip/servers.ts'
import { trunkId } from '../../support/builders.ts'
import { anSrf, aRequest, aResponse, settled, silent } from './a-sip-world.ts'

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

const usual = {
  From: '<sip:+8613800000001@192.0.2.1>;tag=theirs',
  To: '<sip:+8617000000001@192.0.2.10>',
  'Call-ID': 'call',
  CSeq: '1 INVITE',
  Contact: '<sip:192.0.2.1>',
}

type Given = {
  headers?: Record<string, string | undefined>
  body?: string
  uri?: string
  source?: string
  refusal?: 'draining' | 'over-limit' | 'unrecordable'
  fails?: boolean
}

/** One INVITE comes in; what is done about it. */
async function invite(given: Given = {}) {
  const calls: { attempt: CallAttempt; refusal: HangupReason | undefined }[] = []
  const onStranger = vi.fn()
  const { srf, onServerLost } = anSrf()
  const handle = createInviteHandler({
    trunkBySource: (address) => (address === '192.0.2.1' ? trunk : undefined),
    parser: createNumberParser({ country: 'CN' }),
    admission: { refusal: () => given.refusal, startDraining: () => undefined, draining: false },
    now: () => new Date('2026-11-24T08:00:00Z'),
    log: silent,
    run: async (attempt, _leg, _server, refusal) => {
      calls.push({ attempt, refusal })
      if (given.fails === true) throw new Error('a fault of ours')
    },
    onStranger,
  })
  const headers = Object.entries({ ...usual, ...given.headers }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const { request } = aRequest(Object.fromEntries(headers), given.body ?? '', {
    uri: given.uri ?? 'sip:+8617000000001@192.0.2.10',
    source_address: given.source ?? '192.0.2.1',
  })
  const answer = aResponse()
  handle({ srf, onLost: onServerLost } as unknown as SipServer, request, answer.response)
  await settled()
  return { calls, onStranger, ...answer }
}

describe('an INVITE of a trunk', () => {
  test('is a call attempt, run and not answered yet', async () => {
    const { calls, sent } = await invite()
    expect(calls).toMatchObject([
      {
        attempt: { trunkId: 'carrier', dialled: '+8617000000001' },
        refusal: undefined,
      },
    ])
    expect(String(calls[0]?.attempt.caller)).toBe('138****0001')
    expect(sent).toEqual([])
  })

  test('says which extension was dialled', async () => {
    const { calls } = await invite({ uri: 'sip:+8617000000001,12@192.0.2.10' })
    expect(calls).toMatchObject([{ attempt: { dialled: '+8617000000001', extension: '12' } }])
    const { calls: without } = await invite()
    expect(without).toMatchObject([{ attempt: { extension: undefined } }])
  })

  test.each(['draining', 'over-limit'] as const)(
    'while %s is run to be recorded',
    async (refusal) => {
      const { calls } = await invite({ refusal })
      expect(calls).toMatchObject([{ refusal }])
    },
  )

  test('is refused without a trace when nothing can be written down', async () => {
    const { calls, sent } = await invite({ refusal: 'unrecordable' })
    expect(calls).toEqual([])
    expect(sent).toMatchObject([{ status: 503 }])
  })

  test('whose call fails in a way that nobody planned for is answered all the same', async () => {
    const { statuses } = await invite({ fails: true })
    expect(statuses()).toEqual([500])
  })

  test.each([
    ['no Contact', { headers: { Contact: undefined } }, 400],
    ['an empty Contact', { headers: { Contact: '' } }, 400],
    ['a tag in To: a call that is no longer', { headers: { To: `${usual.To};tag=ours` } }, 481],
    ['no number dialled', { uri: 'sip:192.0.2.10' }, 484],
    ['a dialled word', { uri: 'sip:reception@192.0.2.10' }, 484],
    [
      'an SDP that is too long',
      { body: 'x'.repeat(6001), headers: { 'Content-Type': 'application/sdp' } },
      413,
    ],
    [
      'an SDP too long in bytes',
      { body: '字'.repeat(2001), headers: { 'Content-Type': 'application/sdp' } },
      413,
    ],
    [
      'a body that is no SDP',
      { body: '<xml/>', headers: { 'Content-Type': 'application/xml' } },
      415,
    ],
    ['a body of no type', { body: 'v=0' }, 415],
    [
      'a From too long in bytes',
      { headers: { From: `"${'字'.repeat(1400)}" ${usual.From}` } },
      400,
    ],
    ['an extension that we do not know', { headers: { Require: '100rel, precondition' } }, 420],
  ])('with %s: refused, and no call', async (_, given: Given, status) => {
    const { calls, statuses } = await invite(given)
    expect(statuses()).toEqual([status])
    expect(calls).toEqual([])
  })

  test('that requires what we do not know is told what, and nothing that it did not say', async () => {
    const { sent } = await invite({ headers: { Require: 'timer, x-y, <script>' } })
    expect(sent[0]?.headers).toEqual({ Unsupported: 'x-y, unknown' })
  })

  test('to somebody whose name looks like a tag is a call', async () => {
    const { calls } = await invite({ headers: { To: `"a;tag=b" ${usual.To}` } })
    expect(calls).toHaveLength(1)
  })

  test('that requires only what we know goes through', async () => {
    const { calls } = await invite({ headers: { Require: 'timer,100rel' } })
    expect(calls).toHaveLength(1)
  })
})

test('an INVITE of a stranger is told nothing, and counted', async () => {
  for (const given of [{}, { uri: 'sip:reception@192.0.2.10' }, { body: 'x' }]) {
    const { calls, sent, onStranger } = await invite({ ...given, source: '203.0.113.9' })
    expect(sent).toEqual([{ status: 403, headers: {}, body: undefined }])
    expect(onStranger).toHaveBeenCalledTimes(1)
    expect(calls).toEqual([])
  }
})
