import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Redis } from '../../../src/platform/redis.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { openApiClient, openApiCore, popCore, type RpcClient } from '../../support/rpc-clients.ts'
import { good, goodKey, type RpcGround, startRpcGround } from '../../support/rpc-ground.ts'

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

const text = '中文 with spaces + * ~ ! ( ) \' & = % / ? # " 号码'

describe.each<[string, () => RpcClient]>([
  ['pop-core, GET', () => popCore(ground.base, good, 'GET')],
  ['pop-core, POST', () => popCore(ground.base, good, 'POST')],
  ['openapi-client, ACS3', () => openApiClient(ground.base, good, 'acs3')],
  ['openapi-client, v1', () => openApiClient(ground.base, good, 'v1')],
  ['openapi-core, ACS3', () => openApiCore(ground.base, good)],
])('%s', (_, client) => {
  test('every character arrives, and types are as the action wants them', async () => {
    const answer = await client()('Echo', { Text: text, Flag: true, Count: 7 })
    expect(answer).toMatchObject({
      Code: 'OK',
      Message: 'OK',
      Echo: { Text: text, Flag: true, Count: 7 },
    })
    expect(answer['RequestId']).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
  })

  test('lists arrive in order', async () => {
    const List = [{ Name: 'a', On: true }, { Name: text }, { Name: '3' }]
    expect(await client()('Echo', { Text: 'x', List })).toMatchObject({ Echo: { List } })
  })

  test('a wrong secret is told from an unknown key', async () => {
    ground.holder = { ...goodKey, secrets: ['another'] }
    await expect(client()('Echo', { Text: 'x' })).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    })
    ground.holder = { ...goodKey, keyId: 'AKother' }
    await expect(client()('Echo', { Text: 'x' })).rejects.toMatchObject({
      code: 'InvalidAccessKeyId.NotFound',
    })
  })

  test('the secret before a rotation is good while it is listed', async () => {
    ground.holder = { ...goodKey, secrets: ['new one', good.secret] }
    expect(await client()('Echo', { Text: 'x' })).toMatchObject({ Code: 'OK' })
  })

  test.each<[string, () => void, string, object]>([
    [
      'a disabled key',
      () => {
        ground.holder = { ...goodKey, enabled: false }
      },
      'InvalidAccessKeyId.Inactive',
      { Text: 'x' },
    ],
    [
      'a source address that is not listed',
      () => {
        ground.holder = { ...goodKey, addresses: ['192.0.2.0/24'] }
      },
      'Forbidden.RAM',
      { Text: 'x' },
    ],
    [
      'a clock that is late',
      () => {
        ground.now = () => new Date(Date.now() + 15 * 60_000 + 5_000)
      },
      'InvalidTimeStamp.Expired',
      { Text: 'x' },
    ],
    [
      'a clock that is fast',
      () => {
        ground.now = () => new Date(Date.now() - 15 * 60_000 - 5_000)
      },
      'InvalidTimeStamp.Expired',
      { Text: 'x' },
    ],
    ['a missing parameter', () => undefined, 'MissingText', { Flag: true }],
    ['a parameter too long', () => undefined, 'InvalidText', { Text: 'x'.repeat(101) }],
    ['a boolean that is none', () => undefined, 'InvalidFlag', { Text: 'x', Flag: 'maybe' }],
    ['an integer out of range', () => undefined, 'InvalidCount', { Text: 'x', Count: 10 }],
    ['a list that is none', () => undefined, 'InvalidList', { Text: 'x', List: '[' }],
  ])('%s is refused', async (_why, change, code, parameters) => {
    change()
    await expect(client()('Echo', { ...parameters })).rejects.toMatchObject({ code })
  })

  test('an action that is not there', async () => {
    await expect(client()('NoSuch', {})).rejects.toMatchObject({ code: 'InvalidApi.NotFound' })
  })

  test('a scope that the key lacks', async () => {
    const asked = client()('Costly', {}).catch((err: { code: string }) => ({ Code: err.code }))
    expect(await asked).toMatchObject({ Code: 'isp.RAM_PERMISSION_DENY' })
  })

  test('too many of one action', async () => {
    const ask = client()
    const codes: string[] = []
    for (let i = 0; i < 3; i += 1) {
      const { Code } = await ask('Refuse', {}).catch((err: { code: string }) => ({
        Code: err.code,
      }))
      codes.push(String(Code))
    }
    expect(codes).toEqual(['isv.BIND_CONFLICT', 'isv.BIND_CONFLICT', 'Throttling.User'])
    expect(ground.noted).toEqual(['Refuse', 'Refuse'])
  })
})
