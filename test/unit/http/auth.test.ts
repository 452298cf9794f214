import { fastify } from 'fastify'
import { beforeAll, expect, test } from 'vitest'
import type { TokenHolder } from '../../../src/accounts/account.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { scopes } from '../../../src/domain/scope.ts'
import { addAuth, createAuthenticate } from '../../../src/http/auth.ts'
import { addErrorHandler } from '../../../src/http/errors.ts'
import { addScopes } from '../../../src/http/scopes.ts'
import { account, anApi, token } from './an-app.ts'

type Documented = { security?: { token?: string[] }[] }

/** Every operation of the running app, as its own document tells: method, path, security. */
async function everyOperation() {
  const { app } = await anApi()
  const { paths } = (await app.inject('/docs/json')).json() as {
    paths: Record<string, Record<string, Documented>>
  }
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase() as 'GET' | 'POST',
      url: path.replace(/\{\w+\}/g, '1000000000000001'),
      scope: security?.[0]?.token?.[0],
    })),
  )
}

let operations: Awaited<ReturnType<typeof everyOperation>>
beforeAll(async () => {
  operations = await everyOperation()
})

const behindToken = () => operations.filter(({ url }) => url.startsWith('/v1/'))

test('every route under /v1 needs a token', async () => {
  const { app } = await anApi()
  for (const { name, method, url } of behindToken()) {
    const answer = await app.inject({ method, url })
    expect(answer.statusCode, name).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="axbridge"')
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ code: 'token-missing', status: 401 })
  }
})

test('what is not under /v1 was opened on purpose', async () => {
  const others = operations.filter(({ url }) => !url.startsWith('/v1/'))
  expect(others.map(({ name }) => name).sort()).toEqual([
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
  ])
})

test.each([...scopes, 'operator'])(
  'every route under /v1 that needs "%s" refuses a token that has all the others',
  async (needed) => {
    const others = scopes.filter((each) => each !== needed)
    const principal = { accountId: account, tokenId: 'tok-x', operator: false, scopes: others }
    const { ask } = await anApi({ authenticate: () => principal })
    for (const { name, method, url, scope } of behindToken()) {
      if (scope !== needed) continue
      const answer = await ask({ method, url })
      expect(answer.statusCode, name).toBe(403)
      expect(answer.json(), name).toMatchObject({
        code: scope === 'operator' ? 'operator-only' : 'scope-missing',
        vendorCode: 'isp.RAM_PERMISSION_DENY',
      })
      if (scope !== 'operator') expect(answer.json().detail).toContain(`"${scope}"`)
    }
  },
)

test('every route under /v1 says which scope it needs, one of those that there are', async () => {
  const known: readonly string[] = [...scopes, 'operator']
  for (const { name, scope } of behindToken()) expect(known, name).toContain(scope)
})

test('a route that does not say its scope keeps the server from starting', async () => {
  const app = fastify()
  addAuth(app, () => undefined)
  addScopes(app)
  expect(() => app.get('/v1/secrets', async () => 'secret')).toThrow(/GET \/v1\/secrets .* scope/)
  await app.close()
})

