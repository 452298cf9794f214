import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { openApiClient, popCore } from '../support/rpc-clients.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import {
  beijingIn,
  codeOf,
  createVendorWorld,
  newCredentials,
  type VendorWorld,
} from '../support/vendor-world.ts'

const key = newCredentials()
let runtime: Runtime
let engine: Engine
let world: VendorWorld

const stock = [
  'number,class,city,carrier',
  ...Array.from({ length: 12 }, (_, at) => `171900000${String(at).padStart(2, '0')},1,杭州,2`),
  ...Array.from({ length: 3 }, (_, at) => `1330000000${at},2,海口,3`),
  ...Array.from({ length: 2 }, (_, at) => `9501390000${at},3,全国通用,`),
]

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime, {
    env: { AXBRIDGE_ACCESS_KEY_ID: key.id, AXBRIDGE_ACCESS_KEY_SECRET: key.secret },
  })
  world = await createVendorWorld(engine)
  const imported = await fetch(`${engine.api.base}/v1/inventory/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${engine.token}`, 'content-type': 'text/csv' },
    body: `${stock.join('\n')}\n`,
  })
  expect(await imported.json()).toMatchObject({ added: stock.length - 1, faulty: 0 })
})
afterAll(async () => {
  await engine?.stop()
  await runtime?.stop()
})

describe.each([
  ['pop-core', () => popCore(engine.api.base, key, 'POST')],
  ['openapi-client', () => openApiClient(engine.api.base, key, 'acs3')],
] as const)('stock by %s', (_, client) => {
  const remain = async (SpecId: number, City: string, SecretNo?: string) => {
    const asked = { SpecId, City, ...(SecretNo === undefined ? {} : { SecretNo }) }
    return (await client()('QuerySecretNoRemain', asked))['SecretRemainDTO'] as unknown as {
      City: string
      Amount: number
      RemainDTOList: { remainDTO: { City: string; Amount: number }[] }
    }
  }

  test('what is left: of a city, of all, city by city, nationwide', async () => {
    const hangzhou = await remain(1, '杭州')
    expect(hangzhou).toMatchObject({ City: '杭州', RemainDTOList: { remainDTO: [] } })
    expect(hangzhou.Amount).toBeGreaterThan(9)
    expect((await remain(1, '杭州', '133')).Amount).toBe(0)
    expect((await remain(2, '全国')).Amount).toBe(3)
    expect((await remain(2, '全国列表')).RemainDTOList.remainDTO).toEqual([
      { City: '海口', Amount: 3 },
    ])
    expect((await remain(3, '全国通用')).Amount).toBe(2)
  })

  test('one is bought, can be bound at once, and is given back', async () => {
    const PoolKey = world.pools.AXN
    const before = (await remain(1, '杭州')).Amount
    const bought = await client()('BuySecretNo', {
      PoolKey,
      SpecId: 1,
      City: '杭州',
      SecretNo: '1719',
    })
    const { SecretNo } = bought['SecretBuyInfoDTO'] as unknown as { SecretNo: string }
    expect(SecretNo).toMatch(/^1719\d{7}$/)
    expect((await remain(1, '杭州')).Amount).toBe(before - 1)
    expect(await client()('QuerySecretNoDetail', { PoolKey, SecretNo })).toMatchObject({
      SecretNoInfoDTO: {
        City: '杭州',
        Province: '浙江',
        Vendor: 2,
        SecretStatus: 0,
        CertifyStatus: 0,
      },
    })
    const terms = {
      PoolKey,
      PhoneNoA: world.person(),
      PhoneNoX: SecretNo,
      Expiration: beijingIn(600),
    }
    const dto = (await client()('BindAxn', terms))['SecretBindDTO'] as unknown as { SubsId: string }
    await client()('UnbindSubscription', { PoolKey, SecretNo, SubsId: dto.SubsId })
    expect(await client()('ReleaseSecretNo', { PoolKey, SecretNo })).toMatchObject({ Code: 'OK' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['isv.NO_AVAILABLE_NUMBER', { SpecId: 1, City: '拉萨' }],
    ['isv.NO_AVAILABLE_NUMBER', { SpecId: 1, City: '杭州', SecretNo: '17299' }],
    ['isv.ILLEGAL_ARGUMENT', { SpecId: 1, City: '亚特兰蒂斯' }],
    ['InvalidSpecId', { SpecId: 7, City: '杭州' }],
    ['MissingCity', { SpecId: 1 }],
  ])('%s', async (code, asked) => {
    const PoolKey = world.pools.AXN
    expect(await codeOf(client()('BuySecretNo', { PoolKey, ...asked }))).toBe(code)
  })
})

test('the key of a suspended account is told so; another account’s things are not there', async () => {
  const { api } = engine
  const account = await api.call<{ id: string }>('POST', '/v1/accounts', {
    id: 'other',
    name: 'Another',
  })
  const made = await api.call<{ id: string; secret: string }>('POST', '/v1/access-keys', {
    accountId: account.id,
    name: 'sdk',
    scopes: ['read', 'bind', 'numbers'],
  })
  const ask = openApiClient(api.base, made, 'acs3')
  const PoolKey = world.pools.AXB
  const PhoneNoX = await world.x(PoolKey)
  const bind = { PoolKey, PhoneNoX, PhoneNoA: world.person(), PhoneNoB: world.person() }
  const foreign = ask('BindAxb', { ...bind, Expiration: beijingIn(600) })
  expect(await codeOf(foreign)).toBe('isv.POOLKEY_NOT_EXISTS')
  const asked = { PoolKey, SecretNo: PhoneNoX }
  expect(await codeOf(ask('QuerySecretNoDetail', asked))).toBe('isv.NO_NOT_EXIST')
  await api.call('POST', `/v1/accounts/${account.id}/suspend`)
  expect(await codeOf(ask('QuerySecretNoDetail', asked))).toBe('isv.OUT_OF_SERVICE')
})
