import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasUsableAudio } from '../../../src/media/usable-audio.ts'

const sdp = (...media: readonly string[]) =>
  ['v=0', 'o=- 1 1 IN IP4 10.0.0.1', 's=-', 'c=IN IP4 10.0.0.1', 't=0 0', ...media, ''].join('\r\n')

describe('usable', () => {
  test.each([
    ['PCMA by its static type alone', ['m=audio 4000 RTP/AVP 8']],
    ['PCMU among others', ['m=audio 4000 RTP/AVP 18 0 101', 'a=rtpmap:101 telephone-event/8000']],
    ['PCMA under a dynamic type', ['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 pcma/8000']],
    ['on hold', ['m=audio 4000 RTP/AVP 8', 'a=sendonly']],
    ['PCMA with the map that it has anyway', ['m=audio 4000 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000/1']],
    ['beside video', ['m=video 4002 RTP/AVP 97', 'm=audio 4000 RTP/AVP 0']],
  ])('%s', (_what, media) => expect(hasUsableAudio(sdp(...media))).toBe(true))
})

describe('not usable', () => {
  test.each([
    ['G.729 alone', ['m=audio 4000 RTP/AVP 18']],
    [
      'a static type that is mapped to something else',
      ['m=audio 4000 RTP/AVP 8', 'a=rtpmap:8 X/8000'],
    ],
    ['a payload type that only ends like a plain one', ['m=audio 4000 RTP/AVP 18 100']],
    ['telephone-event alone', ['m=audio 4000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000']],
    ['a port of zero', ['m=audio 0 RTP/AVP 8']],
    ['SRTP', ['m=audio 4000 RTP/SAVP 8']],
    ['video alone', ['m=video 4000 RTP/AVP 97']],
    ['no media', []],
  ])('%s', (_what, media) => expect(hasUsableAudio(sdp(...media))).toBe(false))

  test('nothing, and never a throw, whatever comes', () => {
    expect(hasUsableAudio('')).toBe(false)
    fc.assert(fc.property(fc.string(), (text) => void hasUsableAudio(text)))
    fc.assert(fc.property(fc.string(), (text) => void hasUsableAudio(sdp(`m=audio ${text}`))))
  })
})
