import { parse, type SessionDescription, write } from 'sdp-transform'
import { type Codec, payloadTypeOf } from './g711.ts'
import type { Address, MediaAgreement } from './rtp-session.ts'

/** What we read out of the peer's description: its address, its codecs in its order, and what it does. */
export type PeerMedia = {
  readonly remote: Address | undefined
  readonly codecs: readonly Codec[]
  readonly telephoneEvent: number | undefined
  readonly sends: boolean
  readonly receives: boolean
  /** Place of the audio line among the media lines; the others are answered with port 0. */
  readonly index: number
  readonly media: readonly {
    readonly type: string
    readonly protocol: string
    readonly payloads: string
  }[]
}

const ourCodecs: readonly Codec[] = ['PCMU', 'PCMA']
const ourTelephoneEvent = 101
const comfortNoise = 13
/** No description of a phone is longer; anything more is somebody trying something. */
const sdpCharsMax = 16_384

/** Undefined when there is no plain RTP audio to talk to, or it is not SDP at all. */
export function readPeerMedia(sdp: string): PeerMedia | undefined {
  if (sdp.length > sdpCharsMax || !sdp.startsWith('v=0')) return undefined
  try {
    return readDescription(parse(sdp))
  } catch {
    // The parser's types promise more than it keeps for text that is not quite SDP.
    return undefined
  }
}

function readDescription(description: SessionDescription): PeerMedia | undefined {
  const { media } = description
  const index = media.findIndex(
    (line) => line.type === 'audio' && line.port > 0 && line.protocol === 'RTP/AVP',
  )
  const audio = media[index]
  if (audio === undefined) return undefined
  const host = audio.connection?.ip ?? description.connection?.ip
  const direction = audio.direction ?? description.direction ?? 'sendrecv'
  const offered = payloadTypes(audio)
  return {
    remote: host === undefined || host === '0.0.0.0' ? undefined : { host, port: audio.port },
    codecs: offered.flatMap(({ codec }) => (codec === undefined ? [] : [codec])),
    telephoneEvent: offered.find(({ isEvent }) => isEvent)?.payloadType,
    sends: direction === 'sendrecv' || direction === 'sendonly',
    receives: direction === 'sendrecv' || direction === 'recvonly',
    index,
    media: media.map(({ type, protocol, payloads }) => ({
      type,
      protocol,
      payloads: String(payloads ?? ''),
    })),
  }
}

/** The agreement with this peer, or undefined when it speaks neither of our codecs. */
export function agreeWith(
  peer: PeerMedia,
  known: readonly Codec[] = ourCodecs,
): MediaAgreement | undefined {
  const codec = peer.codecs.find((each) => known.includes(each))
  if (codec === undefined) return undefined
  return {
    remote: peer.remote,
    codec,
    telephoneEvent: peer.telephoneEvent,
    sending: peer.receives,
    receiving: peer.sends,
  }
}

export type LocalSession = {
  readonly host: string
  readonly port: number
  readonly id: number
  readonly version: number
}

export function writeAnswer(local: LocalSession, peer: PeerMedia, agreed: MediaAgreement): string {
  const audio = audioLine(local, {
    codecs: [agreed.codec],
    telephoneEvent: agreed.telephoneEvent,
    direction: directionOf(agreed),
  })
  const media = peer.media.map((line, at) =>
    at === peer.index ? audio : { ...line, port: 0, rtp: [], fmtp: [] },
  )
  return write({ ...sessionLines(local), media })
}

export function writeOffer(
  local: LocalSession,
  {
    codecs = ourCodecs,
    direction = 'sendrecv',
  }: Partial<Pick<AudioLine, 'codecs' | 'direction'>> = {},
): string {
  const audio = audioLine(local, { codecs, telephoneEvent: ourTelephoneEvent, direction })
  return write({ ...sessionLines(local), media: [audio] })
}

function sessionLines(local: LocalSession): SessionDescription {
  return {
    version: 0,
    origin: {
      username: 'axbridge-media',
      sessionId: local.id,
      sessionVersion: local.version,
      netType: 'IN',
      ipVer: 4,
      address: local.host,
    },
    name: 'axbridge-media',
    connection: { version: 4, ip: local.host },
    timing: { start: 0, stop: 0 },
    media: [],
  }
}

export type Direction = 'sendonly' | 'recvonly' | 'inactive' | 'sendrecv'

type AudioLine = {
  readonly codecs: readonly Codec[]
  readonly telephoneEvent: number | undefined
  readonly direction: Direction
}

function audioLine({ port }: LocalSession, line: AudioLine): SessionDescription['media'][number] {
  const rtp = line.codecs.map((codec) => ({ payload: payloadTypeOf[codec], codec, rate: 8000 }))
  const { telephoneEvent } = line
  const event =
    telephoneEvent === undefined
      ? []
      : [{ payload: telephoneEvent, codec: 'telephone-event', rate: 8000 }]
  const noise = line.codecs.length > 1 ? [{ payload: comfortNoise, codec: 'CN', rate: 8000 }] : []
  const all = [...rtp, ...event, ...noise]
  return {
    type: 'audio',
    port,
    protocol: 'RTP/AVP',
    payloads: all.map(({ payload }) => payload).join(' '),
    rtp: all,
    fmtp: event.map(({ payload }) => ({ payload, config: '0-15' })),
    ptime: 20,
    direction: line.direction,
  }
}

function directionOf({ sending, receiving }: MediaAgreement): Direction {
  if (sending && receiving) return 'sendrecv'
  if (sending) return 'sendonly'
  return receiving ? 'recvonly' : 'inactive'
}

function payloadTypes(audio: SessionDescription['media'][number]) {
  // A list of one comes out of the parser as a number.
  return String(audio.payloads ?? '')
    .split(' ')
    .map((text) => {
      const payloadType = Number(text)
      const named = audio.rtp.find(({ payload }) => payload === payloadType)
      const name = named?.codec.toUpperCase() ?? staticName(payloadType)
      return {
        payloadType,
        // A dynamic number for a codec with a static one is legal but nobody does it; we would have to remember it.
        codec: ourCodecs.find((codec) => codec === name && payloadTypeOf[codec] === payloadType),
        isEvent: name === 'TELEPHONE-EVENT' && (named?.rate ?? 8000) === 8000,
      }
    })
}

function staticName(payloadType: number): string | undefined {
  return ourCodecs.find((codec) => payloadTypeOf[codec] === payloadType)
}