test('what is neither open nor has a scope is for the operator', async () => {
  const app = fastify()
  addErrorHandler(app)
  const principal = { accountId: account, tokenId: 'tok-x', operator: false, scopes }
  addAuth(app, () => principal)
  addScopes(app)
  app.get('/elsewhere', async () => 'something')
  const headers = { authorization: 'Bearer x' }
  expect((await app.inject({ url: '/elsewhere', headers })).statusCode).toBe(403)
  await app.close()
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

/** The app with tokens that were made: what `find` says of each. */
async function anApiWithTokens(find: (given: string) => Promise<TokenHolder | undefined>) {
  const authenticate = createAuthenticate({
    admin: { token, accountId: account },
    tokens: { find },
  })
  const { app } = await anApi({ authenticate })
  return (given: string, options: { method?: 'POST'; url?: string; remoteAddress?: string } = {}) =>
    app.inject({ url: '/v1/pools', headers: { authorization: `Bearer ${given}` }, ...options })
}

function aHolder(given: Partial<TokenHolder> = {}): TokenHolder {
  return {
    ...{ tokenId: 'tok-x', accountId: account, operator: false, suspended: false },
    ...{ scopes: ['read'], addresses: [], requestsPerMinuteMax: undefined, expiresAt: undefined },
    ...given,
  }
}

test.each<[string, Partial<TokenHolder>, number, string, string | undefined]>([
  ['has expired', { expiresAt: new Date(0) }, 401, 'token-expired', undefined],
  [
    'is of a suspended account',
    { suspended: true },
    403,
    'account-suspended',
    'isv.OUT_OF_SERVICE',
  ],
  [
    'is for other addresses',
    { addresses: ['198.51.100.0/24', '2001:db8::1'] },
    403,
    'address-refused',
    'isp.RAM_PERMISSION_DENY',
  ],
])('a token that %s is refused', async (_what, holder, status, code, vendorCode) => {
  const ask = await anApiWithTokens(async () => aHolder(holder))
  const answer = await ask('axb_token')
  expect(answer.statusCode).toBe(status)
  expect(answer.json()).toMatchObject({ code, ...(vendorCode && { vendorCode }) })
  expect(answer.headers['www-authenticate'] !== undefined).toBe(status === 401)
})

test('a token that is for some addresses is good from those', async () => {
  const addresses = ['198.51.100.0/24', '2001:db8::1']
  const ask = await anApiWithTokens(async () => aHolder({ addresses }))
  for (const remoteAddress of ['198.51.100.7', '::ffff:198.51.100.7', '2001:DB8:0::1']) {
    expect((await ask('axb_token', { remoteAddress })).statusCode, remoteAddress).toBe(200)
  }
  expect((await ask('axb_token', { remoteAddress: '2001:db8::2' })).statusCode).toBe(403)
})

test('with the database away the first token goes on, others are told, and health does not wait', async () => {
  const ask = await anApiWithTokens(async () => {
    throw new DomainError('database-away', 503, 'It is away.')
  })
  expect((await ask(token)).statusCode).toBe(200)
  expect((await ask('axb_token')).json()).toMatchObject({ status: 503, code: 'database-away' })
  expect((await ask('axb_token', { url: '/healthz' })).statusCode).toBe(200)
})

test('a token of the operating account is an operator only with the scope admin', async () => {
  const ask = await anApiWithTokens(async (given) =>
    aHolder({ operator: true, scopes: given === 'with' ? ['read', 'admin'] : ['read'] }),
  )
  expect((await ask('with', { url: '/v1/accounts' })).statusCode).toBe(200)
  expect((await ask('without', { url: '/v1/accounts' })).json()).toMatchObject({
    code: 'operator-only',
  })
})

test('a token with a limit of its own has that one, and every answer says what is left', async () => {
  const ask = await anApiWithTokens(async (given) =>
    aHolder({ tokenId: given, requestsPerMinuteMax: given === 'small' ? 1 : undefined }),
  )
  const first = await ask('small')
  expect(first.headers).toMatchObject({ 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0' })
  expect((await ask('small')).statusCode).toBe(429)
  expect((await ask('usual')).headers).toMatchObject({ 'x-ratelimit-limit': '6000' })
})

test('what tells whether a real number is there can be asked only slowly', async () => {
  const { ask } = await anApi()
  const searches = behindToken().filter(
    ({ method, scope }) => method === 'POST' && scope === 'read',
  )
  expect(searches.length).toBeGreaterThan(4)
  for (const { name, method, url } of searches) {
    const answer = await ask({ method, url, payload: {} })
    expect(answer.headers['x-ratelimit-limit'], name).toBe('120')
  }
  const askWith = await anApiWithTokens(async () => aHolder({ requestsPerMinuteMax: 7 }))
  const answer = await askWith('axb_token', { method: 'POST', url: '/v1/bindings/search' })
  expect(answer.headers['x-ratelimit-limit']).toBe('7')
})

test('an address behind a trusted proxy is the one that the proxy tells', async () => {
  const seen: string[] = []
  const { app } = await anApi({
    trustedProxies: ['192.0.2.0/24'],
    authenticate: (_token, address) => void seen.push(address),
  })
  const headers = { authorization: 'Bearer x', 'x-forwarded-for': '203.0.113.7' }
  await app.inject({ url: '/v1/pools', headers, remoteAddress: '192.0.2.1' })
  await app.inject({ url: '/v1/pools', headers, remoteAddress: '198.51.100.1' })
  expect(seen).toEqual(['203.0.113.7', '198.51.100.1'])
})
