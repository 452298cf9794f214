import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The bytes as they came. */
  readonly body: string
  readonly receipts: readonly Record<string, unknown>[]
}

export type Receiver = {
  /** Without a slash at its end. */
  readonly url: string
  /** All that came, in the order in which it came, whatever was answered. */
  readonly received: Received[]
  /** How it answers from now on; by default `{"code":0,"msg":"ok"}`. */
  answer(how: Answer): void
  /** Ids of the receipts of those deliveries that were taken. */
  readonly taken: string[]
  close(): Promise<void>
}

type Answer = (received: Received, response: ServerResponse) => unknown

export const takes: Answer = (_received, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"code":0,"msg":"ok"}')
}

export const refuses: Answer = (_received, response) => {
  response.statusCode = 500
  response.end()
}

/** A customer's server, on this machine. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const taken: string[] = []
  let answer: Answer = takes
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8')
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body,
        receipts: JSON.parse(body) as Record<string, unknown>[],
      }
      received.push(one)
      response.on('finish', () => {
        if (answer === takes) taken.push(...one.receipts.map(({ id }) => String(id)))
      })
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answer(how) {
      answer = how
    },
    taken,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
