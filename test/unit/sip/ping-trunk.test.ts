import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Trunk } from '../../../src/domain/trunk.ts'
import type { SipRequest } from '../../../src/sip/drachtio.ts'
import { pingTrunk } from '../../../src/sip/ping-trunk.ts'
import { trunkId } from '../../support/builders.ts'
import { anSrf, aRequest, aResponse, settled } from './a-sip-world.ts'

const trunk: Trunk = {
  ...{ id: trunkId('carrier'), host: '2001:db8::9', port: 5062, transport: 'tcp', addresses: [] },
  ...{ priority: 1, numberFormat: 'e164-plus', trustsIdentity: false, enabled: true },
  optionsSeconds: 30,
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

type Sent = { method: string; uri: string; headers: Record<string, string> }

/** A SIP server that a test answers for. */
function aServer(up = true) {
  const world = anSrf()
  const sent: { options: Sent; done: (err: unknown, request?: SipRequest) => void }[] = []
  const client = world.srf._app.client as unknown as {
    request(options: Sent, done: (err: unknown, request?: SipRequest) => void): void
  }
  client.request = (options, done) => void sent.push({ options, done })
  const out = () => {
    const { request } = aRequest()
    sent.at(-1)?.done(null, request)
    return request
  }
  return {
    server: { srf: world.srf, up, onLost: world.onServerLost },
    sent,
    lose: world.lose,
    pending: world.pending,
    listeners: world.listeners,
    out,
    answer: (status: number) => out().emit('response', aResponse(status).response),
    /** The SIP server itself does not take it. */
    fail: () => sent.at(-1)?.done(new Error('no route')),
  }
}

describe('an OPTIONS to a trunk', () => {
  test('goes to its address, with nobody in it', () => {
    const { server, sent } = aServer()
    void pingTrunk([server], trunk)
    expect(sent.map(({ options }) => options)).toMatchObject([
      { method: 'OPTIONS', uri: 'sip:[2001:db8::9]:5062;transport=tcp' },
    ])
    expect(JSON.stringify(sent[0]?.options)).not.toMatch(/\d{6}/)
  })

  test.each([200, 403, 404, 405, 481, 500, 501])(
    'that is answered by %i shows that it is there',
    async (status) => {
      const { server, answer, listeners } = aServer()
      const answered = pingTrunk([server], trunk)
      answer(status)
      expect(await answered).toBe(true)
      expect(listeners()).toBe(0)
    },
  )

  test.each([408, 503])(
    'that is answered by %i is not: the SIP server makes these itself',
    async (status) => {
      const { server, answer } = aServer()
      const answered = pingTrunk([server], trunk)
      answer(status)
      expect(await answered).toBe(false)
    },
  )

  test('that nobody answers is given up after six seconds, and forgotten once nothing can come any more', async () => {
    const { server, out, pending } = aServer()
    const answered = pingTrunk([server], trunk)
    out().emit('response', aResponse(100).response)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await answered).toBe(false)
    expect(pending.size).toBe(1)
    await vi.advanceTimersByTimeAsync(64_000)
    expect(pending.size).toBe(0)
  })

  test('that the SIP server does not take is no answer', async () => {
    const { server, fail } = aServer()
    const answered = pingTrunk([server], trunk)
    fail()
    expect(await answered).toBe(false)
  })

  test('says nothing when the SIP server is lost meanwhile, or was not there', async () => {
    const { server, lose } = aServer()
    const answered = pingTrunk([server], trunk)
    lose()
    expect(await answered).toBeUndefined()
    expect(await pingTrunk([aServer(false).server], trunk)).toBeUndefined()
  })

  test('goes over every SIP server that is there, and each has to be answered', async () => {
    const [first, second, away] = [aServer(), aServer(), aServer(false)]
    const answered = pingTrunk([first.server, second.server, away.server], trunk)
    first.answer(200)
    second.answer(503)
    await settled()
    expect(await answered).toBe(false)
    expect(away.sent).toEqual([])
  })
})
