import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventInterest } from '../../../src/embedded/media/esl-events.ts'
import {
  createCommandReader,
  type EslCommand,
  eventMessage,
  headerBlock,
} from '../../../src/embedded/media/esl-text.ts'
import { reasonHeader } from '../../../src/embedded/media/hangup-cause.ts'
import {
  agreeWith,
  readPeerMedia,
  writeAnswer,
  writeOffer,
} from '../../../src/embedded/media/media-sdp.ts'

function readAll(chunks: readonly string[]): EslCommand[] {
  const commands: EslCommand[] = []
  const read = createCommandReader((command) => commands.push(command))
  for (const chunk of chunks) read(Buffer.from(chunk))
  return commands
}

const stream = [
  'auth ClueCon\n\n',
  '\n\nevent json ALL\r\n\r\n',
  'sendmsg 1-2\nexecute-app-name: playback\nexecute-app-arg: a: b\ncall-command: execute\n\n',
  'sendmsg\ncall-command: execute\ncontent-length: 4\n\nab\n\nexit\n\n',
].join('')

describe('event socket commands', () => {
  test('are the same wherever the stream is cut', () => {
    const whole = readAll([stream])
    expect(whole.map(({ name }) => name)).toEqual(['auth', 'event', 'sendmsg', 'sendmsg', 'exit'])
    expect(whole[2]?.headers.get('execute-app-arg')).toBe('a: b')
    expect(whole[3]?.body).toBe('ab\n\n')
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const edges = [0, ...cuts.sort((one, two) => one - two), stream.length]
        const chunks = edges.slice(1).map((edge, i) => stream.slice(edges[i], edge))
        expect(readAll(chunks)).toEqual(whole)
      }),
    )
  })

  test('without an end are given up', () => {
    const read = createCommandReader(() => undefined)
    expect(read(Buffer.alloc(1_048_577, 'a'))).toBe(false)
  })
})

describe('event socket answers', () => {
  test('encode what a client would decode', () => {
    expect(headerBlock({ 'A-B': '100%\n: x', C: 'tone-1.wav' })).toBe(
      'A-B: 100%25%0A%3A%20x\nC: tone-1.wav\n',
    )
  })

  test('give their length in bytes', () => {
    const message = eventMessage('json', { name: 'Grüße' })
    const [head = '', body = ''] = message.split('\n\n')
    expect(/Content-Length: (\d+)/.exec(head)?.[1]).toBe(String(Buffer.byteLength(body)))
    expect(JSON.parse(body)).toEqual({ name: 'Grüße' })
  })
})

describe('event subscriptions', () => {
  test('hear what they named, of the channels that they named', () => {
    const interest = createEventInterest()
    expect(interest.add('json CHANNEL_EXECUTE SWITCH_EVENT_PLAYBACK_START CUSTOM a::b')).toBe(true)
    expect(interest.format).toBe('json')
    expect(interest.wants('PLAYBACK_START', {})).toBe(true)
    expect(interest.wants('DTMF', {})).toBe(false)
    expect(interest.wants('CUSTOM', { 'Event-Subclass': 'a::b' })).toBe(true)
    expect(interest.wants('CUSTOM', { 'Event-Subclass': 'a::c' })).toBe(false)
    interest.filter('Unique-ID 7')
    expect(interest.wants('PLAYBACK_START', { 'Unique-ID': '8' })).toBe(false)
    expect(interest.wants('PLAYBACK_START', { 'Unique-ID': '7' })).toBe(true)
    interest.filter('delete Unique-ID 7')
    expect(interest.wants('PLAYBACK_START', { 'Unique-ID': '8' })).toBe(true)
    interest.remove('PLAYBACK_START')
    expect(interest.wants('PLAYBACK_START', {})).toBe(false)
    expect(interest.add('json')).toBe(false)
  })
})

const offer = (media: string, session = 'c=IN IP4 10.0.0.9\r\n') =>
  `v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\n${session}t=0 0\r\n${media}`
