import { connect, type Socket } from 'node:net'

type Line = { ask(request: Buffer): Promise<string>; close(): void }

/**
 * One connection that is kept, with one request on it at a time: the least that can speak HTTP/1.1
 * to a server that is known. An answer is whole by its Content-Length. What it costs is still taken
 * from the side that is measured: they share the machine.
 */
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

const retriesMax = 20

/**
 * So many of them; a request takes one that is free, and fails on any other status, except that a
 * server which is too busy is asked again: it costs that side the time.
 */
export async function openLines(port: number, count: number) {
  const free = await Promise.all(Array.from({ length: count }, () => openLine(port)))

  async function ask(request: Buffer, status: string, retries = retriesMax): Promise<string> {
    const line = free.pop()
    if (line === undefined) throw new Error('more requests than lines')
    const answer = await line.ask(request)
    free.push(line)
    if (answer.startsWith(`HTTP/1.1 ${status}`)) return answer
    if (answer.startsWith('HTTP/1.1 503') && retries > 0) return ask(request, status, retries - 1)
    throw new Error(answer)
  }

  return {
    ask,
    close() {
      for (const line of free) line.close()
    },
  }
}

/** The text of a member of a JSON answer, found without reading the rest. */
export function textIn(answer: string, name: string): string {
  const at = answer.indexOf(`"${name}":"`) + name.length + 4
  return answer.slice(at, answer.indexOf('"', at))
}
