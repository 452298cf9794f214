import { randomUUID } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { vi } from 'vitest'

/** A frame of the engine: its id, what it is about, and the SIP text behind it. */
export type EngineFrame = {
  readonly id: string
  readonly transactionId: string
  readonly dialogId: string
  readonly text: string
  readonly bytes: number
}

export type ScriptedSipServer = Awaited<ReturnType<typeof startScriptedSipServer>>

/**
 * The drachtio side of a connection, played line by line: for what depends on the packets in which
 * messages come, which no real server lets a test choose. Login, routes and pings answer themselves.
 */
export async function startScriptedSipServer() {
  const frames: EngineFrame[] = []
  let socket: Socket | undefined
  const server = createServer((fresh) => {
    socket = fresh
    fresh.on('error', () => undefined)
    let kept = Buffer.alloc(0)
    fresh.on('data', (chunk) => {
      kept = Buffer.concat([kept, chunk])
      for (;;) {
        const hash = kept.indexOf('#')
        const end = hash + 1 + Number(kept.toString('utf8', 0, Math.max(hash, 0)))
        if (hash === -1 || kept.length < end) return
        take(kept.toString('utf8', hash + 1, end))
        kept = kept.subarray(end)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given out')

  /** All in one packet. */
  function send(...payloads: readonly string[]): void {
    const framed = payloads.map((payload) => `${Buffer.byteLength(payload)}#${payload}`)
    socket?.write(framed.join(''))
  }

  function take(payload: string): void {
    const end = payload.indexOf('\r\n')
    const tokens = (end === -1 ? payload : payload.slice(0, end)).split('|')
    const [id = '', type, transactionId = '', dialogId = ''] = tokens
    if (type === 'authenticate') send(ok(id, 'udp/127.0.0.1:5060', 'v0.9.10'))
    else if (type !== 'sip') send(ok(id))
    else {
      const text = payload.slice(end + 2)
      frames.push({ id, transactionId, dialogId, text, bytes: Buffer.byteLength(payload) })
    }
  }

  return {
    host: '127.0.0.1',
    port: address.port,
    frames,
    send,
    /** The first frame whose SIP text begins so, when it is there. */
    frame: (begin: string) =>
      vi.waitFor(() => {
        const found = frames.find((frame) => frame.text.startsWith(begin))
        if (found === undefined) throw new Error(`no ${begin} has come`)
        return found
      }),
    /** The connection breaks. */
    drop: () => socket?.destroy(),
    async close(): Promise<void> {
      socket?.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const ok = (id: string, ...more: readonly string[]) =>
  [randomUUID(), 'response', id, 'OK', ...more].join('|')

/** The server's "not done", with its reason. */
export function refused(frame: EngineFrame, reason: string): string {
  return [randomUUID(), 'response', frame.id, 'NOK', reason].join('|')
}

const from = (address: string) => `udp|${address}|5060|10:00:00.000000`

/** A SIP message of the network, as the server passes it up. */
export function fromNetwork(
  transactionId: string,
  dialogId: string,
  text: string,
  address = '192.0.2.1',
): string {
  return `${randomUUID()}|sip|network|100|${from(address)}|${transactionId}|${dialogId}|\r\n${text}`
}

/** "Sent": the server's answer to a request or response of the engine, with what went out. */
export function sent(frame: EngineFrame, transactionId: string, dialogId = ''): string {
  const isRequest = !frame.text.startsWith('SIP/')
  const ids = isRequest ? transactionId : `${transactionId}|${dialogId}||`
  return `${ok(frame.id, 'application', '100', from('192.0.2.1'), ids)}|Msg sent:|\r\n${completed(frame.text)}`
}

/** What the server adds to a message, as far as the library reads it. */
function completed(text: string): string {
  const added: string[] = []
  if (!/^call-id:/im.test(text)) added.push('Call-ID: made-by-the-server')
  if (!/^cseq:/im.test(text)) added.push('CSeq: 1 INVITE')
  if (!/^contact:/im.test(text)) added.push('Contact: <sip:127.0.0.1:5060>')
  if (!/^to:/im.test(text)) added.push('To: <sip:callee@192.0.2.1>')
  const tagged = text
    .replace(/^(from: [^\r\n;]*)$/im, '$1;tag=ours')
    .replace(/^(to: [^\r\n;]*)$/im, text.startsWith('SIP/') ? '$1;tag=ours' : '$1')
  return tagged.replace('\r\n', ['', ...added, ''].join('\r\n'))
}

/** A SIP text of header lines and, if any, an SDP. */
export function sipText(lines: readonly string[], body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp']
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  return [...lines, ...type, length, '', body].join('\r\n')
}
