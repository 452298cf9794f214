import { parse } from 'sdp-transform'

/** Static payload types (RFC 3551 table 4): PCMU and PCMA need no rtpmap. */
const staticNames = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
])
const spoken = new Set(['PCMU', 'PCMA'])

/** The SIP server takes no frame over 12 kB, and no SDP of a telephone comes near. */
const sdpBytesMax = 6000

/** Beside a plain one as well: drachtio-fsmrf would refuse it, and FreeSWITCH might choose the wrong one. */
const encrypted = /^m=audio.*SAVP/m

/** What nearly every telephone sends, told without the parser: it costs more than the rest of the check by far. */
const plain = /^m=audio [1-9]\d* RTP\/AVP (?:\d+ )*[08](?: \d+)*\r?$/m
const remapped = /^a=rtpmap:[08] (?!PCM[UA]\/8000)/im

/**
 * Whether an offer or answer has plain RTP audio in a codec that we speak. Judged here and not by
 * the media host: FreeSWITCH accepts nearly everything, and the call would stay up in silence.
 */
export function hasUsableAudio(sdp: string): boolean {
  if (Buffer.byteLength(sdp) > sdpBytesMax || encrypted.test(sdp)) return false
  if (plain.test(sdp) && !remapped.test(sdp)) return true
  let media: ReturnType<typeof parse>['media']
  try {
    media = parse(sdp).media ?? []
  } catch {
    return false
  }
  return media.some((each) => {
    if (each.type !== 'audio' || each.port === 0 || each.protocol !== 'RTP/AVP') return false
    const mapped = new Map(each.rtp.map((map) => [map.payload, map.codec.toUpperCase()]))
    // A single payload type is parsed as a number.
    const types = String(each.payloads ?? '')
      .split(' ')
      .map(Number)
    return types.some((type) => spoken.has(mapped.get(type) ?? staticNames.get(type) ?? ''))
  })
}
