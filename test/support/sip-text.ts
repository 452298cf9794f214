/** Just enough reading of SIP text for the tests. Independent of the engine's own parsers on purpose. */

export function startLine(message: string): string {
  return message.slice(0, message.indexOf('\r\n'))
}

/** Values of a header, in order; the compact forms that occur here are known. */
export function headers(message: string, name: string): string[] {
  const compact: Record<string, string> = { 'call-id': 'i', from: 'f', to: 't', contact: 'm' }
  const wanted = name.toLowerCase()
  const head = message.split('\r\n\r\n', 1)[0] ?? ''
  return head
    .split('\r\n')
    .slice(1)
    .flatMap((line) => {
      const colon = line.indexOf(':')
      const found = line.slice(0, colon).trim().toLowerCase()
      return found === wanted || found === compact[wanted] ? [line.slice(colon + 1).trim()] : []
    })
}

export function header(message: string, name: string): string {
  return headers(message, name)[0] ?? ''
}

export function isRequest(message: string, method: string): boolean {
  return message.startsWith(`${method} `)
}

/** The status of a response to this method, otherwise undefined. */
export function statusOf(message: string, method: string): number | undefined {
  const match = /^SIP\/2\.0 (\d{3}) /.exec(message)
  if (match === null || !header(message, 'cseq').endsWith(` ${method}`)) return undefined
  return Number(match[1])
}

/** The user part of the first SIP URI in the text, without escapes. */
export function userOf(text: string): string {
  const match = /sips?:([^@>;]*)@/i.exec(text)
  return decodeURIComponent(match?.[1] ?? '')
}

export type SoundTarget = {
  readonly host: string
  readonly port: number
  readonly payloadType: number
}

/** Where the SDP of this message wants the sound, and in which of our two codings. */
export function soundTarget(message: string): SoundTarget | undefined {
  const host = /^c=IN IP4 (\S+)/m.exec(message)?.[1]
  const media = /^m=audio (\d+) RTP\/AVP ([\d ]+)/m.exec(message)
  if (host === undefined || media?.[1] === undefined || media[2] === undefined) return undefined
  const payloadType = media[2]
    .split(' ')
    .map(Number)
    .find((type) => type === 0 || type === 8)
  const port = Number(media[1])
  return payloadType === undefined || port === 0 ? undefined : { host, port, payloadType }
}
