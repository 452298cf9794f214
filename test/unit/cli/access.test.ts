import { expect, test } from 'vitest'
import { type Asked, cli, problem } from './a-cli.ts'

const account = {
  ...{ id: 'city-couriers', name: 'City Couriers', operator: false, status: 'normal' },
  createdAt: '2030-01-30T02:00:00Z',
}
const token = {
  ...{ id: 'tok-kzqwhbvxmtraplce', accountId: 'city-couriers', name: 'orders' },
  ...{ scopes: ['read', 'bind'], addresses: [], status: 'good', token: 'axb_secret' },
  createdAt: '2030-01-30T02:00:00Z',
}
const key = {
  ...{ id: 'AKx7Qm2LdPq9sEfGiBoV4tYx', accountId: 'city-couriers', name: 'orders' },
  ...{ scopes: ['bind'], addresses: [], enabled: true, secret: 'the-secret' },
  createdAt: '2030-01-30T02:00:00Z',
}

const answering = (body: object) => ({ answer: () => Response.json(body) })
const path = ({ method, url }: Asked) => `${method} ${url.replace('http://127.0.0.1:8080', '')}`

test.each([
  [['account', 'add', 'city-couriers', '--name', 'City'], account, 'POST /v1/accounts'],
  [['account', 'list'], { items: [account] }, 'GET /v1/accounts?limit=200'],
  [['account', 'rename', 'a', '--name', 'B'], account, 'PATCH /v1/accounts/a'],
  [['account', 'suspend', 'a'], account, 'POST /v1/accounts/a/suspend'],
  [['account', 'resume', 'a'], account, 'POST /v1/accounts/a/resume'],
  [['account', 'balance'], { accountId: 'a' }, 'GET /v1/balance'],
  [['account', 'balance', 'a'], { accountId: 'a', balance: '2.50' }, 'GET /v1/balance?accountId=a'],
  [
    ['account', 'credit', 'a', '--amount', '-2.5', '--note', 'mistake'],
    { balance: '0.00' },
    'POST /v1/accounts/a/balance-changes',
  ],
  [['token', 'list', '--account', 'a'], { items: [token] }, 'GET /v1/tokens?accountId=a&limit=200'],
  [['token', 'revoke', token.id], {}, `DELETE /v1/tokens/${token.id}`],
  [['key', 'list'], { items: [key] }, 'GET /v1/access-keys?limit=200'],
  [['key', 'enable', 'k'], key, 'POST /v1/access-keys/k/enable'],
  [['key', 'disable', 'k', '--account', 'a'], key, 'POST /v1/access-keys/k/disable?accountId=a'],
  [['key', 'delete', 'k'], {}, 'DELETE /v1/access-keys/k'],
])('%j asks the API for it', async (args, body, asked) => {
  const run = await cli(args, answering(body))
  expect(run.err).toBe('')
  expect(run.code).toBe(0)
  expect(run.asked.map(path)).toEqual([asked])
  expect(run.out).toMatch(/\S\n$/)
  const json = await cli([...args, '--json'], answering(body))
  expect(() => JSON.parse(json.out)).not.toThrow()
})

test('a token is made with what was asked for, and printed once', async () => {
  const args = 'token add --account city-couriers --name orders --scopes read,bind --for 1h'
  const more = '--per-minute 60 --from 203.0.113.0/28,2001:db8::1'
  const run = await cli([...args.split(' '), ...more.split(' ')], answering(token))
  expect(run.asked[0]?.body).toMatchObject({
    accountId: 'city-couriers',
    name: 'orders',
    scopes: ['read', 'bind'],
    requestsPerMinute: 60,
    addresses: ['203.0.113.0/28', '2001:db8::1'],
    expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  })
  expect(run.out.split('\n')[0]).toBe('axb_secret')
  const all = await cli(['token', 'add', '--name', 'x', '--scopes', 'all'], answering(token))
  expect(all.asked[0]?.body).toEqual({
    name: 'x',
    scopes: ['read', 'bind', 'numbers', 'money', 'reveal', 'admin'],
  })
})

test('a key is made and rotated, and its secret printed once', async () => {
  const made = await cli(['key', 'add', '--name', 'x', '--scopes', 'bind'], answering(key))
  expect(made.asked[0]?.body).toEqual({ name: 'x', scopes: ['bind'] })
  expect(made.out).toContain(`AccessKeyId ${key.id}\nAccessKeySecret the-secret\n`)
  const rotated = await cli(
    ['key', 'rotate', key.id, '--keep', '2h'],
    answering({ ...key, oldSecretUntil: '2030-01-31T00:00:00Z' }),
  )
  expect(rotated.asked.map(path)).toEqual([`POST /v1/access-keys/${key.id}/rotate`])
  expect(rotated.asked[0]?.body).toEqual({ keepSeconds: 7200 })
  expect(rotated.out).toContain('The old one is good until 2030-01-31T00:00:00Z.')
})

test('a token of one’s own comes before that of the administrator', async () => {
  const env = { AXBRIDGE_TOKEN: 'axb_mine', AXBRIDGE_ADMIN_TOKEN: 'the-administrators' }
  const run = await cli(['account', 'list'], { env, ...answering({ items: [] }) })
  expect(run.asked[0]?.headers['authorization']).toBe('Bearer axb_mine')
  const none = await cli(['account', 'list'], { env: { AXBRIDGE_DATA: '/nowhere' } })
  expect(none.err).toContain('no token: set AXBRIDGE_TOKEN')
})

test('a refusal is said in its words', async () => {
  const run = await cli(['account', 'list'], {
    answer: () => problem(403, { detail: 'Only the operator may do this.', code: 'operator-only' }),
  })
  expect(run.code).toBe(1)
  expect(run.err).toBe('error: Only the operator may do this. (operator-only)\n')
})
