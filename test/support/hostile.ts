/**
 * Messages that a careless or malicious peer sends, after the kinds that RFC 4475 describes, in words of
 * our own. None of them may disturb a good call; some get an answer, most do not matter.
 */
export type Hostile = {
  readonly name: string
  readonly bytes: Buffer
  /** drachtio server 0.9.10 ends with a segmentation fault: see docs/compatibility.md. */
  readonly endsRealServer?: true
}

let count = 0
/** No two messages are retransmissions of each other. */
const fresh = () => `${Date.now().toString(36)}${count++}`

type Parts = {
  readonly start?: string
  readonly without?: readonly string[]
  readonly change?: Readonly<Record<string, string>>
  readonly more?: readonly string[]
  readonly body?: string
  readonly length?: string
}

const sdp =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n'

/** An INVITE that is all right, except for what is asked for. */
function invite(parts: Parts = {}): Buffer {
  const id = fresh()
  const body = parts.body ?? sdp
  const headers: Record<string, string> = {
    Via: `SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${id};rport`,
    'Max-Forwards': '70',
    From: `<sip:+8613800000009@127.0.0.1>;tag=${id}`,
    To: '<sip:+8617099999999@127.0.0.1>',
    'Call-ID': `${id}@hostile`,
    CSeq: '1 INVITE',
    Contact: '<sip:+8613800000009@127.0.0.1:9>',
    'Content-Type': 'application/sdp',
    'Content-Length': parts.length ?? String(Buffer.byteLength(body)),
    ...parts.change,
  }
  const lines = Object.entries(headers)
    .filter(([name]) => parts.without?.includes(name) !== true)
    .map(([name, value]) => `${name}: ${value}`)
  const start = parts.start ?? 'INVITE sip:+8617099999999@127.0.0.1 SIP/2.0'
  return Buffer.from([start, ...lines, ...(parts.more ?? []), '', body].join('\r\n'), 'latin1')
}

const hostile = (name: string, bytes: Buffer): Hostile => ({ name, bytes })

export function hostileMessages(): Hostile[] {
  return [
    ...strangeButLegal(),
    ...brokenStartLines(),
    ...brokenHeaders(),
    ...brokenLengths(),
    ...outOfPlace(),
    ...brokenBodies(),
    ...floods(),
    ...truncated(),
    ...noise(),
  ]
}

