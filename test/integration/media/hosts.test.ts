import { connect, createServer, type Server } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connectMediaHost, type MediaHost } from '../../../src/media/hosts.ts'
import { type ServerProcess, startServer } from '../../support/media-runtime.ts'
import { freeTcpPort } from '../../support/ports.ts'

let media: ServerProcess
let host: MediaHost | undefined
let way: Awaited<ReturnType<typeof openWay>> | undefined
let port: number

beforeEach(async () => {
  media = await startServer('media', ['--rtp-min', '30000', '--rtp-max', '39999'])
  port = await freeTcpPort()
})

afterEach(async () => {
  host?.close()
  await way?.close()
  await media.stop()
})

/** A way to the media server's event socket that can be opened and cut. */
async function openWay() {
  const [toHost = '', toPort = ''] = (media.ready['esl'] ?? '').split(':')
  const cuts: (() => void)[] = []
  const server: Server = createServer((near) => {
    const far = connect(Number(toPort), toHost)
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) socket.on('error', () => undefined)
    cuts.push(() => [near, far].forEach((socket) => void socket.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  return {
    async close(): Promise<void> {
      for (const cut of cuts) cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function connectHost() {
  const failures = vi.fn()
  const log = pino({ level: 'warn' }, { write: failures })
  const changes: boolean[] = []
  host = connectMediaHost({
    srf: {},
    address: { host: '127.0.0.1', port, password: 'ClueCon' },
    listenHost: '127.0.0.1',
    listenPort: 0,
    log,
    onChange: (up) => void changes.push(up),
  })
  return { host, failures, changes }
}

const connections = async () => (await media.counts())['eslConnections']

test('a host that was away has one connection of ours when it is back, not one for every try', async () => {
  const { host, failures } = connectHost()
  await vi.waitFor(() => expect(failures.mock.calls.length).toBeGreaterThan(2), 5000)
  expect(host.up).toBe(false)
  way = await openWay()
  await vi.waitFor(() => expect(host.up).toBe(true), 5000)
  // The library's own redials would all have come within this time.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(await connections()).toBe(1)
})

test('a host that is lost is told of, and is up again when it is back', async () => {
  way = await openWay()
  const { host, changes } = connectHost()
  await vi.waitFor(() => expect(host.up).toBe(true), 5000)
  const lost = vi.fn()
  const silent = vi.fn()
  host.onLost(lost)
  host.onLost(silent)()
  await way.close()
  await vi.waitFor(() => expect(lost).toHaveBeenCalledTimes(1), 5000)
  expect(host.up).toBe(false)
  way = await openWay()
  await vi.waitFor(() => expect(host.up).toBe(true), 5000)
  expect(changes).toEqual([true, false, true])
  expect(silent).not.toHaveBeenCalled()
})

test('a host that is closed is not dialled again', async () => {
  const { host, failures } = connectHost()
  await vi.waitFor(() => expect(failures).toHaveBeenCalled(), 5000)
  host.close()
  way = await openWay()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await connections()).toBe(0)
  expect(host.up).toBe(false)
})
