import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readRtp, writeRtp } from '../../../src/embedded/media/rtp-packet.ts'
import { RtpSender } from '../../../src/embedded/media/rtp-sender.ts'
import {
  createDigitReader,
  type Digit,
  digitPayload,
} from '../../../src/embedded/media/telephone-event.ts'

const packets = fc.record({
  payloadType: fc.integer({ min: 0, max: 127 }),
  marker: fc.boolean(),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
  ssrc: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 320 }),
})

describe('RTP packets', () => {
  test('are read as they were written', () => {
    fc.assert(
      // RTP with these payload types cannot be told from RTCP (RFC 5761 4).
      fc.property(packets, (packet) => {
        fc.pre(!(packet.marker && packet.payloadType >= 64 && packet.payloadType <= 95))
        expect(readRtp(writeRtp(packet))).toEqual(packet)
      }),
    )
  })

  test('of any bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        readRtp(bytes)
      }),
    )
  })

  test('keep their payload when there is padding and an extension', () => {
    const payload = [1, 2, 3, 4]
    const extension = [0xbe, 0xde, 0, 1, 0x10, 0, 0, 0]
    const padding = [0, 0, 0, 4]
    const header = [0xb0, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9]
    const packet = readRtp(Buffer.from([...header, ...extension, ...payload, ...padding]))
    expect([...(packet?.payload ?? [])]).toEqual(payload)
  })
})

function sender(): { rtp: RtpSender; sent: () => NonNullable<ReturnType<typeof readRtp>>[] } {
  const datagrams: Buffer[] = []
  const rtp = new RtpSender({ send: (each) => datagrams.push(each), telephoneEvent: () => 101 })
  return { rtp, sent: () => datagrams.flatMap((each) => readRtp(each) ?? []) }
}

const frame = new Uint8Array(160)

describe('one outgoing stream', () => {
  test('keeps its SSRC and its sequence when the source changes', () => {
    const { rtp, sent } = sender()
    rtp.play('PCMU', frame)
    rtp.play('PCMU', frame)
    rtp.forward('PCMA', { payload: frame, timestamp: 12_345, ssrc: 7 })
    rtp.forward('PCMA', { payload: frame, timestamp: 12_505, ssrc: 7 })
    rtp.play('PCMU', frame)
    const all = sent()
    expect(new Set(all.map(({ ssrc }) => ssrc)).size).toBe(1)
    expect(all.map(({ payloadType }) => payloadType)).toEqual([0, 0, 8, 8, 0])
    expect(all.map(({ marker }) => marker)).toEqual([true, false, true, false, true])
    const [first] = all
    const steps = all.map(({ sequence }) => (sequence - (first?.sequence ?? 0)) & 0xffff)
    expect(steps).toEqual([0, 1, 2, 3, 4])
    const times = all.map(({ timestamp }) => (timestamp - (first?.timestamp ?? 0)) >>> 0)
    expect(times).toEqual([0, 160, 320, 480, 640])
  })

  test('starts anew when the forwarded clock jumps back', () => {
    const { rtp, sent } = sender()
    rtp.forward('PCMU', { payload: frame, timestamp: 100_000, ssrc: 7 })
    rtp.forward('PCMU', { payload: frame, timestamp: 160, ssrc: 7 })
    const [first, second] = sent()
    expect(((second?.timestamp ?? 0) - (first?.timestamp ?? 0)) >>> 0).toBe(160)
    expect(second?.marker).toBe(true)
  })

  test('says a digit in steps of 20 ms and its end three times, and holds audio back', () => {
    const { rtp, sent } = sender()
    rtp.queueDigit('5', 480)
    rtp.tick()
    rtp.play('PCMU', frame)
    rtp.tick()
    rtp.tick()
    expect(rtp.sendingDigit).toBe(false)
    const all = sent()
    expect(all.map(({ payloadType }) => payloadType)).toEqual([101, 101, 101, 101, 101])
    expect(new Set(all.map(({ timestamp }) => timestamp)).size).toBe(1)
    expect(all.map(({ payload }) => (payload[1] ?? 0) >> 7)).toEqual([0, 0, 1, 1, 1])
  })
})

describe('digits', () => {
  function reader() {
    const digits: string[] = []
    const durations: number[] = []
    const read = createDigitReader(({ digit, duration }: Digit) => {
      digits.push(digit)
      durations.push(duration)
    })
    const packet = (digit: string, timestamp: number, duration: number, end = false) =>
      read.read({ payload: digitPayload(digit, duration, end), timestamp, ssrc: 1 })
    return { digits, durations, read, packet }
  }

  test('are reported once, though their end is repeated', () => {
    const { digits, durations, packet } = reader()
    packet('7', 1000, 160)
    packet('7', 1000, 320)
    for (let i = 0; i < 3; i++) packet('7', 1000, 480, true)
    packet('7', 3000, 160, true)
    expect(digits).toEqual(['7', '7'])
    expect(durations).toEqual([480, 160])
  })

  test('are reported though all their ends were lost', () => {
    const { digits, packet, read } = reader()
    packet('1', 1000, 160)
    packet('2', 3000, 160)
    read.audioAt(3400)
    expect(digits).toEqual(['1'])
    read.audioAt(4400)
    expect(digits).toEqual(['1', '2'])
  })

  test('with codes that are no digits are left out', () => {
    const { digits, read } = reader()
    read.read({ payload: Uint8Array.of(16, 0x8a, 0, 160), timestamp: 5, ssrc: 1 })
    read.read({ payload: Uint8Array.of(1), timestamp: 6, ssrc: 1 })
    expect(digits).toEqual([])
  })
})
