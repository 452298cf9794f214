import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { identify } from '../../../src/embedded/process-identity.ts'
import { type Embedded, startEmbedded } from '../../../src/embedded/start-embedded.ts'

const standIns = { postgres: false, redis: false, sip: true, media: true }
const patient = { timeout: 20_000, interval: 20 }

let home: string
const ending: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'axb-'))
})

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  await rm(home, { recursive: true, force: true })
})

async function start(
  options: Partial<Parameters<typeof startEmbedded>[0]> = {},
): Promise<Embedded> {
  const runtime = await startEmbedded({ dataDir: home, start: standIns, ...options })
  ending.push(() => runtime.stop())
  return runtime
}

async function accepts(url: string | undefined): Promise<boolean> {
  const { hostname, port } = new URL(url ?? '')
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Somebody else's UDP and TCP port. */
async function occupiedPort(): Promise<{ udp: number; tcp: number }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.push(async () => {
    socket.close()
    server.close()
  })
  return { udp: socket.address().port, tcp: (server.address() as AddressInfo).port }
}

test('all four parts start, each with an address, and a stop leaves no process', async () => {
  const all = { postgres: true, redis: true, sip: true, media: true }
  const runtime = await start({ start: all, durable: false })
  expect(runtime).toMatchObject({
    databaseUrl: expect.stringMatching(/^postgres:\/\//),
    redisUrl: expect.stringMatching(/^unix:\/\//),
    drachtioUrl: expect.stringMatching(/^drachtio:\/\/:[\w-]{20,}@127\.0\.0\.1:\d+$/),
    freeswitchUrls: expect.stringMatching(/^freeswitch:\/\/:[\w-]{20,}@127\.0\.0\.1:\d+$/),
    sipAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  })
  const pids = Object.values(runtime.pids())
  expect(pids).toHaveLength(4)
  await runtime.stop()
  expect(pids.filter((pid) => identify(pid) !== undefined)).toEqual([])
  expect(await accepts(runtime.drachtioUrl)).toBe(false)
  expect(await accepts(runtime.freeswitchUrls)).toBe(false)
})

test('a part that runs elsewhere is not started', async () => {
  const runtime = await start({ start: { ...standIns, media: false } })
  expect(Object.keys(runtime.pids())).toEqual(['sip'])
  expect(runtime).toMatchObject({ databaseUrl: undefined, freeswitchUrls: undefined })
})

test('a stand-in that dies comes back at the same addresses', async () => {
  const runtime = await start({ restart: true })
  const before = runtime.pids()
  await Promise.all([runtime.kill('sip'), runtime.kill('media')])
  await vi.waitFor(async () => {
    const now = runtime.pids()
    expect(Object.keys(now).sort()).toEqual(['media', 'sip'])
    expect([now.sip, now.media]).not.toEqual([before.sip, before.media])
    expect(await accepts(runtime.drachtioUrl)).toBe(true)
    expect(await accepts(runtime.freeswitchUrls)).toBe(true)
  }, patient)
})

test('the stand-ins say what they hold', async () => {
  const runtime = await start()
  expect(await runtime.counts('sip')).toMatchObject({ dialogs: 0 })
  expect(Object.keys(await runtime.counts('media')).length).toBeGreaterThan(1)
  await runtime.kill('media')
  await expect(runtime.counts('media')).rejects.toThrow('media is not running')
})

test('a taken port is named, with what to do about it', async () => {
  const taken = await occupiedPort()
  await expect(start({ sipPort: taken.udp })).rejects.toThrow(
    `port ${taken.udp}/udp is taken; set SIP_PORT to choose another`,
  )
  await expect(start({ sipPort: taken.tcp })).rejects.toThrow(`port ${taken.tcp}/tcp is taken`)
  await expect(start({ eslPort: taken.tcp })).rejects.toThrow(`port ${taken.tcp}/tcp is taken`)
})

test('a start that fails leaves nothing behind, so that the next one can succeed', async () => {
  await expect(start({ host: '203.0.113.7' })).rejects.toThrow('203.0.113.7')
  const runtime = await start()
  expect(Object.keys(runtime.pids()).sort()).toEqual(['media', 'sip'])
})
