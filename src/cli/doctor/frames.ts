import { connect, type Socket } from 'node:net'

/** One connection on which the doctor speaks a protocol by hand, with a limit on every wait. */
export type Conversation = {
  send(text: string): void
  /** Resolves once `find` makes something of what was received since the last answer, and forgets that. */
  expect<T>(find: (received: string) => T | undefined): Promise<T>
  end(): void
}

const connectMsMax = 3_000
const answerMsMax = 3_000
/** No honest answer to what the doctor asks is longer. */
const receivedMax = 256 * 1024

export async function converse(host: string, port: number): Promise<Conversation> {
  const socket = await connected(host, port)
  socket.setEncoding('utf8')
  let received = ''
  let closed: Error | undefined
  let wake = () => {}
  socket.on('data', (text: string) => {
    received = (received + text).slice(-receivedMax)
    wake()
  })
  socket.on('error', (err) => {
    closed = err
    wake()
  })
  socket.on('close', () => {
    closed ??= new Error('the connection was closed')
    wake()
  })

  return {
    send: (text) => void socket.write(text),
    end: () => void socket.destroy(),
    expect: (find) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no answer within ${answerMsMax} ms`)),
          answerMsMax,
        )
        wake = () => {
          const found = find(received)
          if (found === undefined && closed === undefined) return
          clearTimeout(timer)
          received = ''
          wake = () => {}
          if (found === undefined) reject(closed)
          else resolve(found)
        }
        wake()
      }),
  }
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    socket.setTimeout(connectMsMax, () => {
      socket.destroy(new Error(`no connection within ${connectMsMax} ms`))
    })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
