import alawmulaw from 'alawmulaw'

/**
 * G.711 by tables. The package computes one sample at a time (1.3 to 1.7 µs for 20 ms); filled into tables once,
 * its own results cost 0.2 µs, and going from one law to the other needs no linear samples at all.
 */
export type Codec = 'PCMU' | 'PCMA'

export const samplesPerFrame = 160
export const samplesPerMs = 8

const law = { PCMU: alawmulaw.mulaw, PCMA: alawmulaw.alaw } as const

const decoded = { PCMU: decodeTable('PCMU'), PCMA: decodeTable('PCMA') }
const encoded = { PCMU: encodeTable('PCMU'), PCMA: encodeTable('PCMA') }
const crossed = { PCMU: crossTable('PCMU', 'PCMA'), PCMA: crossTable('PCMA', 'PCMU') }

export const silenceByte: Readonly<Record<Codec, number>> = { PCMU: 0xff, PCMA: 0xd5 }

/** Static payload types, RFC 3551. */
export const payloadTypeOf: Readonly<Record<Codec, number>> = { PCMU: 0, PCMA: 8 }

export function decode(codec: Codec, payload: Uint8Array): Int16Array {
  const table = decoded[codec]
  const samples = new Int16Array(payload.length)
  for (let i = 0; i < samples.length; i++) samples[i] = table[payload[i] as number] as number
  return samples
}

export function encode(codec: Codec, samples: Int16Array): Uint8Array {
  const table = encoded[codec]
  const payload = new Uint8Array(samples.length)
  for (let i = 0; i < payload.length; i++) {
    payload[i] = table[(samples[i] as number) & 0xffff] as number
  }
  return payload
}

/** The same sound in the other law. The input is left alone. */
export function transcode(from: Codec, to: Codec, payload: Uint8Array): Uint8Array {
  if (from === to) return payload
  const table = crossed[from]
  const crossedPayload = new Uint8Array(payload.length)
  for (let i = 0; i < payload.length; i++) {
    crossedPayload[i] = table[payload[i] as number] as number
  }
  return crossedPayload
}

function decodeTable(codec: Codec): Int16Array {
  return Int16Array.from({ length: 256 }, (_, byte) => law[codec].decodeSample(byte))
}

function encodeTable(codec: Codec): Uint8Array {
  return Uint8Array.from({ length: 65_536 }, (_, word) =>
    law[codec].encodeSample((word << 16) >> 16),
  )
}

function crossTable(from: Codec, to: Codec): Uint8Array {
  return encode(to, decodeTable(from))
}
