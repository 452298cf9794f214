import { expect, test } from 'vitest'
import type { CreateToken } from '../../../src/accounts/account.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import type { Scope } from '../../../src/domain/scope.ts'
import type { Principal } from '../../../src/http/auth.ts'
import { aKey, anApi, aToken } from './an-app.ts'

const customer = 'city-couriers' as AccountId

/** As a customer whose token has these scopes, besides `admin`. */
async function anApiOfCustomer(...scopes: Scope[]) {
  const principal: Principal = {
    accountId: customer,
    tokenId: 'tok-abcdefghijklmnop',
    operator: false,
    scopes: ['admin', ...scopes],
  }
  return anApi({ authenticate: () => principal })
}

const aRequest = { name: 'orders', scopes: ['read'] }

test('a token is shown in the answer that makes it, and never again', async () => {
  const { ask, lines } = await anApi()
  const made = await ask({ method: 'POST', url: '/v1/tokens', payload: aRequest })
  expect(made.statusCode).toBe(201)
  expect(made.headers['location']).toBe(`/v1/tokens/${aToken().id}`)
  expect(made.json()).toMatchObject({ id: aToken().id, token: 'axb_the-token', status: 'good' })
  for (const url of ['/v1/tokens', `/v1/tokens/${aToken().id}`]) {
    expect((await ask(url)).body).not.toContain('axb_the-token')
  }
  expect(lines.join('')).not.toContain('axb_the-token')
})

test('so is the secret of an access key', async () => {
  const { ask, lines } = await anApi()
  const made = await ask({ method: 'POST', url: '/v1/access-keys', payload: aRequest })
  expect(made.json()).toMatchObject({ id: aKey().id, secret: 'the-secret', enabled: true })
  const url = `/v1/access-keys/${aKey().id}`
  expect((await ask({ method: 'POST', url: `${url}/rotate`, payload: {} })).json()).toMatchObject({
    secret: 'the-secret',
  })
  for (const path of ['/v1/access-keys', url]) {
    expect((await ask(path)).body).not.toContain('the-secret')
  }
  expect(lines.join('')).not.toContain('the-secret')
})

test.each(['/v1/tokens', '/v1/access-keys'])(
  'POST %s: nobody gives a scope that he does not have',
  async (url) => {
    const { ask } = await anApiOfCustomer('read')
    const payload = { name: 'more', scopes: ['read', 'reveal'] }
    const refused = await ask({ method: 'POST', url, payload })
    expect(refused.statusCode).toBe(403)
    expect(refused.json()).toMatchObject({ code: 'scope-missing' })
    expect(refused.json().detail).toContain('"reveal"')
    const payloadOfOwn = { name: 'same', scopes: ['read', 'admin'] }
    expect((await ask({ method: 'POST', url, payload: payloadOfOwn })).statusCode).toBe(201)
  },
)

test('only the operator names another account, whether there is one or not', async () => {
  const { ask } = await anApiOfCustomer('read')
  const id = aToken().id
  const asked = [
    { method: 'POST', url: '/v1/tokens', payload: { ...aRequest, accountId: 'main' } },
    { method: 'POST', url: '/v1/access-keys', payload: { ...aRequest, accountId: 'nobody' } },
    { method: 'GET', url: '/v1/tokens?accountId=main' },
    { method: 'GET', url: `/v1/tokens/${id}?accountId=nobody` },
    { method: 'DELETE', url: `/v1/tokens/${id}?accountId=main` },
    { method: 'GET', url: '/v1/access-keys?accountId=main' },
    { method: 'GET', url: '/v1/audit?accountId=nobody' },
  ] as const
  for (const each of asked) {
    const answer = await ask(each)
    expect(answer.json(), `${each.method} ${each.url}`).toMatchObject({
      status: 403,
      code: 'operator-only',
    })
  }
  expect((await ask(`/v1/tokens?accountId=${customer}`)).statusCode).toBe(200)
})

test('the operator makes a token for another account', async () => {
  const asked: CreateToken[] = []
  const create = async (given: CreateToken) => {
    asked.push(given)
    return { token: aToken(given), secret: 'axb_the-token' }
  }
  const { ask } = await anApi({ rooms: { tokens: { create } as never } })
  await ask({
    method: 'POST',
    url: '/v1/tokens',
    payload: {
      ...aRequest,
      accountId: customer,
      addresses: ['203.0.113.0/28'],
      requestsPerMinute: 60,
      expiresAt: '2031-01-01T00:00:00+08:00',
    },
  })
  expect(asked).toEqual([
    {
      accountId: customer,
      name: 'orders',
      scopes: ['read'],
      addresses: ['203.0.113.0/28'],
      requestsPerMinuteMax: 60,
      expiresAt: new Date('2030-12-31T16:00:00Z'),
    },
  ])
})

