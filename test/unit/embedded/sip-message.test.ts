import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkMessage } from '../../../src/embedded/sip/check.ts'
import {
  field,
  header,
  headers,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  serialize,
  toBytes,
  toText,
} from '../../../src/embedded/sip/message.ts'

const lines = (...all: readonly string[]) => all.join('\r\n')

const invite = lines(
  'INVITE sip:bob@192.0.2.4 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9',
  'Max-Forwards: 70',
  'From: Alice <sip:alice@192.0.2.1>;tag=9fxced76sl',
  'To: Bob <sip:bob@192.0.2.4>',
  'Call-ID: 3848276298220188511@192.0.2.1',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@192.0.2.1>',
  'Content-Type: application/sdp',
  'Content-Length: 5',
  '',
  'v=0\r\n',
)

function request(text: string): SipRequest {
  const message = parseMessage(text)
  if (message.kind !== 'request') throw new Error(`expected a request, got ${message.kind}`)
  return message
}

describe('a message is read', () => {
  test('with its start line, headers and body', () => {
    const read = request(invite)
    expect(read).toMatchObject({ method: 'INVITE', uri: 'sip:bob@192.0.2.4', body: 'v=0\r\n' })
    expect(header(read, 'call-id')).toBe('3848276298220188511@192.0.2.1')
    expect(checkMessage(read)).toBeUndefined()
  })

  test('under its compact names, which keep their spelling', () => {
    const read = request(lines('OPTIONS sip:a@b SIP/2.0', 'v: one', 'i: two', 'o: dialog', '', ''))
    expect(headers(read, 'via')).toEqual(['one'])
    expect(header(read, 'call-id')).toBe('two')
    expect(header(read, 'event')).toBe('dialog')
    expect(serialize(read)).toContain('\r\nv: one\r\n')
  })

  test('with folded lines put together', () => {
    const read = request(lines('INFO sip:a@b SIP/2.0', 'Subject: one', ' two', '\tthree', '', ''))
    expect(header(read, 'subject')).toBe('one two three')
  })

  test('with all values of a header in order', () => {
    const read = request(lines('INFO sip:a@b SIP/2.0', 'Via: 1, 2', 'X: y', 'v: 3', '', ''))
    expect(headers(read, 'via')).toEqual(['1, 2', '3'])
  })

  test('with what follows the body cut off', () => {
    expect(request(`${invite}more that nobody asked for`).body).toBe('v=0\r\n')
  })

  test('with the rest as its body when nobody says how long it is', () => {
    expect(request(lines('INFO sip:a@b SIP/2.0', 'X: y', '', 'all of this')).body).toBe(
      'all of this',
    )
  })

  test('as a response, with or without a phrase', () => {
    expect(parseMessage('SIP/2.0 180 Ringing\r\nX: y\r\n\r\n')).toMatchObject({
      status: 180,
      reason: 'Ringing',
    })
    expect(parseMessage('SIP/2.0 200 \r\nX: y\r\n\r\n')).toMatchObject({ status: 200, reason: '' })
    expect(parseMessage('SIP/2.0 200\r\nX: y\r\n\r\n')).toMatchObject({ status: 200, reason: '' })
  })

  test('byte for byte, whatever the bytes are', () => {
    const name = '"Ünïcode 电话 \u{1f4de}" <sip:a@b>'
    const read = request(lines('INFO sip:a@b SIP/2.0', `From: ${toBytes(name)}`, '', ''))
    expect(toText(header(read, 'from') ?? '')).toBe(name)
    expect(serialize(read)).toContain(toBytes(name))
  })
})

describe('a message is refused', () => {
  test.each([
    ['Content-Length: 6', 'Content-Length Beyond Message'],
    ['Content-Length: -5', 'Bad Content-Length'],
    ['Content-Length: five', 'Bad Content-Length'],
    ['Content-Length: 5\r\nl: 4', 'Conflicting Content-Length'],
    ['no colon here', 'bad header line'],
    ['Bad Name: x', 'bad header line'],
    [': x', 'bad header line'],
  ])('with the line %j', (line, reason) => {
    const read = parseMessage(invite.replace('Content-Length: 5', line))
    expect(read).toMatchObject({ kind: 'malformed', reason, status: 400 })
  })

  test('when its headers do not end, and is still known as a request', () => {
    const read = parseMessage(invite.slice(0, 200))
    expect(read).toMatchObject({ kind: 'malformed', request: { method: 'INVITE' } })
  })

  test('when it floods us with headers', () => {
    const flood = `X: y\r\n`.repeat(10_000)
    const read = parseMessage(`OPTIONS sip:a@b SIP/2.0\r\n${flood}\r\n`)
    expect(read).toMatchObject({ kind: 'malformed', reason: 'Too Many Headers' })
  })

  test('when it is larger than any message may be', () => {
    const read = parseMessage(`OPTIONS sip:a@b SIP/2.0\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`)
    expect(read).toMatchObject({ kind: 'malformed', status: 513 })
  })

  test.each(['', '\0', 'hello', 'GET / HTTP/1.1\r\n\r\n', 'SIP/2.0 99 Low\r\n\r\n'])(
    'without a word when it is no SIP at all: %j',
    (text) => {
      expect(parseMessage(text)).toMatchObject({ kind: 'malformed', request: undefined })
    },
  )
})

