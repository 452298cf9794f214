import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClientTransaction } from '../../../src/embedded/sip/client-transaction.ts'
import { responseTo } from '../../../src/embedded/sip/matching.ts'
import {
  header,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serialize,
} from '../../../src/embedded/sip/message.ts'
import { ServerTransaction } from '../../../src/embedded/sip/server-transaction.ts'
import { standardTimers } from '../../../src/embedded/sip/timers.ts'
import type { Peer, TransportName } from '../../../src/embedded/sip/transport.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const timers = standardTimers
const started = () => performance.now()

function aRequest(method: string): SipRequest {
  const read = parseMessage(
    [
      `${method} sip:bob@192.0.2.4 SIP/2.0`,
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
      'Max-Forwards: 70',
      'Route: <sip:192.0.2.9;lr>',
      'From: <sip:alice@192.0.2.1>;tag=a',
      'To: <sip:bob@192.0.2.4>',
      'Call-ID: one',
      `CSeq: 7 ${method}`,
      '',
      '',
    ].join('\r\n'),
  )
  if (read.kind !== 'request') throw new Error('not a request')
  return read
}

/** What went out, with the time since the start in seconds. Each alarm waits a tick longer to read first. */
function createWire() {
  const from = started()
  const sent: { readonly at: number; readonly bytes: string }[] = []
  return {
    sent,
    send: (bytes: string) =>
      void sent.push({ at: Math.round((started() - from) / 100) / 10, bytes }),
    times: (startsWith: string) =>
      sent.filter(({ bytes }) => bytes.startsWith(startsWith)).map(({ at }) => at),
  }
}

function client(method: string, transport: TransportName = 'udp') {
  const request = aRequest(method)
  const peer: Peer = { transport, host: '192.0.2.4', port: 5060 }
  const wire = createWire()
  const seen: (number | string)[] = []
  const transaction = new ClientTransaction({
    request,
    bytes: serialize(request),
    peer,
    timers,
    send: wire.send,
    onResponse: (response) => void seen.push(response.status),
    onFailure: (why) => void seen.push(why),
    onOver: () => void seen.push('over'),
  })
  transaction.start()
  const answer = (status: number, tag = 'b') =>
    transaction.receive(responseTo(request, { status, reason: 'x', tag }), peer)
  return { transaction, wire, seen, answer }
}

function server(method: string, transport: TransportName = 'udp') {
  const request = aRequest(method)
  const peer: Peer = { transport, host: '192.0.2.1', port: 5060 }
  const wire = createWire()
  const seen: string[] = []
  const transaction = new ServerTransaction({
    request,
    peer,
    replyTo: peer,
    timers,
    send: wire.send,
    onOver: () => void seen.push('over'),
  })
  const respond = (status: number) =>
    transaction.respond(responseTo(request, { status, reason: 'x', tag: 'b' })) !== undefined
  return { transaction, wire, seen, respond }
}

const seconds = (count: number) => vi.advanceTimersByTime(count * 1000)

describe('an INVITE of ours', () => {
  test('is repeated at doubling intervals and given up after 32 s (timers A and B)', () => {
    const { wire, seen } = client('INVITE')
    seconds(40)
    expect(wire.times('INVITE')).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5])
    expect(seen).toEqual(['over', 'timeout'])
  })

  test('is sent once only over a stream', () => {
    const { wire, seen } = client('INVITE', 'tcp')
    seconds(40)
    expect(wire.times('INVITE')).toEqual([0])
    expect(seen).toEqual(['over', 'timeout'])
  })

  test('may ring as long as it likes', () => {
    const { wire, seen, answer, transaction } = client('INVITE')
    answer(180)
    seconds(600)
    expect(wire.times('INVITE')).toEqual([0])
    expect(seen).toEqual([180])
    transaction.abandon()
  })

  test('refused, is acknowledged, and again each time the refusal comes (timer D)', () => {
    const { wire, seen, answer } = client('INVITE')
    answer(100)
    answer(486)
    answer(486)
    seconds(31)
    answer(486)
    expect(wire.times('ACK')).toEqual([0, 0, 31])
    expect(seen).toEqual([100, 486])
    seconds(2)
    expect(seen).toEqual([100, 486, 'over'])
  })

  test('refused, is acknowledged with the same Via, Route and number, and with their tag', () => {
    const { wire, answer } = client('INVITE')
    answer(404)
    const ack = parseMessage(wire.sent.at(-1)?.bytes ?? '')
    if (ack.kind !== 'request') throw new Error('no ACK')
    expect(ack.uri).toBe('sip:bob@192.0.2.4')
    expect(header(ack, 'via')).toBe('SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1')
    expect(header(ack, 'route')).toBe('<sip:192.0.2.9;lr>')
    expect(header(ack, 'cseq')).toBe('7 ACK')
    expect(header(ack, 'to')).toBe('<sip:bob@192.0.2.4>;tag=b')
    seconds(33)
  })

  test('answered, hands every further 2xx up and acknowledges none itself (RFC 6026)', () => {
    const { wire, seen, answer } = client('INVITE')
    answer(200)
    answer(200)
    answer(200, 'another')
    answer(486)
    expect(seen).toEqual([200, 200, 200])
    expect(wire.times('ACK')).toEqual([])
    seconds(33)
    expect(seen.at(-1)).toBe('over')
  })

  test('fails at once when nobody is there', () => {
    const { transaction, seen } = client('INVITE')
    transaction.unreachable()
    expect(seen).toEqual(['over', 'unreachable'])
  })
})

