import { createSocket, type Socket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'

/** A UDP port that was free a moment ago, for a program that cannot bind port 0 itself. */
export async function freeUdpPort(host = '127.0.0.1'): Promise<number> {
  const socket = await boundUdpSocket(host)
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

export async function freeTcpPort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, () => resolve())
  })
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no port was given out')
  return address.port
}

export async function boundUdpSocket(host: string, port = 0): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).bind(port, host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  // A packet to a program that has just ended is no fault of the test.
  socket.on('error', () => undefined)
  return socket
}

const listening = '0A'

/** Whether somebody has the port now, read from the kernel: asking over the network would disturb it. */
export async function isBound(port: number, transport: 'udp' | 'tcp'): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const table = await readFile(`/proc/net/${transport}`, 'utf8')
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(
      ([, local, , state]) =>
        local?.endsWith(`:${hex}`) === true && (transport === 'udp' || state === listening),
    )
}

/** Waits for a condition with a limit: the only way in which the tests let time pass. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  msMax = 10_000,
  everyMs = 20,
): Promise<void> {
  const limit = performance.now() + msMax
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`waited ${msMax} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
