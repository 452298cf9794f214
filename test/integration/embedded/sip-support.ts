import { createSocket } from 'node:dgram'
import { createServer, connect as dial, type Socket } from 'node:net'
import DrachtioSrf from 'drachtio-srf'
import { expect } from 'vitest'
import { createSipServer, type SipServer } from '../../../src/embedded/sip/sip-server.ts'
import { header, headers, isRequest } from '../../support/sip-text.ts'

export const host = '127.0.0.1'
const secret = 'a secret'
/** With T1 at 20 ms the 32 s of the protocol pass in 1.3 s. */
const t1 = 20
export const sdp = [
  'v=0',
  `o=- 1 1 IN IP4 ${host}`,
  's=-',
  `c=IN IP4 ${host}`,
  't=0 0',
  'm=audio 30000 RTP/AVP 0',
  'a=sendrecv',
  '',
].join('\r\n')

export type ServerOptions = Omit<
  Parameters<typeof createSipServer>[0],
  'host' | 'sipPort' | 'clientPort' | 'secret'
>

export async function startServer(options: ServerOptions = {}): Promise<SipServer> {
  const server = createSipServer({
    host,
    sipPort: 0,
    clientPort: 0,
    secret,
    timers: { t1, t2: 8 * t1, t4: 10 * t1 },
    ...options,
  })
  await server.start()
  return server
}