test.each([
  ['/v1/tokens', { name: 'x', scopes: [] }, 'body/scopes'],
  ['/v1/tokens', { name: 'x', scopes: ['root'] }, 'body/scopes/0'],
  ['/v1/tokens', { scopes: ['read'] }, 'body/name'],
  ['/v1/tokens', { ...aRequest, requestsPerMinute: 0 }, 'body/requestsPerMinute'],
  ['/v1/tokens', { ...aRequest, expiresAt: 'tomorrow' }, 'body/expiresAt'],
  ['/v1/access-keys', { ...aRequest, secret: 'mine' }, 'body/secret'],
  ['/v1/accounts', { id: 'Not An Id', name: 'x' }, 'body/id'],
  ['/v1/accounts', { id: 'a', name: 'x'.repeat(65) }, 'body/name'],
])('POST %s with %j names the fault', async (url, payload, pointer) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'POST', url, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer)
})

test('an account is made, shown, renamed, suspended and resumed', async () => {
  const { ask } = await anApi()
  const payload = { id: 'city-couriers', name: '同城快递' }
  const made = await ask({ method: 'POST', url: '/v1/accounts', payload })
  expect(made.statusCode).toBe(201)
  expect(made.headers['location']).toBe('/v1/accounts/city-couriers')
  expect(made.json()).toMatchObject({ ...payload, status: 'normal' })
  const url = '/v1/accounts/city-couriers'
  const renamed = await ask({ method: 'PATCH', url, payload: { name: 'Other' } })
  expect(renamed.json()).toMatchObject({ name: 'Other' })
  const suspended = await ask({ method: 'POST', url: `${url}/suspend` })
  expect(suspended.json()).toMatchObject({
    status: 'suspended',
    suspendedAt: '2030-01-31T00:00:00Z',
  })
  expect((await ask({ method: 'POST', url: `${url}/resume` })).json().suspendedAt).toBeUndefined()
  expect((await ask('/v1/account')).json()).toMatchObject({ id: 'main', operator: true })
})

test('the audit log is a list with filters, and CSV', async () => {
  const asked: object[] = []
  const entry = {
    ...{ id: '4711', accountId: customer, at: new Date('2030-01-30T02:00:00.250Z') },
    ...{ actor: 'tok-abcdefghijklmnop', action: 'createBinding', status: 201 },
    ...{ subjects: ['1000000000000001', '+8617000000001'], requestId: 'r-1' },
    address: '203.0.113.10',
  }
  const list = async (filter: object) => {
    asked.push(filter)
    return { items: [entry], nextCursor: undefined }
  }
  const { ask } = await anApi({ rooms: { audit: { list } as never } })
  const query = 'action=createBinding&subject=%2B8617000000001&since=2030-01-01T00:00:00Z'
  const { items } = (await ask(`/v1/audit?${query}&actor=admin&limit=5`)).json()
  expect(items).toMatchObject([{ id: '4711', at: '2030-01-30T02:00:00.250Z', status: 201 }])
  expect(asked[0]).toMatchObject({
    ...{ accountId: 'main', actor: 'admin', action: 'createBinding', limit: 5 },
    ...{ subject: '+8617000000001', since: new Date('2030-01-01T00:00:00Z') },
  })
  const csv = await ask('/v1/audit?format=csv')
  expect(csv.body.split('\r\n')[1]).toBe(
    '4711,2030-01-30T02:00:00.250Z,tok-abcdefghijklmnop,createBinding,"[""1000000000000001"",""+8617000000001""]",201,r-1,203.0.113.10',
  )
})

test('a balance is shown to who deals with money, another’s to the operator, who alone changes one', async () => {
  const credit = { amount: '-12.5', note: 'mistake' }
  const change = {
    method: 'POST',
    url: '/v1/accounts/main/balance-changes',
    payload: credit,
  } as const
  const { ask } = await anApiOfCustomer('money')
  expect((await ask('/v1/balance')).json()).toEqual({ accountId: customer, balance: '250.00' })
  for (const each of ['/v1/balance?accountId=main', '/v1/balance-changes?accountId=main', change]) {
    expect((await ask(each)).json()).toMatchObject({ code: 'operator-only' })
  }
  const reader = await anApiOfCustomer('read')
  expect((await reader.ask('/v1/balance')).json()).toMatchObject({ code: 'scope-missing' })
  const operator = await anApi()
  expect((await operator.ask(change)).json()).toMatchObject({ amount: '-12.50', accountId: 'main' })
})
