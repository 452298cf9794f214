import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import { aBinding, anApi, aPool, holdsNoSecret, secrets, token } from './an-app.ts'
import { poolRooms } from './some-pools.ts'

const { pools: usual } = poolRooms(aPool(), [aBinding().a, aBinding().a])
const pools = (fault: unknown) => ({
  ...usual,
  list: async () => {
    throw fault
  },
})

test('a bug is answered without its text and its stack, and logged once', async () => {
  const fault = new Error(`duplicate key (${secrets.a}) in ${import.meta.url}`)
  const { ask, lines } = await anApi({ rooms: { pools: pools(fault) } })
  const answer = await ask('/v1/pools')
  expect(answer.statusCode).toBe(500)
  expect(answer.json()).toMatchObject({
    code: 'internal-error',
    instance: `urn:axbridge:request:${answer.headers['x-request-id']}`,
  })
  expect(answer.body).not.toMatch(/duplicate|\.ts|node_modules/)
  expect(holdsNoSecret(answer.body)).toBe(true)
  const logged = lines.filter((line) => line.includes('"request failed"'))
  expect(logged).toHaveLength(1)
  expect(logged[0]).toContain(String(answer.headers['x-request-id']))
})

test.each([[undefined], ['text'], [{ statusCode: 418 }]])(
  'throwing %j is a bug too',
  async (fault) => {
    const { ask } = await anApi({ rooms: { pools: pools(fault) } })
    expect((await ask('/v1/pools')).statusCode).toBe(500)
  },
)

test('a database that is away is said so', async () => {
  const away = new DomainError('database-away', 503, 'The database cannot be reached.')
  const { ask } = await anApi({ rooms: { pools: pools(away) } })
  const answer = await ask('/v1/pools')
  expect(answer.statusCode).toBe(503)
  expect(answer.headers['retry-after']).toBe('2')
  expect(answer.json()).toMatchObject({ code: 'database-away', title: 'Service Unavailable' })
})

test('what never comes to an end is answered all the same', async () => {
  const hanging = { ...usual, list: () => new Promise<never>(() => {}) }
  const { ask } = await anApi({ answerMsMax: 20, rooms: { pools: hanging } })
  const answer = await ask('/v1/pools')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'too-slow' })
})

test('an unknown path is 404, a known path with another method 405 with what it allows', async () => {
  const { ask } = await anApi()
  const unknown = await ask('/v1/nothing')
  expect(unknown.statusCode).toBe(404)
  expect(unknown.json()).toMatchObject({ code: 'path-unknown' })
  // Pools cannot be removed.
  const wrong = await ask({ method: 'DELETE', url: `/v1/pools/${aPool().key}` })
  expect(wrong.statusCode).toBe(405)
  expect(wrong.headers['allow']).toBe('GET, HEAD, PATCH')
  expect(wrong.json()).toMatchObject({ code: 'method-not-allowed' })
  expect((await ask({ method: 'DELETE', url: '/v1/pools/' })).statusCode).toBe(405)
  expect((await ask({ method: 'POST', url: '/healthz' })).statusCode).toBe(405)
})

test.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'nonsense'])(
  'a body of type %s is 415',
  async (type) => {
    const { ask } = await anApi()
    const answer = await ask({
      method: 'POST',
      url: '/v1/pools',
      headers: { 'content-type': type },
      payload: '{"name":"a","product":"AXB"}',
    })
    expect(answer.statusCode).toBe(415)
    expect(answer.json()).toMatchObject({ code: 'media-type-unsupported' })
  },
)

test.each([
  ['{"name":', 'body-not-json'],
  ['{"name":"a","__proto__":{"x":1}}', 'body-not-json'],
  ['{"name":"a","constructor":{"prototype":{"x":1}}}', 'body-not-json'],
  ['', 'body-empty'],
])('the body %j is 400', async (payload, code) => {
  const { ask } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/pools',
    headers: { 'content-type': 'application/json' },
    payload,
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ code })
})

