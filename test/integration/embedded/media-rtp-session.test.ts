import { createSocket, type Socket } from 'node:dgram'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readRtp, writeRtp } from '../../../src/embedded/media/rtp-packet.ts'
import { createRtpPorts, openAnyRtpSocket } from '../../../src/embedded/media/rtp-ports.ts'
import { type MediaAgreement, RtpSession } from '../../../src/embedded/media/rtp-session.ts'
import { until } from '../../support/media-runtime.ts'

/** One RTP session of ours, and sockets that play its peer. */
let socket: Socket
let session: RtpSession
let heard: number[]
const peers: Peer[] = []

type Peer = { readonly socket: Socket; readonly port: number; readonly got: number[] }

beforeEach(async () => {
  heard = []
  socket = await openAnyRtpSocket('127.0.0.1')
  session = new RtpSession({
    socket,
    onAudio: ({ sequence }) => heard.push(sequence),
    onDigit: () => undefined,
  })
})

afterEach(() => {
  session.close()
  socket.close()
  for (const peer of peers.splice(0)) peer.socket.close()
})

async function peer(): Promise<Peer> {
  const made = createSocket('udp4')
  await new Promise<void>((resolve) => made.bind(0, '127.0.0.1', resolve))
  const got: number[] = []
  made.on('message', (datagram) => got.push(readRtp(datagram)?.sequence ?? -1))
  const each = { socket: made, port: made.address().port, got }
  peers.push(each)
  return each
}

function send({ socket: from }: Peer, ...sequences: number[]): void {
  for (const sequence of sequences) {
    const payload = new Uint8Array(160)
    const packet = { payloadType: 0, marker: false, sequence, timestamp: 0, ssrc: 1, payload }
    from.send(writeRtp(packet), session.port, '127.0.0.1')
  }
}

function agreed(port: number): MediaAgreement {
  return {
    remote: { host: '127.0.0.1', port },
    codec: 'PCMU',
    telephoneEvent: 101,
    sending: true,
    receiving: true,
  }
}

test('a phone that sends from elsewhere than it said is answered there', async () => {
  const [said, real] = [await peer(), await peer()]
  session.agree(agreed(said.port))
  send(real, 1, 2, 3, 4, 5)
  await until('all are heard', () => heard.length === 5)
  session.sender.play('PCMU', new Uint8Array(160))
  await until('the answer', () => real.got.length === 1)
  expect(said.got).toEqual([])
})

test('late packets of the old address do not turn the stream back to it', async () => {
  const [old, moved] = [await peer(), await peer()]
  session.agree(agreed(old.port))
  send(old, 1)
  await until('the old one is heard', () => heard.length === 1)
  session.agree(agreed(moved.port))
  send(old, 2)
  await until('the late one', () => session.received.packets === 2)
  session.sender.play('PCMU', new Uint8Array(160))
  await until('the answer', () => moved.got.length === 1)
  send(moved, 3)
  await until('the new one is heard', () => heard.includes(3))
  send(old, 4)
  send(moved, 5)
  await until('the last one', () => heard.includes(5))
  expect(heard).not.toContain(4)
})

test('lost packets are counted, repeated and late ones are not', async () => {
  const one = await peer()
  session.agree(agreed(one.port))
  send(one, 65_534, 65_535, 2, 1, 2)
  await until('all are heard', () => session.received.packets === 5)
  expect(session.received.lost).toBe(2)
})

test('ports are even, differ, come back, and step over those of others', async () => {
  const stranger = await peer()
  const min = stranger.port - (stranger.port % 2)
  const ports = createRtpPorts({ min: min - 2, max: min + 2 })
  const sockets: Socket[] = []
  for (;;) {
    const next = await ports.open('127.0.0.1')
    if (next === undefined) break
    sockets.push(next)
  }
  const numbers = sockets.map((each) => each.address().port)
  expect(numbers.every((port) => port % 2 === 0)).toBe(true)
  expect(numbers).not.toContain(stranger.port)
  expect(new Set(numbers).size).toBe(ports.inUse)
  for (const each of sockets) ports.close(each)
  expect(ports.inUse).toBe(0)
})
