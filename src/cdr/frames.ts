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

/** Frames of the kind `event`, whole and back to back as in the journal; `end` and `damagedBytes` as of a `FrameRun`. */
export type EventRun = {
  readonly bytes: Buffer
  readonly count: number
  readonly end: number
  readonly damagedBytes: number
}

const headBytes = 18
/** An event is about 1 KiB; the longest texts in it are bounded where they come in. What claims to be longer is damage. */
export const frameBytesMax = 65_536
const letterOf = { event: 'e', open: 'o' } as const
const eventLetter = 0x65
const openLetter = 0x6f
const lineFeed = 0x0a
const space = 0x20

export function encodeFrame(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(frameSpace(frame))
  return bytes.subarray(0, writeFrame(frame, bytes, 0))
}

/** Bytes that are enough for the frame: three are the most that UTF-8 needs for one of JavaScript's characters. */
export const frameSpace = ({ id, json }: Frame): number =>
  headBytes + '? '.length + 3 * id.length + ' '.length + 3 * json.length + '\n'.length

/** Returns where the next frame can begin. */
export function writeFrame({ kind, id, json }: Frame, into: Buffer, at: number): number {
  const body = at + headBytes
  // The id and the JSON apart: a text of both would have to be made first.
  const jsonAt = body + into.write(`${letterOf[kind]} ${id} `, body, 'utf8')
  const end = jsonAt + into.write(json, jsonAt, 'utf8')
  writeHex8(end - body, into, at)
  into[at + 8] = space
  writeHex8(crc32(into.subarray(body, end)), into, at + 9)
  into[at + 17] = space
  into[end] = lineFeed
  return end + 1
}

/**
 * All good frames in the buffer, at most `framesMax`. Bytes that are not a good frame are stepped
 * over up to the next line feed, and count as damage only if a good frame follows. JSON is read from
 * the buffer when somebody asks for it.
 */
export function readFrames(buffer: Buffer, framesMax = Number.POSITIVE_INFINITY): FrameRun {
  const frames: Frame[] = []
  const walked = walkFrames(buffer, framesMax, (at, idEnd, end) => {
    frames.push({
      kind: buffer[at + headBytes] === eventLetter ? 'event' : 'open',
      id: buffer.toString('utf8', at + headBytes + 2, idEnd),
      get json() {
        return buffer.toString('utf8', idEnd + 1, end - 1)
      },
    })
  })
  return { frames, ...walked }
}

/** The events of the first frames, at most `framesMax`, for who passes them on and need not look into them. */
export function readEvents(buffer: Buffer, framesMax = Number.POSITIVE_INFINITY): EventRun {
  // Events that stand next to each other are one piece: as a rule all of them are.
  const pieces: { readonly from: number; end: number }[] = []
  let count = 0
  const walked = walkFrames(buffer, framesMax, (at, _idEnd, end) => {
    if (buffer[at + headBytes] !== eventLetter) return
    count += 1
    const last = pieces.at(-1)
    if (last?.end === at) last.end = end
    else pieces.push({ from: at, end })
  })
  const [first, ...more] = pieces.map(({ from, end }) => buffer.subarray(from, end))
  const bytes =
    first === undefined ? none : more.length === 0 ? first : Buffer.concat([first, ...more])
  return { bytes, count, ...walked }
}

const none = Buffer.alloc(0)

/** Calls `onFrame` with where each good frame begins, where its id ends, and where the frame behind it begins. */
function walkFrames(
  buffer: Buffer,
  framesMax: number,
  onFrame: (at: number, idEnd: number, end: number) => void,
): { readonly end: number; readonly damagedBytes: number } {
  let count = 0
  let at = 0
  let end = 0
  let goodBytes = 0
  while (at < buffer.length && count < framesMax) {
    const size = frameSizeAt(buffer, at)
    const idEnd = size === undefined ? undefined : idEndAt(buffer, at, size)
    if (size !== undefined && idEnd !== undefined) {
      onFrame(at, idEnd, at + size)
      count += 1
      at += size
      end = at
      goodBytes += size
    } else {
      const next = buffer.indexOf(lineFeed, at)
      if (next < 0) break
      at = next + 1
    }
  }
  return { end, damagedBytes: end - goodBytes }
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

/** Undefined when the body is not `<kind> <id> …`. */
function idEndAt(buffer: Buffer, at: number, size: number): number | undefined {
  const body = at + headBytes
  const kind = buffer[body]
  if ((kind !== eventLetter && kind !== openLetter) || buffer[body + 1] !== space) return undefined
  for (let idEnd = body + 2; idEnd < at + size - 1; idEnd++) {
    if (buffer[idEnd] === space) return idEnd > body + 2 ? idEnd : undefined
  }
  return undefined
}

function writeHex8(value: number, into: Buffer, at: number): void {
  for (let digit = 0; digit < 8; digit++) {
    const half = (value >>> (28 - 4 * digit)) & 0xf
    into[at + digit] = half < 10 ? 0x30 + half : 0x57 + half
  }
}

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
