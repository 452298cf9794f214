import { crc32 } from 'node:zlib'

/**
 * A segment of the journal is a row of frames, each one line:
 *
 * ```txt
 * <length> <crc32> <kind> <id> <json>\n
 * 8 hex    8 hex   \_____ body ____/
 * ```
 * `length` counts the body's bytes and `crc32` is the body's. The body holds no line feed, so a
 * reader that meets damage finds the next frame behind the next line feed.
 */
export type Frame = {
  /** `event`: goes to the stream. `open`: a call that was running when the segment was begun; not published again. */
  readonly kind: 'event' | 'open'
  readonly id: string
  readonly json: string
}

export type FrameRun = {
  readonly frames: readonly Frame[]
  /** Where the last good frame ends; counted from the start of the buffer. */
  readonly end: number
  /** Bytes before `end` that were no good frame. */
  readonly damagedBytes: number
}

const headBytes = 18
/** An event is about 1 KiB; the longest texts in it are bounded where they come in. What claims to be longer is damage. */
export const frameBytesMax = 65_536
const letterOf = { event: 'e', open: 'o' } as const
const lineFeed = 0x0a
const space = 0x20

export function encodeFrame(frame: Frame): Buffer {
  const body = `${letterOf[frame.kind]} ${frame.id} ${frame.json}`
  const length = Buffer.byteLength(body)
  const bytes = Buffer.allocUnsafe(headBytes + length + 1)
  bytes.write(body, headBytes, 'utf8')
  const sum = crc32(bytes.subarray(headBytes, headBytes + length))
  bytes.write(`${hex8(length)} ${hex8(sum)} `, 0, 'latin1')
  bytes[bytes.length - 1] = lineFeed
  return bytes
}

/**
 * All good frames in the buffer, at most `framesMax`. Bytes that are not a good frame are stepped
 * over up to the next line feed, and count as damage only if a good frame follows.
 */
export function readFrames(buffer: Buffer, framesMax = Number.POSITIVE_INFINITY): FrameRun {
  const frames: Frame[] = []
  let at = 0
  let end = 0
  let goodBytes = 0
  while (at < buffer.length && frames.length < framesMax) {
    const size = frameSizeAt(buffer, at)
    const frame = size === undefined ? undefined : parseBody(buffer, at, size)
    if (size !== undefined && frame !== undefined) {
      frames.push(frame)
      at += size
      end = at
      goodBytes += size
    } else {
      const next = buffer.indexOf(lineFeed, at)
      if (next < 0) break
      at = next + 1
    }
  }
  return { frames, end, damagedBytes: end - goodBytes }
}

/** Bytes of the frame that begins at `at`, when it is whole and its checksum holds. */
function frameSizeAt(buffer: Buffer, at: number): number | undefined {
  if (at + headBytes > buffer.length) return undefined
  if (buffer[at + 8] !== space || buffer[at + 17] !== space) return undefined
  const length = readHex8(buffer, at)
  const sum = readHex8(buffer, at + 9)
  if (length === undefined || sum === undefined || length > frameBytesMax) return undefined
  const bodyEnd = at + headBytes + length
  // What stands in the line feed's place does not matter once the checksum holds.
  if (bodyEnd >= buffer.length) return undefined
  if (crc32(buffer.subarray(at + headBytes, bodyEnd)) !== sum) return undefined
  return headBytes + length + 1
}

function parseBody(buffer: Buffer, at: number, size: number): Frame | undefined {
  const body = buffer.toString('utf8', at + headBytes, at + size - 1)
  const kind = body.startsWith('e ') ? 'event' : body.startsWith('o ') ? 'open' : undefined
  const idEnd = body.indexOf(' ', 2)
  if (kind === undefined || idEnd < 3) return undefined
  return { kind, id: body.slice(2, idEnd), json: body.slice(idEnd + 1) }
}

const hex8 = (value: number) => value.toString(16).padStart(8, '0')

/** Undefined when it is not eight lower-case hex digits. */
function readHex8(buffer: Buffer, at: number): number | undefined {
  let value = 0
  for (let digitAt = at; digitAt < at + 8; digitAt++) {
    const byte = buffer[digitAt] ?? 0
    const isDigit = byte >= 0x30 && byte <= 0x39
    if (!isDigit && (byte < 0x61 || byte > 0x66)) return undefined
    value = value * 16 + byte - (isDigit ? 0x30 : 0x57)
  }
  return value
}
