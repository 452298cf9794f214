import { describe, expect, test } from 'vitest'
import { checkMessage } from '../../../src/embedded/sip/check.ts'
import { header, headers, parseMessage, toBytes } from '../../../src/embedded/sip/message.ts'
import { parseAddress, parseUri, parseVia, tagOf } from '../../../src/embedded/sip/uri.ts'

/**
 * The ideas of RFC 4475, each as a message of our own. `base` is a plain request; each test says what is
 * strange about its own.
 */
function message(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const base: Record<string, string | undefined> = {
    start: 'OPTIONS sip:services.example.com SIP/2.0',
    To: '<sip:user@example.com>',
    From: '<sip:caller@example.net>;tag=33242',
    'Max-Forwards': '70',
    'Call-ID': 'torture.0ha0isndaksdj@192.0.2.1',
    CSeq: '8 OPTIONS',
    Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw',
    'Content-Length': '0',
    body: '',
  }
  const { start, body, ...fields } = { ...base, ...changes }
  const head = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
  return `${[start, ...head].join('\r\n')}\r\n\r\n${body}`
}

/** 0: fine. Otherwise the status with which it is refused; 'dropped' where no answer is possible. */
function verdict(text: string): number | 'dropped' {
  const read = parseMessage(toBytes(text))
  if (read.kind === 'malformed') return read.request === undefined ? 'dropped' : read.status
  const fault = checkMessage(read)
  if (fault === undefined) return 0
  return read.kind === 'response' ? 'dropped' : fault.status
}

describe('strange but right (RFC 4475 3.1.1)', () => {
  test('white space wherever it is allowed', () => {
    const text = [
      'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0',
      'TO :',
      ' sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n',
      'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
      '  ;',
      '  tag = 98asjd8',
      'MaX-fOrWaRdS: 0068',
      'Call-ID: wsinv.ndaksdj@192.0.2.1',
      'Content-Length   : 150',
      'cseq: 0009',
      '  INVITE',
      'Via  : SIP  /   2.0',
      ' /UDP',
      '    192.0.2.2;branch=390skdjuw',
      's :',
      'NewFangledHeader:   newfangled value',
      ' continued newfangled value',
      'UnknownHeaderWithUnusualValue: ;;,,;;,;',
      'Content-Type: application/sdp',
      'Route:',
      ' <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
      'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
      '  branch  =   z9hG4bK9ikj8  ,',
      ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
      ' z9hG4bK30239',
      'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
      '      newvalue ;',
      '  secondparam ; q = 0.33',
      '',
      'x'.repeat(150),
    ].join('\r\n')
    const read = parseMessage(text)
    if (read.kind !== 'request') throw new Error('not read')
    expect(checkMessage(read)).toBeUndefined()
    expect(tagOf(header(read, 'to') ?? '')).toBe('1918181833n')
    expect(tagOf(header(read, 'from') ?? '')).toBe('98asjd8')
    expect(parseVia(header(read, 'via') ?? '')).toMatchObject({
      transport: 'udp',
      host: '192.0.2.2',
      branch: '390skdjuw',
    })
    expect(parseVia(headers(read, 'via')[1] ?? '')?.branch).toBe('z9hG4bK9ikj8')
    expect(parseAddress(header(read, 'contact') ?? '')?.uri).toBe('sip:jdrosen@example.com')
    expect(read.body).toHaveLength(150)
  })

  test.each([
    [
      'a method of odd characters',
      {
        start: `!interesting-Method0123456789_*+\`.%indeed'~ sip:1_unusual.URI~(to-be!sure)@example.com SIP/2.0`,
        CSeq: "139122385 !interesting-Method0123456789_*+`.%indeed'~",
        From: '"A fine name" <sip:mundane@example.com>;tag=_token~1\'+`*%!-.',
      },
    ],
    [
      'escapes in the URI',
      {
        start: 'INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0',
        CSeq: '1 INVITE',
        To: 'sip:%75se%72@example.com',
      },
    ],
    ['escaped nulls', { To: '<sip:null-%00-null@example.com>' }],
    [
      'a percent sign that escapes nothing',
      { start: 'RE%47IST%45R sip:registrar.example.com SIP/2.0', CSeq: '1 RE%47IST%45R' },
    ],
    ['no space between name and bracket', { From: 'caller<sip:caller@example.com>;tag=323' }],
    [
      'very long values',
      {
        To: `"I have a user name of ${'extreme'.repeat(60)} proportion" <sip:user@example.com>`,
        'Unknown-LongLong-Header': 'long'.repeat(3000),
        Via: Array.from({ length: 60 }, (_, n) => `SIP/2.0/TCP sip${n}.example.com`).join(', '),
      },
    ],
    [
      'a semicolon in the user part',
      { start: 'OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0' },
    ],
    [
      'transports that we do not know',
      { Via: 'SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bK0c, SIP/2.0/SCTP t2.example.com' },
    ],
    ['no branch, as in RFC 2543', { Via: 'SIP/2.0/UDP iftgw.example.com' }],
    ['no hops left', { 'Max-Forwards': '0' }],
    ['a date in a strange zone', { Date: 'Fri, 01 Jan 2010 16:00:00 EST' }],
    [
      'an extension that it requires',
      { Require: 'nothingSupportsThis, nothingSupportsThisEither' },
    ],
    ['a content type that nobody reads', { 'Content-Type': 'application/unknownformat' }],
    ['parameters of an unknown authorisation', { Authorization: 'NoOneKnowsThisScheme opaque=1' }],
  ])('%s', (_name, changes) => {
    expect(verdict(message(changes))).toBe(0)
  })

  test('a semicolon in the user part stays there', () => {
    expect(parseUri('sip:user;par=u%40example.net@example.com')).toMatchObject({
      user: 'user;par=u%40example.net',
      host: 'example.com',
    })
  })

  test('more bytes after the end are not looked at', () => {
    expect(verdict(`${message()}INVITE sip:joe@example.com SIP/2.0\r\nt: sip:x\r\n\r\n`)).toBe(0)
  })

  test('binary parts of a body go through', () => {
    const body = 'x\0\u00ff\r\n\r\n--boundary'
    const text = message({ 'Content-Length': '17', body })
    expect(parseMessage(text)).toMatchObject({ body })
  })

  test('a phrase in another script, and none', () => {
    const response = (phrase: string) =>
      message({ start: `SIP/2.0 200 ${phrase}`, CSeq: '35 INVITE' })
    expect(verdict(response('= 2**3 * 5**2 но сто девяносто девять - простое'))).toBe(0)
    expect(verdict(response(''))).toBe(0)
  })
})

