import {
  type LookupAddress,
  type LookupAllOptions,
  type LookupOptions,
  lookup as lookupSystem,
} from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isInsideAddress, isInsideHost } from '../platform/inside-network.ts'
import { networkWords } from './network-words.ts'

export type PushRequest = {
  readonly url: string
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** How a receiver answered. `fault` undefined: it took the batch. Never holds text of the receiver's. */
export type PushAnswer = {
  readonly status: number | undefined
  readonly fault: string | undefined
  readonly ms: number
}

export type PushPost = {
  /** Never rejects. */
  send(request: PushRequest): Promise<PushAnswer>
  /** Closes what is kept open. */
  close(): void
}

/** An honest answer, `{"code":0,"msg":"…"}`, has some dozen bytes. */
const answerBytesMax = 64 * 1024
const socketsPerHostMax = 32
const keptSocketsMax = 4
/** As many as can be stale at once. */
const staleTriesMax = keptSocketsMax

/** Says what is wrong in words that go into the delivery log. */
class PushFault extends Error {}

class StaleSocket extends Error {
  constructor(cause: Error) {
    super('a kept connection was lost', { cause })
  }
}

const insideFault = 'the address is in this network, where pushes are not allowed to go'

/**
 * Posts batches. Connects only to addresses that are outside unless `privateHosts`: the address
 * that a name leads to is looked at when it is connected to, so that a name cannot be pointed
 * elsewhere in between. Redirects are answers like any other that is not 200.
 */
export function createPushPost({
  privateHosts,
  lookup = lookupHost,
}: {
  privateHosts: boolean
  /** Of all addresses of a host; the system's. */
  lookup?: Lookup
}): PushPost {
  const options = {
    keepAlive: true,
    maxSockets: socketsPerHostMax,
    maxFreeSockets: keptSocketsMax,
    ...(privateHosts ? {} : { lookup: outside(lookup) }),
  }
  const http = new HttpAgent(options)
  const https = new HttpsAgent(options)

  function exchange({ url, headers, body }: PushRequest, signal: AbortSignal) {
    const target = new URL(url)
    const isHttps = target.protocol === 'https:'
    const post = isHttps ? requestHttps : requestHttp
    const agent = isHttps ? https : http
    const length = { 'content-length': String(body.byteLength) }
    return new Promise<IncomingMessage>((resolve, reject) => {
      // A literal address is connected to without a lookup.
      if (!privateHosts && isInsideHost(target.hostname)) throw new PushFault(insideFault)
      const headersAll = { ...headers, ...length }
      const sent = post(target, { method: 'POST', headers: headersAll, agent, signal })
      sent.on('response', resolve)
      sent.on('error', (err) => reject(sent.reusedSocket ? new StaleSocket(err) : err))
      sent.end(body)
    })
  }

  /** A connection that was kept may have been closed by the other side just now: that is no fault. */
  async function exchangeOnce(request: PushRequest, signal: AbortSignal) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await exchange(request, signal)
      } catch (err) {
        if (!(err instanceof StaleSocket)) throw err
        if (signal.aborted || tries === staleTriesMax) throw err.cause
      }
    }
  }

  return {
    async send(request) {
      const began = performance.now()
      const signal = AbortSignal.timeout(request.timeoutMs)
      let status: number | undefined
      let fault: string | undefined
      try {
        const answer = await exchangeOnce(request, signal)
        status = answer.statusCode
        fault = await faultOf(answer)
      } catch (err) {
        fault = signal.aborted ? `no answer within ${request.timeoutMs} ms` : wordsFor(err)
      }
      return { status, fault, ms: Math.round(performance.now() - began) }
    },
    close() {
      http.destroy()
      https.destroy()
    },
  }
}

type Found = (
  err: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void

type Lookup = (
  host: string,
  options: LookupAllOptions,
  done: (err: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

const lookupHost: Lookup = (host, options, done) => lookupSystem(host, options, done)

/** A name that leads inside with any of its addresses is not connected to at all. */
function outside(lookup: Lookup) {
  return (host: string, options: LookupOptions, done: Found): void => {
    lookup(host, { ...options, all: true }, (err, found) => {
      if (err !== null) return done(err, [])
      const [first] = found
      if (first === undefined) done(new PushFault('the host has no address'), [])
      else if (found.some(({ address }) => isInsideAddress(address))) {
        done(new PushFault(insideFault), [])
      } else if (options.all === true) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}

/** What is missing for 200 and a JSON object with a number as `code`. */
async function faultOf(answer: IncomingMessage): Promise<string | undefined> {
  if (answer.statusCode !== 200) {
    // Whatever else it says is not of interest: the connection is not worth keeping either.
    answer.destroy()
    return `status ${answer.statusCode}`
  }
  const text = await textOf(answer)
  const code = codeIn(text)
  if (code === undefined) return 'the answer is no JSON object'
  return typeof code.value === 'number' ? undefined : 'the answer has no number as code'
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length
    // Leaving the loop destroys the stream.
    if (bytes > answerBytesMax) throw new PushFault('the answer is too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function codeIn(text: string): { value: unknown } | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return undefined
    return { value: 'code' in answer ? answer.code : undefined }
  } catch {
    return undefined
  }
}

/** Codes are of closed lists; a message could hold what the receiver has sent. */
function wordsFor(err: unknown): string {
  if (err instanceof PushFault) return err.message
  const code = err instanceof Error && 'code' in err ? String(err.code) : 'unknown'
  if (/^HPE_/.test(code)) return 'the answer is no HTTP'
  return networkWords(code) ?? `the request failed: ${code}`
}
