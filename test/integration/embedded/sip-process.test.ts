import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createUserAgent, type UserAgent } from '../../../src/embedded/sip/user-agent.ts'
import { freeUdpPort, isBound } from '../../support/ports.ts'
import { connectApp, type Srf, sdp, type Target, until } from './sip-support.ts'

/** The stand-in as it is used: a process of its own, with SIPp on both ends of a back-to-back program. */

const secret = 'a secret'
const host = '127.0.0.1'
const children: ChildProcess[] = []
const apps: Srf[] = []
const callees: UserAgent[] = []
const quick = { t1: 50, t2: 400, t4: 500 }

type Started = {
  readonly child: ChildProcess
  readonly sip: Target
  readonly client: Target
  counts(): Promise<Readonly<Record<string, number>>>
}

async function startProcess(t1 = 500): Promise<Started> {
  const entry = ['--import', 'tsx', 'src/embedded/sip/main.ts']
  const args = ['--sip-port', '0', '--client-port', '0', '--secret', secret, '--t1', String(t1)]
  const child = spawn(process.execPath, [...entry, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ready = JSON.parse(await nextLine(lines)) as { sip: string; client: string }
  return {
    child,
    sip: place(ready.sip),
    client: place(ready.client),
    async counts() {
      const line = nextLine(lines)
      child.stdin.write('counts\n')
      return JSON.parse(await line) as Record<string, number>
    },
  }
}

/** The process prints a line for each that it is asked for; when it ends there are no more. */
async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  if (done === true) throw new Error('the process has ended')
  return value
}

function place(text: string): Target {
  const [name = '', port = ''] = text.split(':')
  return { host: name, port: Number(port) }
}

async function sipp(args: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const port = await freeUdpPort()
  const child = spawn('sipp', [...args, '-i', host, '-p', String(port), '-nostdin'], {
    stdio: 'ignore',
  })
  children.push(child)
  await until('SIPp is there', () => isBound(port, 'udp'))
  return { child, port }
}

/** Joins every caller with the callee at this port. */
async function addBridge(client: Target, port: number): Promise<{ ended: () => number }> {
  let ended = 0
  const app: Srf = await connectApp(client, {
    invite(req, res) {
      app
        .createB2BUA(req, res, `sip:bob@${host}:${port}`, { localSdpB: req.body || sdp })
        .then(({ uas, uac }) => {
          const both = [uas, uac] as const
          for (const [index, dialog] of both.entries()) {
            const onEnd = () => {
              ended += 1
              void both[1 - index]?.destroy()
            }
            // A BYE that comes in the same moment as the answer is over before anybody can listen.
            if (dialog.connected) dialog.on('destroy', onEnd)
            else onEnd()
          }
        })
        .catch(() => undefined)
    },
  })
  apps.push(app)
  return { ended: () => ended }
}

async function expectNothingLeft(server: Started): Promise<void> {
  await until('nothing is left', async () => {
    const { clientTransactions, serverTransactions, dialogs } = await server.counts()
    return clientTransactions === 0 && serverTransactions === 0 && dialogs === 0
  })
}

beforeEach(() => {
  children.length = 0
})
afterEach(async () => {
  for (const app of apps.splice(0)) app.disconnect()
  await Promise.all(callees.splice(0).map((callee) => callee.stop()))
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
})

test('ends when whoever started it closes its stdin, and at SIGTERM', async () => {
  const one = await startProcess()
  const gone = once(one.child, 'exit')
  one.child.stdin?.end()
  expect(await gone).toEqual([0, null])
  const two = await startProcess()
  const killed = once(two.child, 'exit')
  two.child.kill('SIGTERM')
  expect(await killed).toEqual([0, null])
})

test('says what is wrong when its port is taken', async () => {
  const one = await startProcess()
  const entry = ['--import', 'tsx', 'src/embedded/sip/main.ts']
  const second = spawn(process.execPath, [...entry, '--sip-port', String(one.sip.port)])
  children.push(second)
  let said = ''
  second.stderr.on('data', (data) => {
    said += String(data)
  })
  expect(await once(second, 'exit')).toEqual([1, null])
  expect(said).toContain(`EADDRINUSE`)
  expect(said).toContain(String(one.sip.port))
})

test('joins SIPp with SIPp', async () => {
  const server = await startProcess()
  const callee = await sipp(['-sn', 'uas'])
  const bridge = await addBridge(server.client, callee.port)
  const target = `${server.sip.host}:${server.sip.port}`
  const caller = await sipp(['-sn', 'uac', '-m', '5', '-d', '100', target])
  expect((await once(caller.child, 'exit'))[0]).toBe(0)
  await until('every call has ended', () => bridge.ended() === 5)
  await until('no dialog is left', async () => (await server.counts())['dialogs'] === 0)
})

test('300 calls through two programs leave nothing behind, while others throw dirt at it', async () => {
  const server = await startProcess(quick.t1)
  const callee = await startCallee()
  const one = await addBridge(server.client, callee)
  const two = await addBridge(server.client, callee)
  const dirt = await throwDirt(server)
  const target = `${server.sip.host}:${server.sip.port}`
  const caller = await sipp(['-sn', 'uac', '-m', '300', '-r', '60', '-d', '300', target])
  const [code] = await once(caller.child, 'exit')
  const thrown = await dirt.stop()
  expect(code).toBe(0)
  await until('every call has ended', () => one.ended() + two.ended() === 300)
  // Not exactly one half each: the dirt takes turns, too.
  expect(Math.min(one.ended(), two.ended())).toBeGreaterThan(100)
  expect(thrown).toBeGreaterThan(500)
  await expectNothingLeft(server)
  await until('no connection is left', async () => (await server.counts())['connections'] === 0)
})

test('memory stays flat', async () => {
  const server = await startProcess(quick.t1)
  await addBridge(server.client, await startCallee())
  const target = `${server.sip.host}:${server.sip.port}`
  const sizes: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const caller = await sipp(['-sn', 'uac', '-m', '200', '-r', '100', '-d', '100', target])
    expect((await once(caller.child, 'exit'))[0]).toBe(0)
    await expectNothingLeft(server)
    sizes.push(await residentMegabytes(server.child))
  }
  // The first round fills caches and compiles; after it there is only noise.
  expect((sizes[3] ?? 0) - (sizes[1] ?? 0)).toBeLessThan(40)
})