/** Nothing may be left once the last timer has run out. */
export async function expectNothingLeft(server: SipServer): Promise<void> {
  await until('all transactions and dialogs are gone', () => {
    const { clientTransactions, serverTransactions, dialogs } = server.counts()
    return clientTransactions + serverTransactions + dialogs === 0
  })
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  msMax = 10_000,
): Promise<void> {
  const limit = performance.now() + msMax
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`waited ${msMax} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The part of drachtio-srf that these tests use; its own declarations leave much out. */
export type AppRequest = {
  readonly method: string
  readonly body: string
  readonly uri: string
  readonly source_address: string
  readonly source_port: number
  readonly receivedOn: string
  get(name: string): string
  has(name: string): boolean
  on(event: string, act: (...all: never[]) => void): void
  cancel(done?: (error: Error | null) => void): void
}
export type AppResponse = {
  readonly status: number
  readonly reason: string
  readonly body: string
  get(name: string): string
  send(status: number, options?: object, done?: (error: unknown, sent: AppRequest) => void): void
  send(status: number, reason: string, options?: object): void
}
export type AppDialog = {
  readonly id: string
  readonly connected: boolean
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string }
  readonly remote: { readonly sdp: string }
  destroy(options?: object): Promise<AppRequest>
  modify(sdp: string): Promise<string>
  request(options: { method: string; headers?: object; body?: string }): Promise<AppResponse>
  on(event: string, act: (request: AppRequest, more: never) => void): void
  once(event: string, act: (request: AppRequest, more: never) => void): void
}
type Progress = {
  cbRequest?: (error: Error | null, request: AppRequest) => void
  cbProvisional?: (response: AppResponse) => void
}
export type Srf = {
  connect(options: object): void
  disconnect(): void
  on(event: string, act: (...all: never[]) => void): void
  use(verb: string, act: (request: AppRequest, response: AppResponse) => void): void
  request(uri: string, options: object, done: (error: Error | null, sent: AppRequest) => void): void
  createUAS(request: AppRequest, response: AppResponse, options: object): Promise<AppDialog>
  createUAC(uri: string, options: object, progress?: Progress): Promise<AppDialog>
  createB2BUA(
    request: AppRequest,
    response: AppResponse,
    uri: string,
    options: object,
  ): Promise<{ uas: AppDialog; uac: AppDialog }>
}

export type Handlers = Readonly<Record<string, (req: AppRequest, res: AppResponse) => void>>

/** A drachtio-srf program, connected. Verbs are registered first, or they would be sent again and again. */
export async function connectApp(
  client: { readonly host: string; readonly port: number },
  handlers: Handlers = {},
): Promise<Srf> {
  const srf = new (DrachtioSrf as unknown as new () => Srf)()
  for (const [verb, act] of Object.entries(handlers)) srf.use(verb, act)
  srf.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    srf.on('connect', (error: Error | null) => (error === null ? resolve() : reject(error)))
    srf.connect({ ...client, secret })
  })
  return srf
}

export type Phone = Awaited<ReturnType<typeof createPhone>>

/** A telephone made of one socket: it sends what it is told to, and remembers what it hears. */
export async function createPhone(transport: 'udp' | 'tcp' = 'udp') {
  const wire = transport === 'udp' ? await udpWire() : await tcpWire()
  const heard: string[] = []
  let unread = 0
  wire.onMessage((text) => void heard.push(text))
  const name = `${host}:${wire.port()}`
  let calls = 0

  const via = () => {
    calls += 1
    return `Via: SIP/2.0/${transport.toUpperCase()} ${name};rport;branch=z9hG4bK${wire.port()}x${calls}`
  }

  async function expectNext(start: string): Promise<string> {
    await until(`'${start}' among ${JSON.stringify(heard.map(firstLine))}`, () =>
      heard.slice(unread).some((each) => each.startsWith(start)),
    )
    const index = heard.findIndex((each, at) => at >= unread && each.startsWith(start))
    unread = index + 1
    return heard[index] ?? ''
  }

  return {
    name,
    heard,
    contact: `<sip:phone@${name}${transport === 'tcp' ? ';transport=tcp' : ''}>`,
    send: (text: string, to: Target) => wire.send(text, to),
    /** The next message that starts so; what comes before it is passed over. */
    expect: expectNext,
    count: (start: string) => heard.filter((each) => each.startsWith(start)).length,
    /** A request outside any dialog. */
    request(method: string, to: Target, more: RequestParts = {}): string {
      const { headers: extra = [], body = '', callId = `${name}-${Math.random()}` } = more
      return [
        `${method} sip:1000@${to.host}:${to.port} SIP/2.0`,
        more.via ?? via(),
        'Max-Forwards: 70',
        `From: <sip:caller@${name}>;tag=${more.tag ?? 'caller'}`,
        `To: ${more.to ?? `<sip:1000@${to.host}>`}`,
        `Call-ID: ${callId}`,
        `CSeq: ${more.cseq ?? 1} ${method}`,
        `Contact: <sip:phone@${name}${transport === 'tcp' ? ';transport=tcp' : ''}>`,
        ...extra,
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n')
    },
    /** A request inside the dialog that this 2xx (or 1xx) to our INVITE has opened. */
    inside(method: string, response: string, more: RequestParts & { cseq: number }): string {
      const { headers: extra = [], body = '' } = more
      return [
        `${method} ${uriOf(header(response, 'contact'))} SIP/2.0`,
        more.via ?? via(),
        'Max-Forwards: 70',
        `From: ${header(response, 'from')}`,
        `To: ${header(response, 'to')}`,
        `Call-ID: ${header(response, 'call-id')}`,
        `CSeq: ${more.cseq} ${method}`,
        ...extra,
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n')
    },
    /** A request of ours in the dialog that this INVITE to us has opened. */
    back(method: string, invite: string, more: RequestParts & { cseq: number }): string {
      const { headers: extra = [], body = '' } = more
      return [
        `${method} ${uriOf(header(invite, 'contact'))} SIP/2.0`,
        via(),
        'Max-Forwards: 70',
        `From: ${header(invite, 'to')};tag=${more.tag ?? 'callee'}`,
        `To: ${header(invite, 'from')}`,
        `Call-ID: ${header(invite, 'call-id')}`,
        `CSeq: ${more.cseq} ${method}`,
        ...extra,
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n')
    },
    /** A response to a request that we have received. */
    response(status: number, request: string, more: ResponseParts = {}): string {
      const { tag = 'callee', headers: extra = [], body = '' } = more
      const to = header(request, 'to')
      const isOpening = isRequest(request, 'INVITE') && status > 100 && status < 300
      return [
        `SIP/2.0 ${status} ${more.reason ?? 'Because'}`,
        ...headers(request, 'via').map((value) => `Via: ${value}`),
        ...headers(request, 'record-route').map((value) => `Record-Route: ${value}`),
        `From: ${header(request, 'from')}`,
        `To: ${to}${to.includes(';tag=') || status === 100 ? '' : `;tag=${tag}`}`,
        `Call-ID: ${header(request, 'call-id')}`,
        `CSeq: ${header(request, 'cseq')}`,
        ...(isOpening
          ? [`Contact: <sip:phone@${name}${transport === 'tcp' ? ';transport=tcp' : ''}>`]
          : []),
        ...extra,
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n')
    },
    close: wire.close,
  }
}

export type Target = { readonly host: string; readonly port: number }
type RequestParts = {
  readonly via?: string
  readonly tag?: string
  readonly to?: string
  readonly callId?: string
  readonly cseq?: number
  readonly headers?: readonly string[]
  readonly body?: string
}
type ResponseParts = {
  readonly tag?: string
  readonly reason?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

const firstLine = (text: string): string => text.slice(0, text.indexOf('\r\n'))
export const uriOf = (value: string): string =>
  /<([^>]+)>/.exec(value)?.[1] ?? (value === '' ? `sip:1000@${host}` : value)
export const tagOf = (value: string): string => /;tag=([^;>\s]+)/.exec(value)?.[1] ?? ''

/** Where a request came from, as its topmost Via says: that is where a phone answers to. */
export function senderOf(request: string): Target {
  const found = /SIP\/2\.0\/\w+ ([\d.]+):(\d+)/.exec(header(request, 'via'))
  return { host: found?.[1] ?? host, port: Number(found?.[2] ?? 5060) }
}

type Wire = {
  port(): number
  send(text: string, to: Target): void
  onMessage(act: (text: string) => void): void
  close(): Promise<void>
}

async function udpWire(): Promise<Wire> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, host, resolve))
  return {
    port: () => socket.address().port,
    send: (text, to) => socket.send(Buffer.from(text), to.port, to.host),
    onMessage: (act) => void socket.on('message', (data) => act(data.toString())),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

async function tcpWire(): Promise<Wire> {
  const sockets = new Set<Socket>()
  let act: (text: string) => void = () => undefined
  const attach = (socket: Socket) => {
    sockets.add(socket)
    let kept = ''
    socket.on('data', (data) => {
      kept += data.toString()
      for (;;) {
        const end = kept.indexOf('\r\n\r\n')
        if (end === -1) return
        const total = end + 4 + Number(header(kept.slice(0, end + 4), 'content-length'))
        if (kept.length < total) return
        act(kept.slice(0, total))
        kept = kept.slice(total)
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer(attach)
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  let out: Socket | undefined
  return {
    port: () => port,
    send(text, to) {
      out ??= attach(dial(to.port, to.host))
      out.write(text)
    },
    onMessage(then) {
      act = then
    },
    close() {
      for (const each of sockets) each.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** An INVITE of this phone, answered: the 200 and what is needed to go on. */
export async function callAndAcknowledge(
  phone: Phone,
  to: Target,
  more: RequestParts = {},
): Promise<string> {
  phone.send(phone.request('INVITE', to, { body: sdp, ...more }), to)
  const ok = await phone.expect('SIP/2.0 200')
  expect(header(ok, 'cseq')).toBe('1 INVITE')
  phone.send(phone.inside('ACK', ok, { cseq: 1 }), to)
  return ok
}
