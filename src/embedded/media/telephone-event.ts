/** Digits in RTP, RFC 4733. */
export type Digit = {
  readonly digit: string
  /** In timestamp units: 8 per millisecond. */
  readonly duration: number
  readonly timestamp: number
  readonly ssrc: number
}

const names = '0123456789*#ABCD'
const volume = 10
/** 100 ms in timestamp units. */
const lostEndAfter = 800

export type DigitReader = {
  read(packet: { payload: Uint8Array; timestamp: number; ssrc: number }): void
  /** Audio well after an event: its end never came. */
  audioAt(timestamp: number): void
}

/**
 * Reports each digit once, at its end. The last packet of an event is sent three times and any of them may be
 * lost; all packets of one event share its timestamp, so that tells one digit from the next.
 */
export function createDigitReader(onDigit: (digit: Digit) => void): DigitReader {
  let open: Digit | undefined
  let lastTimestamp: number | undefined

  function finish(): void {
    if (open === undefined) return
    const digit = open
    open = undefined
    lastTimestamp = digit.timestamp
    onDigit(digit)
  }

  return {
    read(packet) {
      const { payload, timestamp, ssrc } = packet
      if (payload.length < 4 || timestamp === lastTimestamp) return
      const digit = names[payload[0] as number]
      if (digit === undefined) return
      if (open !== undefined && open.timestamp !== timestamp) finish()
      const duration = ((payload[2] as number) << 8) | (payload[3] as number)
      open = { digit, duration, timestamp, ssrc }
      if (((payload[1] as number) & 0x80) !== 0) finish()
    },
    audioAt(timestamp) {
      if (open === undefined) return
      const past = (timestamp - open.timestamp - open.duration) >>> 0
      if (past > lostEndAfter && past < 0x8000_0000) finish()
    },
  }
}

export function isDigit(text: string): boolean {
  return text.length === 1 && names.includes(text.toUpperCase())
}

export function digitPayload(digit: string, duration: number, end: boolean): Uint8Array {
  const code = names.indexOf(digit.toUpperCase())
  return Uint8Array.of(code, volume | (end ? 0x80 : 0), (duration >> 8) & 0xff, duration & 0xff)
}
