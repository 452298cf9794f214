/**
 * The text of the event socket: commands come in, replies and events go out. Lines end with a single newline, a
 * message with an empty line, and a body has the length that Content-Length says, in bytes.
 */
export type EslCommand = {
  /** First word, lower case. */
  readonly name: string
  /** The rest of the first line. */
  readonly argument: string
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** One event or channel description: a flat list of names and values. */
export type EslFields = Readonly<Record<string, string>>

/** A command is a few hundred bytes. Whoever sends more than this without an end is not an event socket client. */
const commandBytesMax = 1_048_576

/** Feed it what the socket reads. It returns false when the peer is to be dropped. */
export function createCommandReader(onCommand: (command: EslCommand) => void) {
  let text: Buffer = Buffer.alloc(0)

  return (chunk: Buffer): boolean => {
    text = text.length === 0 ? chunk : Buffer.concat([text, chunk])
    for (;;) {
      const taken = takeCommand(text)
      if (taken === undefined) return text.length <= commandBytesMax
      text = text.subarray(taken.bytes)
      if (taken.command !== undefined) onCommand(taken.command)
    }
  }
}

function takeCommand(text: Buffer): { bytes: number; command: EslCommand | undefined } | undefined {
  const end = text.indexOf('\n\n')
  const crlfEnd = text.indexOf('\r\n\r\n')
  const useCrlf = crlfEnd !== -1 && (end === -1 || crlfEnd < end)
  const headEnd = useCrlf ? crlfEnd : end
  if (headEnd === -1) return undefined
  const bodyStart = headEnd + (useCrlf ? 4 : 2)
  const lines = text.toString('utf8', 0, headEnd).split(/\r?\n/)
  const first = lines.findIndex((line) => line !== '')
  if (first === -1) return { bytes: bodyStart, command: undefined }
  const headers = readHeaders(lines.slice(first + 1))
  const bodyBytes = Number(headers.get('content-length') ?? 0)
  const length = Number.isInteger(bodyBytes) && bodyBytes > 0 ? bodyBytes : 0
  if (text.length < bodyStart + length) return undefined
  const [name = '', argument = ''] = splitOnce(lines[first] ?? '', ' ')
  return {
    bytes: bodyStart + length,
    command: {
      name: name.toLowerCase(),
      argument: argument.trim(),
      headers,
      body: text.toString('utf8', bodyStart, bodyStart + length),
    },
  }
}

function readHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

export function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** Clients decode `%` in the values of a header block, so it has to be encoded there. */
export function headerBlock(fields: EslFields): string {
  let text = ''
  for (const [name, value] of Object.entries(fields)) text += `${name}: ${encodeValue(value)}\n`
  return text
}

function encodeValue(value: string): string {
  return /^[\w\-./]*$/.test(value) ? value : encodeURIComponent(value)
}

export function commandReply(text: string): string {
  return `Content-Type: command/reply\nReply-Text: ${text}\n\n`
}

export function apiResponse(body: string): string {
  return `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`
}

export function eventMessage(format: 'json' | 'plain', fields: EslFields): string {
  const body = format === 'json' ? JSON.stringify(fields) : `${headerBlock(fields)}\n`
  return `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-${format}\n\n${body}`
}

export function disconnectNotice(uuid: string | undefined): string {
  const body = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n'
  const session =
    uuid === undefined ? '' : `Controlled-Session-UUID: ${uuid}\nContent-Disposition: disconnect\n`
  return `Content-Type: text/disconnect-notice\n${session}Content-Length: ${body.length}\n\n${body}`
}