describe('another request of ours', () => {
  test('is repeated at intervals of at most T2 and given up after 32 s (timers E and F)', () => {
    const { wire, seen } = client('OPTIONS')
    seconds(40)
    expect(wire.times('OPTIONS')).toEqual([
      0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ])
    expect(seen).toEqual(['over', 'timeout'])
  })

  test('is repeated every T2 once a provisional was heard', () => {
    const { wire, answer } = client('OPTIONS')
    answer(100)
    seconds(10)
    expect(wire.times('OPTIONS')).toEqual([0, 0.5, 4.5, 8.5])
    answer(200)
    seconds(6)
  })

  test('absorbs repeated answers for T4 (timer K)', () => {
    const { seen, answer } = client('BYE')
    answer(200)
    answer(200)
    seconds(4.9)
    expect(seen).toEqual([200])
    seconds(0.2)
    expect(seen).toEqual([200, 'over'])
  })

  test('over a stream is over with its answer', () => {
    const { seen, answer } = client('BYE', 'tcp')
    answer(200)
    expect(seen).toEqual(['over', 200])
  })
})

describe('an INVITE of theirs', () => {
  test('refused, is refused again until the ACK comes (timers G and I)', () => {
    const { transaction, wire, seen, respond } = server('INVITE')
    respond(100)
    respond(486)
    seconds(8)
    expect(wire.times('SIP/2.0 486')).toEqual([0, 0.5, 1.5, 3.5, 7.5])
    expect(transaction.acked()).toBe(true)
    seconds(4.9)
    expect(seen).toEqual([])
    seconds(0.2)
    expect(wire.times('SIP/2.0 486')).toHaveLength(5)
    expect(seen).toEqual(['over'])
  })

  test('refused, is given up after 32 s without an ACK (timer H)', () => {
    const { wire, seen, respond } = server('INVITE')
    respond(486)
    seconds(31.9)
    expect(seen).toEqual([])
    seconds(0.2)
    expect(seen).toEqual(['over'])
    expect(wire.times('SIP/2.0 486')).toEqual([
      0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ])
  })

  test('repeated, gets the last answer again', () => {
    const { transaction, wire, respond } = server('INVITE')
    respond(100)
    respond(183)
    transaction.repeated()
    expect(wire.times('SIP/2.0 183')).toHaveLength(2)
    respond(486)
    transaction.repeated()
    expect(wire.times('SIP/2.0 486')).toHaveLength(2)
    transaction.acked()
    transaction.repeated()
    expect(wire.times('SIP/2.0 486')).toHaveLength(2)
    seconds(6)
  })

  test('answered, absorbs its repetitions and leaves the ACK to the dialog (timer L)', () => {
    const { transaction, wire, seen, respond } = server('INVITE')
    respond(200)
    transaction.repeated()
    expect(wire.times('SIP/2.0 200')).toHaveLength(1)
    expect(transaction.acked()).toBe(false)
    seconds(33)
    expect(seen).toEqual(['over'])
  })

  test('takes one final answer only', () => {
    const { wire, respond } = server('INVITE')
    expect([respond(180), respond(486), respond(200), respond(180)]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(wire.sent).toHaveLength(2)
    seconds(33)
  })
})

describe('another request of theirs', () => {
  test('repeated, gets its answer again for 32 s (timer J)', () => {
    const { transaction, wire, seen, respond } = server('BYE')
    transaction.repeated()
    expect(wire.sent).toHaveLength(0)
    respond(200)
    transaction.repeated()
    expect(wire.sent).toHaveLength(2)
    seconds(31.9)
    expect(seen).toEqual([])
    seconds(0.2)
    expect(seen).toEqual(['over'])
  })

  test('over a stream is over with its answer', () => {
    const { seen, respond } = server('BYE', 'tcp')
    respond(200)
    expect(seen).toEqual(['over'])
  })
})

test('a response that opens a dialog copies the route, one that refuses does not', () => {
  const request = { ...aRequest('INVITE') }
  const routed: SipRequest = {
    ...request,
    headers: [
      ...request.headers,
      { name: 'Record-Route', key: 'record-route', value: '<sip:p;lr>' },
    ],
  }
  const route = (status: number): string | undefined => {
    const response: SipResponse = responseTo(routed, { status, reason: 'x' })
    return header(response, 'record-route')
  }
  expect([route(180), route(200), route(486)]).toEqual(['<sip:p;lr>', '<sip:p;lr>', undefined])
})
