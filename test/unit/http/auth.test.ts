import { expect, test } from 'vitest'
import { anApi, token } from './an-app.ts'

const everyRoute = [
  ['POST', '/v1/bindings'],
  ['GET', '/v1/bindings'],
  ['GET', '/v1/bindings/1000000000000001'],
  ['DELETE', '/v1/bindings/1000000000000001'],
  ['POST', '/v1/pools'],
  ['GET', '/v1/pools'],
  ['GET', '/v1/pools/FC100000000000001'],
  ['POST', '/v1/numbers'],
  ['GET', '/v1/numbers'],
  ['GET', '/v1/numbers/17012345678'],
  ['DELETE', '/v1/numbers/17012345678'],
  ['POST', '/v1/numbers/17012345678/lock'],
  ['POST', '/v1/numbers/17012345678/unlock'],
  ['POST', '/v1/trunks'],
  ['GET', '/v1/trunks'],
  ['DELETE', '/v1/trunks/carrier-1'],
  ['GET', '/v1/calls'],
  ['GET', '/v1/calls/0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
] as const

test.each(everyRoute)('%s %s needs a token', async (method, url) => {
  const { app } = await anApi()
  const answer = await app.inject({ method, url })
  expect(answer.statusCode).toBe(401)
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="axbridge"')
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.json()).toMatchObject({ code: 'token-missing', status: 401 })
})

test('every route that there is, is in the list above or was opened on purpose', async () => {
  const { app } = await anApi()
  const document = (await app.inject('/docs/json')).json()
  const documented = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const tested = everyRoute.map(([method, url]) =>
    `${method} ${url}`
      .replace(/(bindings|calls)\/.+/, '$1/{id}')
      .replace(/pools\/.+/, 'pools/{key}')
      .replace(/numbers\/\d+/, 'numbers/{x}')
      .replace(/trunks\/.+/, 'trunks/{id}'),
  )
  const open = ['GET /healthz', 'GET /readyz', 'GET /metrics']
  expect(documented.sort()).toEqual([...tested, ...open].sort())
})

test.each([
  ['another token', 'Bearer another-token-of-some-length'],
  ['a prefix of the token', `Bearer ${token.slice(0, -1)}`],
  ['the token with more behind it', `Bearer ${token}x`],
  ['an empty token', 'Bearer '],
  ['another scheme', `Basic ${token}`],
  ['two tokens', `Bearer ${token} ${token}`],
  ['no scheme', token],
])('%s is refused', async (_what, authorization) => {
  const { app } = await anApi()
  const answer = await app.inject({ url: '/v1/pools', headers: { authorization } })
  expect(answer.statusCode).toBe(401)
  expect(answer.json()).toMatchObject({ code: 'token-unknown' })
  expect(answer.body).not.toContain(token)
})

test('the scheme is read as RFC 9110 says, in any case', async () => {
  const { app } = await anApi()
  const answer = await app.inject({
    url: '/v1/pools',
    headers: { authorization: `bEaReR  ${token}` },
  })
  expect(answer.statusCode).toBe(200)
})

test('a stranger does not learn which paths exist', async () => {
  const { app } = await anApi()
  expect((await app.inject('/v1/no-such-thing')).statusCode).toBe(401)
  expect((await app.inject({ method: 'PUT', url: '/v1/pools' })).statusCode).toBe(401)
})

test('a body is not even read before the token is known', async () => {
  const { app } = await anApi()
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/bindings',
    headers: { 'content-type': 'application/json' },
    payload: '{"broken',
  })
  expect(answer.statusCode).toBe(401)
})

test('health, readiness and the reader are open', async () => {
  const { app } = await anApi()
  for (const url of ['/healthz', '/readyz', '/docs', '/docs/json', '/docs/static/swagger-ui.css']) {
    expect((await app.inject(url)).statusCode, url).toBe(200)
  }
})

test('metrics are open to this machine only, and not through a proxy on it', async () => {
  const { app, ask } = await anApi()
  expect((await app.inject('/metrics')).statusCode).toBe(200)
  const far = await app.inject({ url: '/metrics', remoteAddress: '203.0.113.9' })
  expect(far.statusCode).toBe(401)
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
    const proxied = await app.inject({ url: '/metrics', headers: { [header]: '203.0.113.9' } })
    expect(proxied.statusCode, header).toBe(401)
  }
  const known = await ask({ url: '/metrics', remoteAddress: '203.0.113.9' })
  expect(known.statusCode).toBe(200)
  expect(known.body).toContain('axbridge_calls_live 0')
})

test('neither the token nor the URL is logged', async () => {
  const { ask, lines } = await anApi()
  await ask('/v1/bindings?outId=13812340001')
  await ask('/v1/13812340001')
  const log = lines.join('')
  expect(log).toContain('"route":"/v1/bindings"')
  expect(log).not.toContain(token)
  expect(log).not.toContain('13812340001')
})

test('too many requests with one token are told to come back', async () => {
  const { ask, app } = await anApi({ requestsPerMinuteMax: 2 })
  expect((await ask('/v1/pools')).statusCode).toBe(200)
  expect((await ask('/v1/pools')).statusCode).toBe(200)
  const refused = await ask('/v1/pools')
  expect(refused.statusCode).toBe(429)
  expect(refused.json()).toMatchObject({ code: 'rate-limited', vendorCode: 'isv.FLOW_LIMIT' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await app.inject('/healthz')).statusCode).toBe(200)
})

test('those who guess tokens are slowed down by address', async () => {
  const { app } = await anApi({ requestsPerMinuteMax: 2 })
  const guess = () => app.inject({ url: '/v1/pools', headers: { authorization: 'Bearer guess' } })
  expect((await guess()).statusCode).toBe(401)
  expect((await guess()).statusCode).toBe(401)
  expect((await guess()).statusCode).toBe(429)
})