test.each(['null', '[]', '"text"', '5', 'true'])('the body %s is no object', async (payload) => {
  const { ask } = await anApi()
  const answer = await ask({
    method: 'POST',
    url: '/v1/pools',
    headers: { 'content-type': 'application/json' },
    payload,
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors).toEqual([{ pointer: 'body', detail: 'must be of type object' }])
})

test('a URL that can not be decoded is 400', async () => {
  const { ask } = await anApi()
  const answer = await ask('/v1/pools/%zz')
  expect(answer.statusCode).toBe(400)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.json()).toMatchObject({ code: 'url-invalid' })
})

test('a usable request id is kept, any other replaced', async () => {
  const { app } = await anApi()
  const idFor = async (given: string) =>
    (await app.inject({ url: '/healthz', headers: { 'x-request-id': given } })).headers[
      'x-request-id'
    ]
  expect(await idFor('trace-0123456789')).toBe('trace-0123456789')
  for (const uuid of [randomUUID(), '4bf92f3577b34da6a3ce929d0e0e4736']) {
    expect(await idFor(uuid)).toBe(uuid)
  }
  for (const bad of [
    'short',
    secrets.a,
    '13812340001',
    'order-13812340001',
    'x'.repeat(65),
    'a b c d e f g h',
  ]) {
    expect(await idFor(bad)).toMatch(/^[0-9a-f]{8}-/)
  }
})

test('browsers are told to do nothing with an answer, and nobody to keep it', async () => {
  const { ask, app } = await anApi()
  for (const answer of [
    await ask('/v1/pools'),
    await ask('/v1/nothing'),
    await app.inject('/v1'),
  ]) {
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    })
  }
})

test('the reader may run its own scripts and nobody else’s', async () => {
  const { app } = await anApi()
  const policy = String((await app.inject('/docs')).headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'; script-src 'self';")
  expect(policy).not.toContain('http')
})

test('HEAD is answered like GET, and as closed', async () => {
  const { app, ask } = await anApi()
  expect((await app.inject({ method: 'HEAD', url: '/healthz' })).statusCode).toBe(200)
  expect((await app.inject({ method: 'HEAD', url: '/v1/pools' })).statusCode).toBe(401)
  expect((await ask({ method: 'HEAD', url: '/v1/pools' })).statusCode).toBe(200)
})

test('what is not HTTP is answered as a problem and the connection closed', async () => {
  const { app } = await anApi({})
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  expect(await rawAnswer(port, 'INVITE sip:x SIP/2.0\r\n\r\n')).toMatch(
    /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*problem\+json[\s\S]*"code":"http-invalid"/,
  )
  const flood = `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Flood: ${'x'.repeat(70_000)}\r\n\r\n`
  expect(await rawAnswer(port, flood)).toMatch(/^HTTP\/1.1 431 [\s\S]*"code":"headers-too-large"/)
})

function rawAnswer(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(text))
  return textUntilClose(socket)
}

function textUntilClose(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      answer += part
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', (err) => (answer === '' ? reject(err) : resolve(answer)))
  })
}

test('closing waits for what is running and tells those who come late', async () => {
  let release = () => {}
  const running = new Promise<void>((resolve) => {
    release = resolve
  })
  let arrived = () => {}
  const begun = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const { app } = await anApi({
    rooms: {
      pools: {
        ...usual,
        list: async () => {
          arrived()
          await running
          return { items: [aPool()], nextCursor: undefined }
        },
      },
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const ask = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(ask('/v1/pools')))
  const answers = textUntilClose(socket)
  await begun
  const closed = app.close()
  await vi.waitFor(() => expect(app.inject('/healthz')).rejects.toThrow('closed'))
  socket.write(ask('/v1/trunks'))
  await new Promise((resolve) => setImmediate(resolve))
  release()
  expect(await answers).toMatch(/^HTTP\/1.1 200 [\s\S]*HTTP\/1.1 503 [\s\S]*"code":"stopping"/)
  await closed
})