const local = { host: '127.0.0.1', port: 30_000, id: 1, version: 2 }

describe('session descriptions', () => {
  test('are answered with one codec, in the order of the offer, and the digits of the offer', () => {
    const peer = readPeerMedia(
      offer('m=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n'),
    )
    if (peer === undefined) throw new Error('the offer is good')
    const agreed = agreeWith(peer)
    expect(agreed).toEqual({
      remote: { host: '10.0.0.9', port: 4000 },
      codec: 'PCMA',
      telephoneEvent: 96,
      sending: true,
      receiving: true,
    })
    if (agreed === undefined) return
    expect(writeAnswer(local, peer, agreed)).toContain('m=audio 30000 RTP/AVP 8 96\r\n')
  })

  test('put on hold are answered in kind', () => {
    const peer = readPeerMedia(offer('m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n'))
    const agreed = peer === undefined ? undefined : agreeWith(peer)
    if (peer === undefined || agreed === undefined) throw new Error('the offer is good')
    expect(agreed).toMatchObject({ sending: false, receiving: true })
    expect(writeAnswer(local, peer, agreed)).toContain('a=recvonly')
    const old = readPeerMedia(offer('m=audio 4000 RTP/AVP 0\r\n', 'c=IN IP4 0.0.0.0\r\n'))
    expect(old?.remote).toBeUndefined()
  })

  test('with video are answered without', () => {
    const peer = readPeerMedia(
      offer('m=video 5000 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.8\r\n'),
    )
    const agreed = peer === undefined ? undefined : agreeWith(peer)
    if (peer === undefined || agreed === undefined) throw new Error('the offer is good')
    expect(agreed.remote?.host).toBe('10.0.0.8')
    const answer = writeAnswer(local, peer, agreed)
    expect(answer.match(/m=\w+ \d+/g)).toEqual(['m=video 0', 'm=audio 30000'])
  })

  test.each([
    ['secure only', 'm=audio 4000 RTP/SAVP 0\r\n'],
    ['without audio', 'm=video 4000 RTP/AVP 96\r\n'],
    ['with audio refused', 'm=audio 0 RTP/AVP 0\r\n'],
    ['with nothing', ''],
  ])('%s are not for us', (_, media) => {
    expect(readPeerMedia(offer(media))).toBeUndefined()
  })

  test('with codecs that we do not have come to no agreement', () => {
    const peer = readPeerMedia(offer('m=audio 4000 RTP/AVP 18\r\n'))
    expect(peer === undefined ? undefined : agreeWith(peer)).toBeUndefined()
  })

  test('of any text never throw', () => {
    const line = fc.constantFrom(
      'm=audio 1 RTP/AVP',
      'm=audio 1 RTP/AVP 0',
      'm=audio x RTP/AVP 0 8',
      'm=',
      'c=IN IP4',
      'c=',
      'a=rtpmap:0',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:1',
      'a=sendonly',
      'o=-',
      't=',
      'x',
    )
    const lines = fc.oneof(line, fc.string())
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 12 }), (text) => {
        const peer = readPeerMedia(`v=0\r\n${text.join('\r\n')}`)
        const agreed = peer === undefined ? undefined : agreeWith(peer)
        if (peer !== undefined && agreed !== undefined) writeAnswer(local, peer, agreed)
      }),
    )
  })

  test('that we offer name both codecs and digits', () => {
    expect(writeOffer(local)).toContain('m=audio 30000 RTP/AVP 0 8 101 13\r\n')
  })
})

test('the Reason of a BYE keeps to the numbers of Q.850', () => {
  expect(reasonHeader('USER_BUSY')).toBe('Q.850;cause=17;text="USER_BUSY"')
  expect(reasonHeader('MEDIA_TIMEOUT')).toBe('Q.850;cause=16;text="MEDIA_TIMEOUT"')
})
