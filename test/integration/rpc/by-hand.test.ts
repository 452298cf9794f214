import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  percentEncoded,
  signatureAcs3,
  signatureV1,
  stringToSignAcs3,
  stringToSignV1,
} from '../../../src/http/rpc/signing.ts'
import type { Redis } from '../../../src/platform/redis.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { good, type RpcGround, startRpcGround } from '../../support/rpc-ground.ts'

let server: TestRedis
let client: Redis
let ground: RpcGround

beforeAll(async () => {
  server = await startRedis()
  client = await server.client()
})
afterAll(() => server.stop())
beforeEach(async () => {
  ground = await startRpcGround(client)
  return () => ground.close()
})

/** Signed by hand, for what no SDK would send. */
function signedUrl(change: Record<string, string | undefined> = {}): string {
  const parameters = {
    Action: 'Echo',
    Version: '2017-05-25',
    AccessKeyId: good.id,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: `${Math.random()}`,
    Timestamp: new Date().toISOString().replace(/\.\d+/, ''),
    Text: 'x',
    ...change,
  }
  const pairs = Object.entries(parameters).filter((pair): pair is [string, string] => {
    return pair[1] !== undefined
  })
  const signature = signatureV1(stringToSignV1('GET', pairs), good.secret)
  const all = pairs.some(([name]) => name === 'Signature')
    ? pairs
    : [...pairs, ['Signature', signature] as const]
  return `${ground.base}/?${all.map(([k, v]) => `${percentEncoded(k)}=${percentEncoded(v)}`).join('&')}`
}

async function ask(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  const body = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), body, response }
}