describe('wrong, and refused (RFC 4475 3.1.2)', () => {
  test.each([
    ['separators without values', { Via: 'SIP/2.0/UDP 192.0.2.15;;,;,,' }, 0],
    ['no Via value at all', { Via: ';;,;,,' }, 400],
    ['a body shorter than it says', { 'Content-Length': '9999', body: 'short' }, 400],
    ['a negative length', { 'Content-Length': '-999' }, 400],
    ['a CSeq beyond all bounds', { CSeq: '36893488147419103232 OPTIONS' }, 400],
    ['Max-Forwards beyond all bounds', { 'Max-Forwards': '300' }, 400],
    ['a quote that is not closed', { To: '"Mr. J. User <sip:j.user@example.com>' }, 400],
    ['brackets around the request URI', { start: 'OPTIONS <sip:user@example.com> SIP/2.0' }, 400],
    ['a space in the request URI', { start: 'OPTIONS sip:user@example.com; lr SIP/2.0' }, 400],
    ['more than one space', { start: 'OPTIONS  sip:user@example.com  SIP/2.0' }, 400],
    ['a space at the end of the line', { start: 'OPTIONS sip:user@example.com SIP/2.0  ' }, 400],
    ['an unquoted display name', { From: 'Bell, Alexander <sip:bell@example.com>;tag=43' }, 400],
    ['an address without a scheme', { To: '"Watson, Thomas" < t.watson@example.org >' }, 400],
    ['another version', { start: 'OPTIONS sip:t.watson@example.org SIP/7.0' }, 505],
    ['two methods', { CSeq: '8 INVITE' }, 400],
    ['a scheme that nobody knows', { start: 'OPTIONS nobodyKnowsThisScheme:x SIP/2.0' }, 416],
    ['a scheme from elsewhere', { start: 'OPTIONS http://example.com SIP/2.0' }, 416],
    ['no Call-ID', { 'Call-ID': undefined }, 400],
    ['no From', { From: undefined }, 400],
    ['no To', { To: undefined }, 400],
    ['an empty Call-ID', { 'Call-ID': '' }, 400],
    ['no Via', { Via: undefined }, 400],
    ['two of what there can be only one of', { f: '<sip:other@example.net>;tag=1' }, 400],
    ['two lengths', { l: '5' }, 400],
  ])('%s', (_name, changes, status) => {
    expect(verdict(message(changes))).toBe(status)
  })

  test.each([
    ['a status beyond all bounds', { start: 'SIP/2.0 4294967301 better not break the receiver' }],
    [
      'a CSeq beyond all bounds',
      { start: 'SIP/2.0 503 No', CSeq: '9292394834772304023312 OPTIONS' },
    ],
    ['no Call-ID', { start: 'SIP/2.0 200 OK', 'Call-ID': undefined }],
  ])('a response with %s is dropped', (_name, changes) => {
    expect(verdict(message(changes))).toBe('dropped')
  })
})
