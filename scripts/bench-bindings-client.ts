import { connect, type Socket } from 'node:net'
import { aAt, bAt } from './bench-people.ts'
import { runHelper, timed } from './bench-process.ts'

export type ClientSetup = {
  readonly port: number
  readonly token: string
  readonly poolKey: string
  readonly inFlight: number
}

/** `unbind` ends what the `bind` before it has made. Done: how many per second. */
export type WriteTask =
  | { readonly do: 'bind'; readonly from: number; readonly count: number }
  | { readonly do: 'unbind' }

function binds(
  { port, token, poolKey }: ClientSetup,
  { from, count }: { from: number; count: number },
): Buffer[] {
  const expiresAt = new Date(Date.now() + 24 * 3_600_000).toISOString()
  return Array.from({ length: count }, (_, at) => {
    const parties = { phoneA: aAt(from + at), phoneB: bAt(from + at) }
    const body = JSON.stringify({ poolKey, ...parties, expiresAt })
    return Buffer.from(
      `POST /v1/bindings HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

function unbinds({ port, token }: ClientSetup, ids: readonly string[]): Buffer[] {
  return ids.map((id) =>
    Buffer.from(
      `DELETE /v1/bindings/${id} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
        `authorization: Bearer ${token}\r\n\r\n`,
    ),
  )
}

function idIn(answer: string): string {
  const at = answer.indexOf('"id":"') + '"id":"'.length
  return answer.slice(at, answer.indexOf('"', at))
}

type Line = { ask(request: Buffer): Promise<string>; close(): void }

/** One connection that is kept, with one request on it at a time. */
async function openLine(port: number): Promise<Line> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  let waiting: { resolve(answer: string): void; reject(err: Error): void } | undefined
  let heard = ''
  socket.on('data', (chunk: string) => {
    heard += chunk
    if (!isWhole(heard)) return
    const answer = heard
    heard = ''
    waiting?.resolve(answer)
  })
  socket.on('close', () => waiting?.reject(new Error('the server has closed the connection')))
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

function isWhole(heard: string): boolean {
  const head = heard.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(heard.slice(0, head))?.[1]
  return length === undefined || heard.length >= head + '\r\n\r\n'.length + Number(length)
}

/**
 * The least that can speak HTTP/1.1 to a server that is known: requests are laid out before the
 * clock starts, an answer is whole by its Content-Length, and nothing is read of it but the status
 * and the id. What it costs is still taken from the side that is measured: they share the machine.
 */
runHelper<ClientSetup, WriteTask, number>(async (setup) => {
  const free = await Promise.all(Array.from({ length: setup.inFlight }, () => openLine(setup.port)))
  let bound: string[] = []

  async function ask(request: Buffer, status: string): Promise<string> {
    const line = free.pop()
    if (line === undefined) throw new Error('more requests than lines')
    const answer = await line.ask(request)
    free.push(line)
    if (!answer.startsWith(`HTTP/1.1 ${status}`)) throw new Error(answer)
    return answer
  }

  return {
    async do(task) {
      const ended = bound
      bound = []
      const jobs =
        task.do === 'bind'
          ? binds(setup, task).map((request) => async () => {
              bound.push(idIn(await ask(request, '201')))
            })
          : unbinds(setup, ended).map((request) => async () => {
              await ask(request, '204')
            })
      return timed(jobs, setup.inFlight)
    },
    async close() {
      for (const line of free) line.close()
    },
  }
})