describe('by hand', () => {
  test.each<[string, Record<string, string | undefined>, number, string]>([
    ['no action', { Action: undefined }, 400, 'MissingAction'],
    ['no key', { AccessKeyId: undefined }, 400, 'MissingAccessKeyId'],
    ['no nonce', { SignatureNonce: undefined }, 400, 'MissingSignatureNonce'],
    ['no timestamp', { Timestamp: undefined }, 400, 'MissingTimestamp'],
    ['no version', { Version: undefined }, 400, 'MissingVersion'],
    ['another version', { Version: '2020-01-01' }, 404, 'InvalidApi.NotFound'],
    ['another method', { SignatureMethod: 'HMAC-SHA256' }, 400, 'InvalidSignatureMethod'],
    ['another signature version', { SignatureVersion: '2.0' }, 400, 'InvalidSignatureVersion'],
    [
      'a timestamp without zone',
      { Timestamp: '2030-01-01 00:00:00' },
      400,
      'InvalidTimeStamp.Format',
    ],
    ['another format', { Format: 'YAML' }, 400, 'InvalidParameter.Format'],
    ['a nonce without end', { SignatureNonce: 'n'.repeat(129) }, 400, 'InvalidSignatureNonce'],
    ['a wrong signature', { Signature: 'bm90IHRoZSBzaWduYXR1cmU=' }, 400, 'SignatureDoesNotMatch'],
  ])('%s', async (_why, change, status, code) => {
    const answer = await ask(signedUrl(change))
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toEqual({
      RequestId: expect.any(String),
      HostId: new URL(ground.base).host,
      Code: code,
      Message: expect.any(String),
      Recommend: '/docs',
    })
  })

  test('a nonce is good once, whatever process is asked', async () => {
    const url = signedUrl()
    expect((await ask(url)).status).toBe(200)
    const again = await ask(url)
    expect(again.status).toBe(400)
    expect(JSON.parse(again.body)['Code']).toBe('SignatureNonceUsed')
  })

  test('a request with a wrong signature uses up no nonce', async () => {
    const nonce = { SignatureNonce: 'kept' }
    await ask(signedUrl({ ...nonce, Signature: 'AAAA' }))
    expect((await ask(signedUrl(nonce))).status).toBe(200)
  })

  test('the string to sign is repeated with the numbers in it masked, and no secret', async () => {
    const { body } = await ask(signedUrl({ Text: '13857299001', Signature: 'AAAA' }))
    const { Message } = JSON.parse(body)
    expect(Message).toMatch(
      /^Specified signature is not matched with our calculation\. server string to sign is:GET&%2F&AccessKeyId/,
    )
    expect(body).not.toContain('13857299001')
    expect(body).not.toContain(good.secret)
  })

  test('XML has the same members', async () => {
    const answer = await ask(signedUrl({ Format: 'xml', Text: '<中文&>' }))
    expect(answer.type).toBe('text/xml; charset=utf-8')
    expect(answer.body).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?><EchoResponse><RequestId>[^<]+<\/RequestId><Code>OK<\/Code><Message>OK<\/Message><Echo><Text>&lt;中文&amp;&gt;<\/Text><\/Echo><\/EchoResponse>$/,
    )
    const error = await ask(signedUrl({ Format: 'XML', Signature: 'AAAA' }))
    expect(error.body).toContain('<Error><RequestId>')
    expect(error.body).toContain('<Code>SignatureDoesNotMatch</Code>')
    const refusal = await ask(signedUrl({ Format: 'XML', Action: 'Refuse' }))
    expect(refusal.status).toBe(200)
    expect(refusal.body).toContain('<RefuseResponse><RequestId>')
    expect(refusal.body).toContain('<Code>isv.BIND_CONFLICT</Code>')
  })

  test('names are matched without case, twice the same name is refused', async () => {
    const lower = await ask(signedUrl({ Text: undefined, text: 'lower' }))
    expect(JSON.parse(lower.body)).toMatchObject({ Echo: { Text: 'lower' } })
    const twice = await ask(signedUrl({ text: 'again' }))
    expect(JSON.parse(twice.body)['Code']).toBe('InvalidParameter')
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('%s is no method of this API', async (method) => {
    const answer = await ask(signedUrl(), { method })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)['Code']).toBe('UnsupportedHTTPMethod')
  })

  test('a body without end is refused as the gateway does', async () => {
    const answer = await ask(`${ground.base}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `Text=${'x'.repeat(100_001)}`,
    })
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.body)).toMatchObject({ Code: 'InvalidRequest' })
  })

  test('without Redis nobody can tell a replay, so nothing is let in', async () => {
    await server.kill()
    try {
      const answer = await ask(signedUrl())
      expect(answer.status).toBe(503)
      expect(JSON.parse(answer.body)['Code']).toBe('ServiceUnavailable')
      expect(answer.response.headers.get('x-acs-retry-after')).toBe('1')
    } finally {
      await server.start()
    }
  })
})

describe('ACS3 by hand', () => {
  const emptyHash = createHash('sha256').update('').digest('hex')

  function signed(change: { headers?: Record<string, string>; list?: string; body?: string } = {}) {
    const headers: Record<string, string> = {
      host: new URL(ground.base).host,
      'x-acs-action': 'Echo',
      'x-acs-version': '2017-05-25',
      'x-acs-date': new Date().toISOString().replace(/\.\d+/, ''),
      'x-acs-signature-nonce': `${Math.random()}`,
      'x-acs-content-sha256': emptyHash,
      ...(change.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    }
    const list = change.list ?? Object.keys(headers).sort().join(';')
    const stringToSign = stringToSignAcs3({
      method: 'POST',
      path: '/',
      query: [['Text', 'x']],
      signedHeaders: list.split(';'),
      header: (name) => headers[name],
      bodyHash: headers['x-acs-content-sha256'] ?? '',
    })
    const authorization = `ACS3-HMAC-SHA256 Credential=${good.id},SignedHeaders=${list},Signature=${signatureAcs3(stringToSign, good.secret)}`
    const { host: _, ...sent } = headers
    return ask(`${ground.base}/?Text=x`, {
      method: 'POST',
      headers: { ...sent, authorization, ...change.headers },
      ...(change.body === undefined ? {} : { body: change.body }),
    })
  }

  test('as it should be', async () => {
    expect((await signed()).status).toBe(200)
  })

  test.each<[string, Parameters<typeof signed>[0], string]>([
    ['a body that was changed', { body: 'Text=y' }, 'Invalidx-acs-content-sha256'],
    [
      'a body whose type is not signed',
      {
        body: 'Text=y',
        list: 'host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version',
      },
      'IncompleteSignature',
    ],
    [
      'an action that was changed',
      { headers: { 'x-acs-action': 'Refuse' } },
      'SignatureDoesNotMatch',
    ],
    ['a header that is not signed', { list: 'host;x-acs-action' }, 'IncompleteSignature'],
    [
      'no credential',
      { headers: { authorization: 'ACS3-HMAC-SHA256 Signature=ab' } },
      'IncompleteSignature',
    ],
    [
      'another algorithm',
      {
        headers: {
          authorization: `ACS3-HMAC-SM3 Credential=${good.id},SignedHeaders=host,Signature=ab`,
        },
      },
      'InvalidSignatureMethod',
    ],
    ['no date', { headers: { 'x-acs-date': '' } }, 'Missingx-acs-date'],
  ])('%s', async (_why, change, code) => {
    const { status, body } = await signed(change)
    expect(JSON.parse(body)).toMatchObject({ Code: code })
    expect(status).toBe(400)
  })
})
