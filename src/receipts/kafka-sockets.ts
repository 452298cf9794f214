import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const keepAliveMs = 60_000

/**
 * The connections of one producer, which all end when it does. By itself kafkajs only takes its leave:
 * of a broker that says nothing a connection would stay with each try, and what was given up could be
 * sent late, over a new one.
 */
export function createKafkaSockets(): { readonly open: ISocketFactory; endAll(): void } {
  const sockets = new Set<Socket>()
  let isOver = false

  return {
    open({ host, port, ssl, onConnect }) {
      if (isOver) throw new Error('this producer is over')
      // Its type leaves out that it is null without TLS.
      const tls: ConnectionOptions | null = ssl
      const name = isIP(host) === 0 ? { servername: host } : {}
      const socket =
        tls === null
          ? connectPlain({ host, port }, onConnect)
          : connectTls({ host, port, ...name, ...tls }, onConnect)
      socket.setKeepAlive(true, keepAliveMs)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    endAll() {
      isOver = true
      for (const each of sockets) each.destroy(new Error('this producer is over'))
    },
  }
}