describe('what must be in every message', () => {
  test.each([
    ['Via', 'Bad Via'],
    ['From', 'Missing Or Repeated from'],
    ['To', 'Missing Or Repeated to'],
    ['Call-ID', 'Missing Or Repeated call-id'],
    ['CSeq', 'Missing Or Repeated cseq'],
  ])('without %s it is no message', (name, reason) => {
    const without = invite.replace(new RegExp(`^${name}: .*\r\n`, 'm'), '')
    expect(checkMessage(request(without))).toEqual({ status: 400, reason })
  })

  test.each([
    ['CSeq: 1 INVITE', 'CSeq: 1 OPTIONS', 'CSeq Method Mismatch'],
    ['CSeq: 1 INVITE', 'CSeq: INVITE', 'Bad CSeq'],
    ['CSeq: 1 INVITE', 'CSeq: 36893488147419103232 INVITE', 'Bad CSeq'],
    ['Max-Forwards: 70', 'Max-Forwards: 300', 'Bad Max-Forwards'],
    ['Max-Forwards: 70', 'Max-Forwards: many', 'Bad Max-Forwards'],
    ['To: Bob <sip:bob@192.0.2.4>', 'To: "Bob <sip:bob@192.0.2.4>', 'Bad to'],
    ['To: Bob <sip:bob@192.0.2.4>', 'To: "Watson" < t.watson@example.org >', 'Bad to'],
    ['To: Bob <sip:bob@192.0.2.4>', 'To: Bell, Alexander <sip:bell@example.com>', 'Bad to'],
    ['To: Bob <sip:bob@192.0.2.4>', 'To: <sip:bob@192.0.2.4', 'Bad to'],
  ])('%j written as %j', (good, bad, reason) => {
    expect(checkMessage(request(invite.replace(good, bad)))).toEqual({ status: 400, reason })
  })

  test('an unknown scheme in the request URI has an answer of its own', () => {
    const strange = invite.replace('sip:bob@192.0.2.4 SIP', 'nobodyKnowsThis:bob SIP')
    expect(checkMessage(request(strange))?.status).toBe(416)
  })
})

describe('any message', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/)
  const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
  const body = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all).toString('latin1'))
  const named = fc
    .tuple(token, value)
    .map(([name, text]) => field(name, text))
    .filter(({ key }) => key !== 'content-length')
  const someHeaders = fc.array(named, { maxLength: 20 })
  const someRequest: fc.Arbitrary<SipMessage> = fc
    .record({ method: token, user: token, headers: someHeaders, body })
    .map(({ method, user, ...rest }): SipRequest => {
      return { kind: 'request', method, uri: `sip:${user}@host`, ...rest }
    })
  const someResponse: fc.Arbitrary<SipMessage> = fc
    .record({
      status: fc.integer({ min: 100, max: 699 }),
      reason: value,
      headers: someHeaders,
      body,
    })
    .map((all): SipResponse => ({ kind: 'response', ...all }))

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(someRequest, someResponse), (message) => {
        const read = parseMessage(serialize(message))
        if (read.kind === 'malformed') throw new Error(read.reason)
        const kept = read.headers.filter((each) => each.key !== 'content-length')
        expect({ ...read, headers: kept }).toEqual(message)
      }),
    )
  })

  test('cut, doubled or scratched anywhere, is read or refused but never harms', () => {
    const wound = fc.record({
      at: fc.nat(invite.length),
      drop: fc.nat(20),
      insert: fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('\r\n', ':', '<', '"', '\0')),
    })
    fc.assert(
      fc.property(fc.array(wound, { minLength: 1, maxLength: 8 }), (wounds) => {
        let text = invite
        for (const { at, drop, insert } of wounds) {
          text = text.slice(0, at) + insert + text.slice(at + drop)
        }
        const read = parseMessage(text)
        if (read.kind !== 'malformed') checkMessage(read)
      }),
      { numRuns: 2000 },
    )
  })

  test('made of nothing but noise is never a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (noise) => {
        expect(parseMessage(Buffer.from(noise).toString('latin1')).kind).toBe('malformed')
      }),
    )
  })
})