function strangeButLegal(): Hostile[] {
  const id = fresh()
  const folded = [
    'iNvItE sip:+8617099999999@127.0.0.1;unknown-param SIP/2.0',
    'TO :\r\n <sip:+8617099999999@127.0.0.1>  ',
    `f: "Quote \\"d\\" caller"\t<sip:+8613800000009@127.0.0.1>\r\n\t; tag = ${id}`,
    'MaX-fOrWaRdS: 0068',
    `i: ${id}@hostile`,
    'cseq: 0009\r\n INVITE',
    `v:  SIP  / 2.0  / UDP  127.0.0.1:9 ;branch=z9hG4bK${id} ,`,
    ' SIP / 2.0 / TCP 192.0.2.9 ; branch = z9hG4bK30239',
    'NewFangledHeader:   newfangled value\r\n continued newfangled value',
    'UnknownHeaderWithUnusualValue: ;;,,;;,;',
    'm:"Quoted string \\"\\"" <sip:+8613800000009@127.0.0.1> ; newparam = newvalue',
    'Content-Length: 0',
    '',
    '',
  ]
  return [
    hostile('folded lines, compact names and blanks everywhere', Buffer.from(folded.join('\r\n'))),
    hostile(
      'escapes in the request URI',
      invite({ start: 'INVITE sip:%2B8617099999999@127.0.0.1 SIP/2.0' }),
    ),
    hostile(
      'an escaped NUL in From',
      invite({ change: { From: '<sip:null-%00-null@127.0.0.1>;tag=1' } }),
    ),
    hostile(
      'a percent sign that is no escape',
      invite({ start: 'INVITE sip:%zz%@127.0.0.1 SIP/2.0' }),
    ),
    hostile(
      'a semicolon in the user part',
      invite({ start: 'INVITE sip:user;par=u%40example.net@127.0.0.1 SIP/2.0' }),
    ),
    hostile(
      'octets after the body',
      Buffer.concat([invite(), Buffer.from('REGISTER sip:a SIP/2.0\r\n\r\n')]),
    ),
    hostile(
      'several transports in Via',
      invite({
        more: ['Via: SIP/2.0/UNKNOWN 1.2.3.4;branch=z9hG4bKx', 'Via: SIP/2.0/SCTP [::1]:5'],
      }),
    ),
    hostile(
      'a method made of odd characters',
      invite({
        start: "!interesting-Method0123456789_*+`.%indeed'~ sip:a@127.0.0.1 SIP/2.0",
        change: { CSeq: "1 !interesting-Method0123456789_*+`.%indeed'~" },
      }),
    ),
    hostile(
      'a request URI with a header in it',
      invite({ start: 'INVITE sip:+8617099999999@127.0.0.1?Route=%3Csip:127.0.0.9%3E SIP/2.0' }),
    ),
    hostile(
      'a scheme that nobody knows',
      invite({ start: 'INVITE soap.beep://192.0.2.103:3002 SIP/2.0' }),
    ),
    hostile('a tel URI', invite({ start: 'INVITE tel:+86-170-9999-9999 SIP/2.0' })),
    hostile(
      'an extension that nobody has',
      invite({ more: ['Require: nothingSupportsThis, norThis'] }),
    ),
    hostile('no hops left', invite({ change: { 'Max-Forwards': '0' } })),
    hostile(
      'an RFC 2543 message without branch and tags',
      invite({
        change: { Via: 'SIP/2.0/UDP 127.0.0.1:9', From: '<sip:+8613800000009@127.0.0.1>' },
      }),
    ),
    hostile(
      'a Via with the magic cookie alone',
      invite({ change: { Via: 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK' } }),
    ),
  ]
}

function brokenStartLines(): Hostile[] {
  return [
    'INVITE  sip:+8617099999999@127.0.0.1  SIP/2.0',
    'INVITE sip:+8617099999999@127.0.0.1 SIP/2.0  ',
    'INVITE <sip:+8617099999999@127.0.0.1> SIP/2.0',
    'INVITE sip:user@127.0.0.1; lr SIP/2.0',
    'INVITE sip:+8617099999999@127.0.0.1 SIP/7.0',
    'INVITE sip:+8617099999999@127.0.0.1',
    'INVITE',
    ' ',
    'SIP/2.0',
    'INVITE sip:@ SIP/2.0',
    'INVITE sip: SIP/2.0',
    `INVITE sip:${'9'.repeat(3000)}@127.0.0.1 SIP/2.0`,
    'INVITE sip:+8617099999999@127.0.0.1:99999999999 SIP/2.0',
    'INVITE sip:[::1 SIP/2.0',
    'SIP/2.0 4294967301 better not break the receiver',
    'SIP/2.0 200',
    'SIP/2.0 099 too low',
    'HTTP/1.1 200 OK',
    'GET / HTTP/1.1',
  ].map((start) => hostile(`start line '${start.slice(0, 50)}'`, invite({ start })))
}

function brokenHeaders(): Hostile[] {
  const changes: [string, Record<string, string>][] = [
    ['an unfinished quoted string', { To: '"Mr. J. User <sip:j.user@example.com>' }],
    [
      'numbers beyond 64 bits',
      { CSeq: '36893488147419103232 INVITE', 'Max-Forwards': '3000000000' },
    ],
    ['a CSeq of another method', { CSeq: '1 BYE' }],
    ['a CSeq without method', { CSeq: '1' }],
    ['a negative CSeq', { CSeq: '-1 INVITE' }],
    ['no value anywhere', { Via: '', From: '', To: '', 'Call-ID': '', CSeq: '' }],
    ['separators without values', { Via: ';;;,;,,', Contact: ',,,<>' }],
    ['an angle bracket that never closes', { From: '<sip:a@b;tag=1' }],
    ['a Via to the broadcast address', { Via: 'SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbc' }],
    ['a Via to port 0', { Via: 'SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bKp0' }],
    ['a Via to a name that is none', { Via: 'SIP/2.0/UDP no..name...invalid;branch=z9hG4bKnn' }],
    [
      'bytes above 127 in every value',
      { From: '<sip:\xff\xfe\x80@127.0.0.1>;tag=\xff', 'Call-ID': '\xff\xfe' },
    ],
    ['control characters', { From: '<sip:a\x01\x02\x07@127.0.0.1>;tag=\x1b' }],
    ['a NUL in a value', { Contact: '<sip:a\x00b@127.0.0.1>' }],
    ['quotes within quotes', { From: `${'"'.repeat(501)}<sip:a@b>;tag=1` }],
    ['a thousand brackets', { From: `${'<'.repeat(1000)}${'>'.repeat(1000)}` }],
    [
      'our own answer as Via',
      { Via: 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKloop;received=127.0.0.1' },
    ],
    [
      'a meta line for the application',
      { From: '"x|sip|network|1|udp|" <sip:a|b@127.0.0.1>;tag=1|2' },
    ],
    ['a header smuggled with a lone line feed', { To: '<sip:a@127.0.0.1>\nX-Smuggled: yes' }],
  ]
  const star = invite({ change: { Contact: '*' } })
  const missing = ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Contact']
  return [
    ...changes.map(([name, change]) => hostile(name, invite({ change }))),
    { name: 'a bare star as Contact', bytes: star, endsRealServer: true },
    ...missing.map((name) => hostile(`no ${name}`, invite({ without: [name] }))),
    hostile(
      'two of each',
      Buffer.from(
        invite()
          .toString('latin1')
          .replace(/^((?:From|To|Call-ID|CSeq|Contact|Max-Forwards): .*\r\n)/gm, '$1$1'),
        'latin1',
      ),
    ),
    hostile('a line without colon', invite({ more: ['this is no header at all'] })),
    hostile('a line of blanks', invite({ more: ['     '] })),
    hostile('a name of blanks', invite({ more: ['   : value', ': value'] })),
  ]
}

function brokenLengths(): Hostile[] {
  return [
    ['-999', 'a negative length'],
    ['9999', 'a length beyond the end'],
    ['99999999999999999999', 'a length beyond all numbers'],
    ['1e9', 'a length in other notation'],
    ['10', 'a length within the body'],
    ['0', 'no length though there is a body'],
    ['', 'an empty length'],
    ['12, 12', 'two lengths'],
  ].map(([length = '', name = '']) => hostile(name, invite({ length })))
}

/** Good in themselves, but belonging to nothing that there is. */
function outOfPlace(): Hostile[] {
  const methods = [
    'ACK',
    'BYE',
    'CANCEL',
    'PRACK',
    'UPDATE',
    'INFO',
    'REFER',
    'NOTIFY',
    'SUBSCRIBE',
    'PUBLISH',
    'REGISTER',
    'MESSAGE',
  ]
  const responses = [
    '100 Trying',
    '180 Ringing',
    '200 OK',
    '302 Moved',
    '401 Unauthorized',
    '487 Gone',
    '699 Odd',
  ]
  const tagged = { To: '<sip:+8617099999999@127.0.0.1>;tag=nobody' }
  return [
    ...methods.flatMap((method) => {
      const start = `${method} sip:+8617099999999@127.0.0.1 SIP/2.0`
      const CSeq = `1 ${method}`
      return [
        hostile(`${method} from nowhere`, invite({ start, change: { CSeq }, body: '' })),
        hostile(
          `${method} in a dialog that is none`,
          invite({ start, change: { CSeq, ...tagged }, body: '' }),
        ),
      ]
    }),
    hostile('INVITE in a dialog that is none', invite({ change: tagged })),
    ...responses.map((line) =>
      hostile(`${line} to nothing`, invite({ start: `SIP/2.0 ${line}`, change: tagged })),
    ),
  ]
}

function brokenBodies(): Hostile[] {
  const bodies: [string, string][] = [
    ['SDP without media', 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'],
    ['SDP of one character', 'v'],
    ['SDP with a port of 99999', sdp.replace('audio 9', 'audio 99999')],
    ['SDP with a negative port', sdp.replace('audio 9', 'audio -9')],
    ['SDP with no payload types', sdp.replace('RTP/AVP 8', 'RTP/AVP')],
    [
      'SDP with an address that is none',
      sdp.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 999.999.999.999'),
    ],
    ['SDP with a name as address', sdp.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 sound.invalid')],
    ['SDP with IPv6', sdp.replaceAll('IP4 127.0.0.1', 'IP6 ::1')],
    ['SDP with encrypted sound only', sdp.replace('RTP/AVP', 'RTP/SAVP')],
    ['SDP with two hundred media lines', sdp + 'm=video 0 RTP/AVP 31\r\n'.repeat(200)],
    ['SDP with long attributes', `${sdp}a=${'x'.repeat(20_000)}\r\n`],
    ['SDP with line feeds alone', sdp.replaceAll('\r\n', '\n')],
    [
      'SDP of bytes that are no text',
      Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join(''),
    ],
  ]
  return [
    ...bodies.map(([name, body]) => hostile(name, invite({ body }))),
    hostile(
      'a body of an unknown type',
      invite({ change: { 'Content-Type': 'application/unknown' }, body: '<a/>' }),
    ),
    hostile(
      'a multipart body without parts',
      invite({ change: { 'Content-Type': 'multipart/mixed;boundary=x' }, body: '--x--\r\n' }),
    ),
    hostile('a body without type', invite({ without: ['Content-Type'] })),
  ]
}

const udpBytesMax = 65_507

function floods(): Hostile[] {
  const many = (line: string, times: number) => Array.from({ length: times }, () => line)
  return [
    hostile('a thousand headers', invite({ more: many('X-Flood: 1', 1000) })),
    hostile(
      'four hundred Vias',
      invite({ more: many('Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKf', 400) }),
    ),
    hostile('three hundred Routes', invite({ more: many('Route: <sip:192.0.2.1;lr>', 300) })),
    hostile(
      'three hundred Record-Routes',
      invite({ more: many('Record-Route: <sip:192.0.2.1;lr>', 300) }),
    ),
    hostile(
      'one header of sixty thousand bytes',
      invite({ more: [`X-Long: ${'y'.repeat(60_000)}`] }),
    ),
    hostile(
      'a Call-ID of twenty thousand bytes',
      invite({ change: { 'Call-ID': 'c'.repeat(20_000) } }),
    ),
    hostile(
      'a tag of nine thousand bytes',
      invite({ change: { From: `<sip:+8613800000009@127.0.0.1>;tag=${'t'.repeat(9000)}` } }),
    ),
    hostile(
      'a branch of nine thousand bytes',
      invite({ change: { Via: `SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${'b'.repeat(9000)}` } }),
    ),
    hostile(
      'as long as a datagram can be',
      Buffer.concat([invite(), Buffer.alloc(udpBytesMax, 0x41)]).subarray(0, udpBytesMax),
    ),
  ]
}

/** A good INVITE, cut off at many places. */
function truncated(): Hostile[] {
  return Array.from({ length: 24 }, (_, at) => {
    const whole = invite()
    const length = Math.floor((whole.length * at) / 24)
    return hostile(`cut off after ${length} bytes`, whole.subarray(0, length))
  })
}

/** The same noise in every run, so that what fails can be had again. */
function noise(): Hostile[] {
  let state = 0x2f6e2b1
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state
  }
  const random = Array.from({ length: 20 }, (_, at) => {
    const bytes = Buffer.from(Array.from({ length: next() % 1400 }, () => (next() >> 8) & 0xff))
    return hostile(`noise ${at}`, bytes)
  })
  const flipped = Array.from({ length: 40 }, (_, at) => {
    const bytes = invite()
    for (let i = 0; i < 6; i++) bytes[next() % bytes.length] = (next() >> 8) & 0xff
    return hostile(`a good message with six bytes changed, ${at}`, bytes)
  })
  const blank = ['', '\0', '\r\n', '\r\n\r\n', '\n'.repeat(5000)].map((text) =>
    hostile('nothing much', Buffer.from(text)),
  )
  return [...random, ...flipped, ...blank]
}
