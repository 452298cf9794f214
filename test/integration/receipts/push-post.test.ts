import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createPushPost } from '../../../src/receipts/push-post.ts'
import { pushUrlFault } from '../../../src/receipts/push-url.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  if ('closeAllConnections' in server) closing.push(() => server.closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function poster(privateHosts = true) {
  const post = createPushPost({ privateHosts })
  closing.push(() => post.close())
  return post
}

function posting(url: string, { privateHosts = true, timeoutMs = 5_000 } = {}) {
  const request = { url, timeoutMs, headers: {}, body: Buffer.from('[]') }
  return poster(privateHosts).send(request)
}

const answering = async (listener: RequestListener) =>
  posting(await listening(createServer(listener)))
const saying = (text: string) => answering((_request, response) => response.end(text))

test.each(['{"code":0,"msg":"ok"}', '{"code":17}', ' {"code":-1.5,"more":[1]}\n'])(
  'HTTP 200 and %j is a delivery',
  async (text) => {
    expect(await saying(text)).toMatchObject({ status: 200, fault: undefined })
  },
)

test.each([
  ['', 'the answer is no JSON object'],
  ['ok', 'the answer is no JSON object'],
  ['[{"code":0}]', 'the answer is no JSON object'],
  ['null', 'the answer is no JSON object'],
  ['{"code":0', 'the answer is no JSON object'],
  ['{}', 'the answer has no number as code'],
  ['{"code":"0"}', 'the answer has no number as code'],
  ['{"code":null}', 'the answer has no number as code'],
  [`{"code":0,"msg":"${'x'.repeat(70_000)}"}`, 'the answer is too long'],
])('HTTP 200 and %.40j is none', async (text, fault) => {
  expect(await saying(text)).toMatchObject({ status: 200, fault })
})

test.each([201, 204, 301, 302, 307, 400, 429, 500, 503])(
  'HTTP %i is none, and nobody follows it',
  async (status) => {
    let asked = 0
    const answer = await answering((_request, response) => {
      asked += 1
      response.writeHead(status, { location: '/elsewhere' }).end('{"code":0}')
    })
    expect(answer).toMatchObject({ status, fault: `status ${status}` })
    expect(asked).toBe(1)
  },
)

test('an answer without end is cut off', async () => {
  const answer = await answering((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
    }
    response.on('drain', more)
    more()
  })
  expect(answer.fault).toBe('the answer is too long')
})

test('a receiver that is too slow, before or in its answer, has failed', async () => {
  const listeners: RequestListener[] = [
    () => undefined,
    (_request, response) => {
      response.flushHeaders()
    },
    (_request, response) => {
      const dripping = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(dripping))
    },
  ]
  for (const listener of listeners) {
    const url = await listening(createServer(listener))
    const answer = await posting(url, { timeoutMs: 150 })
    expect(answer.fault).toBe('no answer within 150 ms')
    expect(answer.ms).toBeGreaterThanOrEqual(140)
  }
})

test('what is no HTTP, a cut connection and a closed port are told apart, in our words', async () => {
  const babble = createTcpServer((socket) => socket.resume().end('13800138000 says hello\r\n\r\n'))
  expect((await posting(await listening(babble))).fault).toBe('the answer is no HTTP')
  const cut = createTcpServer((socket) => socket.destroy())
  expect((await posting(await listening(cut))).fault).toBe('the connection was cut')
  const closed = createServer()
  const url = await listening(closed)
  await new Promise((resolve) => closed.close(resolve))
  expect((await posting(url)).fault).toBe('the connection was refused')
})

test('a kept connection that the receiver has closed is no fault', async () => {
  const server = createServer((_request, response) => response.end('{"code":0}'))
  const url = await listening(server)
  const post = poster()
  const request = { url, timeoutMs: 5_000, headers: {}, body: Buffer.from('[]') }
  expect((await post.send(request)).fault).toBeUndefined()
  server.closeAllConnections()
  expect((await post.send(request)).fault).toBeUndefined()
})

describe('into this network', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://169.254.169.254/latest/meta-data',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://224.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://localhost/',
    'http://db.internal/',
    'http://redis/',
  ])('%s may neither be set nor be connected to', async (url) => {
    expect(pushUrlFault(url, { privateHosts: false })).toContain('public host')
    expect(pushUrlFault(url, { privateHosts: true })).toBeUndefined()
    expect((await posting(url, { privateHosts: false })).fault).toContain('in this network')
  })

  test('what leads nowhere good is no URL for pushes', () => {
    for (const url of ['', 'a.example.com', 'ftp://a.example.com/', 'file:///etc/passwd']) {
      expect(pushUrlFault(url, { privateHosts: true })).toContain('absolute http or https URL')
    }
    const faultOf = (url: string) => pushUrlFault(url, { privateHosts: true })
    expect(faultOf('https://user:secret@a.example.com/')).toContain('password')
    expect(faultOf('https://a.example.com/#x')).toContain('fragment')
    expect(faultOf(`https://a.example.com/${'x'.repeat(2048)}`)).toContain('2048')
    // Nine characters each, as it is kept.
    expect(faultOf(`https://a.example.com/${'单'.repeat(300)}`)).toContain('2048')
  })

  test('a public name that leads there is seen when it is connected to', async () => {
    let asked = 0
    const server = createServer((_request, response) => {
      asked += 1
      response.end('{"code":0}')
    })
    const { port } = new URL(await listening(server))
    const post = createPushPost({
      privateHosts: false,
      lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    })
    closing.push(() => post.close())
    const request = { timeoutMs: 5_000, headers: {}, body: Buffer.from('[]') }
    const answer = await post.send({ ...request, url: `http://rebound.example.com:${port}/` })
    expect(answer.fault).toContain('in this network')
    expect(asked).toBe(0)
  })
})