/** SIPp as a callee gives a call up when an INVITE is repeated, which on a busy machine a short T1 brings about. */
async function startCallee(): Promise<number> {
  const callee: UserAgent = createUserAgent({
    host,
    port: 0,
    transports: ['udp'],
    timers: quick,
    onRequest(incoming) {
      if (incoming.request.method !== 'INVITE') {
        incoming.respond({ status: 200 })
        return
      }
      incoming.respond({ status: 180 })
      incoming.respond({ status: 200, body: sdp })
    },
  })
  await callee.start()
  callees.push(callee)
  return callee.addresses().udp?.port ?? 0
}

async function residentMegabytes(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** Noise, torn and oversized messages, wrong lengths, header floods, half messages on open connections. */
async function throwDirt(server: Started) {
  const socket = createSocket('udp4')
  const { host: to, port } = server.sip
  const good = [
    `OPTIONS sip:a@${to}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${to}:9;branch=z9hG4bK`,
    `From: <sip:x@y>;tag=1`,
    'To: <sip:z@y>',
    'Call-ID: dirt',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
  const pieces: readonly (() => string)[] = [
    () => '\0'.repeat(500),
    () => good.slice(0, Math.floor(Math.random() * good.length)),
    () => good.replace('Content-Length: 0', 'Content-Length: 70000'),
    () => good.replace('Content-Length: 0', 'Content-Length: -1'),
    () => good.replace('CSeq', `${'X: y\r\n'.repeat(2000)}CSeq`),
    () => good.replace('To: <sip:z@y>', `To: <${'a'.repeat(40_000)}`),
    () => good.replaceAll('OPTIONS', 'INVITE').replace('z9hG4bK', `z9hG4bK${Math.random()}`),
    () => good.replaceAll('OPTIONS', 'ACK'),
    () => good.replaceAll('OPTIONS', 'BYE').replace('<sip:z@y>', '<sip:z@y>;tag=none'),
    () => 'SIP/2.0 200 OK\r\n\r\n',
    () =>
      String.fromCharCode(...Array.from({ length: 300 }, () => Math.floor(Math.random() * 256))),
  ]
  let thrown = 0
  const timer = setInterval(() => {
    for (const piece of pieces) {
      socket.send(Buffer.from(piece(), 'latin1'), port, to)
      thrown += 1
    }
    const stream = connect(port, to)
    stream.on('error', () => undefined)
    stream.end(Buffer.from(pieces[thrown % pieces.length]?.() ?? '', 'latin1'))
    stream.resume()
  }, 50)
  return {
    async stop(): Promise<number> {
      clearInterval(timer)
      await new Promise<void>((resolve) => socket.close(() => resolve()))
      return thrown
    },
  }
}
