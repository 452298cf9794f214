/** A part of a CSV file: its header again, and some of its lines. */
export type CsvPart = {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** In the file, from 1, of the first line after the header. */
  readonly firstLine: number
}

const newline = 0x0a

/**
 * Cuts at line ends, whatever the encoding: no line of ours has one inside quotes, and neither
 * UTF-8 nor GB18030 has the byte in another meaning. At least one part, also of an empty file.
 */
export async function* csvParts(
  file: AsyncIterable<Uint8Array>,
  linesPerPart: number,
): AsyncGenerator<CsvPart> {
  let header: Buffer | undefined
  let lines: Buffer[] = []
  let firstLine = 2
  let sent = false
  for await (const line of linesOf(file)) {
    if (header === undefined) {
      header = line
      continue
    }
    lines.push(line)
    if (lines.length < linesPerPart) continue
    yield { bytes: joined(header, lines), firstLine }
    sent = true
    firstLine += lines.length
    lines = []
  }
  if (lines.length > 0 || !sent) {
    yield { bytes: joined(header ?? Buffer.alloc(0), lines), firstLine }
  }
}

function joined(header: Buffer, lines: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([header, ...lines]))
}

/** Each with its line end, except a last one that has none. */
async function* linesOf(file: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of file) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let start = 0
    for (;;) {
      const end = bytes.indexOf(newline, start)
      if (end < 0) break
      yield bytes.subarray(start, end + 1)
      start = end + 1
    }
    rest = Buffer.from(bytes.subarray(start))
  }
  if (rest.length > 0) yield rest
}
